"""Emotion and sentiment, from data that may be used commercially: the comments of GoEmotions (Demszky et al.,
GoEmotions: A Dataset of Fine-Grained Emotions, ACL 2020), and posts and words written for this project.

Tweets under research terms only measure: neither their texts nor their labels are trained on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from socialnlp_assets.nlp.noise import as_tweet
from socialnlp_assets.training.classifier import Classes, Floats, scores, train_weighted
from socialnlp_assets.training.seeded import SEEDS
from socialnlp_assets.training.tweets import EMOTIONS, SENTIMENTS, read_tweets

NAMED = {"[NAME]": "@user", "[RELIGION]": "religion"}  # what GoEmotions hid
OF_EMOTION = {
    "anger": "anger annoyance disgust disapproval",
    "joy": "joy amusement excitement love gratitude pride relief",
    "optimism": "optimism caring",
    "sadness": "sadness disappointment grief remorse embarrassment",
}
OF_SENTIMENT = {
    "negative": "anger annoyance disappointment disapproval disgust embarrassment fear grief nervousness "
    "remorse sadness",
    "neutral": "neutral curiosity realization confusion surprise",
    "positive": "admiration amusement approval caring desire excitement gratitude joy love optimism pride relief",
}
TONE = {"anger": "negative", "sadness": "negative", "joy": "positive", "optimism": "positive"}


class Source(NamedTuple):
    """Texts of one origin, their classes, and how much each text counts."""

    texts: list[str]
    classes: Classes
    weights: Floats


def emotion(data: Path, folder: Path) -> dict[str, float]:
    """Fit on the comments below `data`/goemotions, the project's posts and its words."""
    posts = [(text, label) for label, text in rows("emotions.tsv", "\t")]
    sources = [
        comments(data, "train", EMOTIONS, OF_EMOTION, (1.05, 1.25, 0.7, 0.8)),
        weighted(posts, EMOTIONS, 1),
        weighted([(word, label) for label, word in words()], EMOTIONS, 12),
    ]
    return _fit(data, folder, sources, EMOTIONS, OF_EMOTION, strength=0.7, stress=1)


def sentiment(data: Path, folder: Path) -> dict[str, float]:
    """Fit on the same; words of optimism are said in any tone, and posts that only inform are added."""
    posts = [(text, TONE[label]) for label, text in rows("emotions.tsv", "\t")]
    posts += [(line, "neutral") for line in lines("neutral.txt")]
    sources = [
        comments(data, "train", SENTIMENTS, OF_SENTIMENT, (2.9, 1, 1.5)),
        weighted(posts, SENTIMENTS, 10),
        weighted([(word, TONE[label]) for label, word in words() if label != "optimism"], SENTIMENTS, 1),
    ]
    return _fit(data, folder, sources, SENTIMENTS, OF_SENTIMENT, strength=0.02, stress=3)


def _fit(
    data: Path, folder: Path, sources: Sequence[Source], labels: tuple[str, ...], of: Mapping[str, str],
    strength: float, stress: float,
) -> dict[str, float]:  # fmt: skip
    """Train, write `folder`, and measure on GoEmotions' development comments and, where `data` has them, on tweets."""
    model = train_weighted(
        [text for source in sources for text in source.texts],
        np.concatenate([source.classes for source in sources]),
        np.concatenate([source.weights for source in sources]),
        strength, stress,
    )  # fmt: skip
    model.save(folder, folder.name, labels)
    held_out = comments(data, "dev", labels, of, (1,) * len(labels))
    tests = {"comments": (held_out.texts, held_out.classes)}
    for name, split in (("emotion", "train"), ("emotion", "val"), ("sentiment/english", "val")):
        if name.startswith(folder.name) and (data / name).is_dir():
            tests[f"tweets, {split}"] = read_tweets(data / name, split)
    return {
        f"{where}: {figure}": value
        for where, (texts, truth) in tests.items()
        for figure, value in scores(truth, model.margins([as_tweet(text) for text in texts]).argmax(axis=1)).items()
    }


def comments(data: Path, split: str, labels: tuple[str, ...], of: Mapping[str, str], shares: Sequence[float]) -> Source:
    """The comments whose emotions are all of one label. `shares`: how much all comments of each label count together,
    relative to those of an average label."""
    names = (data / "goemotions" / "labels.txt").read_text(encoding="utf-8").split()
    label_of = {emotion: labels.index(label) for label, emotions in of.items() for emotion in emotions.split()}
    plain = {label_of[emotion] for emotion in ("neutral", "surprise") if emotion in label_of}
    texts, classes = [], []
    for line in (data / "goemotions" / f"{split}.tsv").read_text(encoding="utf-8").splitlines():
        text, numbers, _ = line.split("\t")
        found = {label_of[names[int(n)]] for n in numbers.split(",") if names[int(n)] in label_of}
        found = found - plain or found  # what is said beside what is felt
        if len(found) == 1:
            for hidden, shown in NAMED.items():
                text = text.replace(hidden, shown)
            texts.append(text)
            classes.append(found.pop())
    known = np.array(classes, np.int64)
    each = np.array(shares) * len(known) / (len(labels) * np.bincount(known, minlength=len(labels)))
    return Source(texts, known, each[known])


def weighted(posts: Sequence[tuple[str, str]], labels: tuple[str, ...], weight: float) -> Source:
    classes = np.array([labels.index(label) for _, label in posts], np.int64)
    return Source([text for text, _ in posts], classes, np.full(len(posts), weight, np.float64))


def words() -> Iterator[tuple[str, str]]:
    """Label and word, each word alone and as a hashtag."""
    for label, listed in rows("emotion_words.txt", ": "):
        for word in listed.split():
            yield label, word.replace("-", " ")
            yield label, "#" + word.replace("-", "")


def rows(name: str, separator: str) -> Iterator[tuple[str, str]]:
    for line in lines(name):
        label, _, text = line.partition(separator)
        yield label, text


def lines(name: str) -> list[str]:
    """The lines of a file of seeds, without comments."""
    found = (SEEDS / name).read_text(encoding="utf-8").splitlines()
    return [line for line in found if not line.startswith("# ")]
