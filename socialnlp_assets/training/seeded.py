"""Reputation, themes and the aspects of reviews, from the project's own sentences in `seeds/`."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.metrics import f1_score, precision_score, recall_score

from socialnlp_assets.models.catalogue import load_catalogue
from socialnlp_assets.nlp.cleaning import clauses, prepare_for_classification, prepare_review
from socialnlp_assets.tasks.aspects import NOT_MENTIONED
from socialnlp_assets.training.classifier import SMALL, Classifier, Floats, folds, scores, train, train_alone

SEEDS = Path(__file__).parent / "seeds"
REVIEWS = 500  # composed to measure
JOINTS = (". ", ", ", " and ", " but ", "! ")
CHAT = 1500  # comments that are about none of the labels
ARTICLES, LEAST_ALIKE = 1500, 8  # composed for topics; labels of fewer posts are not composed of
OPPOSITE = {"positive": "negative", "negative": "positive"}
SAID = {  # with "-" the opposite
    "is": (
        "{}",
        "very {}",
        "they are {}",
        "-not {}",
        "-not very {}",
        "-not {} at all",
        "-they are not {}",
        "-anything but {}",
    ),
    "has": ("{}", "lots of {}", "there is {}", "-no {}", "-zero {}", "-without {}", "-there is no {}", "-never {}"),
    "do": ("they {}", "they always {}", "-they do not {}", "-they never {}", "-nobody will {}"),
}
STEPS, SMOOTH = np.linspace(-2.5, 1, 36), 5  # margins tried as thresholds; how many neighbours are averaged
SPORT, SCIENCE = "Sports - Culture - Entertainment", "Science and Medicine"
NEWS = {  # the themes that are right for a category of MasakhaNEWS
    "business": {"Economy", "Corporate"},
    "entertainment": {SPORT},
    "health": {SCIENCE},
    "politics": {"Politics", "Foreign news"},
    "sports": {SPORT},
    "technology": {SCIENCE},
}


class Topic(NamedTuple):
    labels: frozenset[str]
    text: str


class Clause(NamedTuple):
    aspect: str  # or "other"
    polarity: str
    text: str


def topics(data: Path, folder: Path) -> dict[str, float]:
    """Yes or no for each label of `folder`'s name. The figures are cross-validated on the seeds, thresholds
    included; of themes also on the news below `data`/topics, which only measure."""
    labels = load_catalogue()[folder.name].labels
    words = read_words(SEEDS / f"{folder.name}_words.txt", labels)
    seeds = read_topics(SEEDS / f"{folder.name}.tsv", labels)
    rows = seeds + chat(data, "train", CHAT, words)
    texts, members = [prepare_for_classification(row.text) for row in rows], memberships(rows, labels)
    margins = np.zeros_like(members)
    for seen, unseen in folds(len(rows)):
        part = _train([rows[row] for row in seen], words, labels)
        margins[unseen] = part.margins([texts[row] for row in unseen])
    predicted = np.zeros_like(members)
    for seen, unseen in folds(len(rows)):
        predicted[unseen] = margins[unseen] > thresholds(margins[seen], members[seen])
    model = _train(rows, words, labels)
    model = model._replace(bias=model.bias - thresholds(margins, members))
    model.save(folder, folder.name, labels, "multi-label")
    members, predicted = members[: len(seeds)], predicted[: len(seeds)]
    said = model.margins([prepare_for_classification(row.text) for row in chat(data, "dev", CHAT)])
    figures = {
        "macro F1": float(f1_score(members, predicted, average="macro", zero_division=0)),
        "micro precision": float(precision_score(members, predicted, average="micro")),
        "micro recall": float(recall_score(members, predicted, average="micro")),
        "of chat": float((said.max(axis=1) > 0).mean()),
    }
    news = data / "topics" / "masakhanews-fewshot50" / "eng"
    if folder.name == "themes" and news.is_dir():
        figures |= on_news(model, labels, news)
    return {name: round(value, 3) for name, value in figures.items()}


def _train(rows: list[Topic], words: list[Topic], labels: tuple[str, ...]) -> Classifier:
    """On posts, the words of each label, posts about nothing, and articles composed of all."""
    talk = [Topic(frozenset(), text) for _, text in _lines("emotions.tsv")]
    talk += [Topic(frozenset(), text) for (text,) in _lines("neutral.txt")]
    taught = rows + words + talk * 2 + articles(rows, [row.text for row in talk])
    texts = [prepare_for_classification(row.text) for row in taught]
    return train_alone(texts, memberships(taught, labels), strength=3, balance=0.7, ngrams=SMALL)


def chat(data: Path, split: str, most: int, words: Sequence[Topic] = ()) -> list[Topic]:
    """The first `most` comments of GoEmotions in which none of `words` occurs: they are about nothing."""
    told = {word for topic in words for word in prepare_for_classification(topic.text).split()}
    found = []
    for line in (data / "goemotions" / f"{split}.tsv").read_text(encoding="utf-8").splitlines():
        text = line.split("\t")[0].replace("[NAME]", "")
        if told.isdisjoint(prepare_for_classification(text).split()):
            found.append(Topic(frozenset(), text))
        if len(found) == most:
            break
    return found


def articles(rows: list[Topic], talk: list[str]) -> list[Topic]:
    """Longer texts: one or two posts of the same labels among three to nine that are about nothing."""
    rng = np.random.default_rng(5)
    alike: dict[frozenset[str], list[str]] = defaultdict(list)
    for row in rows:
        alike[row.labels].append(row.text)
    talk = talk + alike[frozenset()]
    common = [labels for labels, texts in alike.items() if len(texts) > LEAST_ALIKE]
    composed = []
    for number in range(ARTICLES):
        labels = common[number % len(common)]
        parts = [*rng.permutation(alike[labels])[: rng.integers(1, 3)], *rng.choice(talk, rng.integers(3, 10))]
        composed.append(Topic(labels, " ".join(parts)))
    return composed


def memberships(rows: list[Topic], labels: tuple[str, ...]) -> Floats:
    """Rows × labels, 0 or 1."""
    return np.array([[float(label in row.labels) for label in labels] for row in rows])


def thresholds(margins: Floats, members: Floats) -> Floats:
    """For each label the margin above which yes is best: by F1, smoothed over its neighbours among `STEPS`."""
    scored = np.array([
        [f1_score(truth, column > step, zero_division=0) for step in STEPS]
        for column, truth in zip(margins.T, members.T, strict=True)
    ])  # fmt: skip
    smooth = np.array([np.convolve(row, np.ones(SMOOTH) / SMOOTH, mode="valid") for row in scored])
    return np.asarray(STEPS[SMOOTH // 2 : -(SMOOTH // 2)][smooth.argmax(axis=1)])


def on_news(model: Classifier, labels: tuple[str, ...], folder: Path) -> dict[str, float]:
    """How many news have their category's theme as the likeliest that is there, and how many have none."""
    texts, right = [], []
    for path in sorted(folder.glob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                texts.append(prepare_for_classification(f"{row['headline']}. {row['text']}"))
                right.append(NEWS[row["category"]])
    margins = model.margins(texts)
    named = [labels[column] for column in margins.argmax(axis=1)]
    there = margins.max(axis=1) > 0
    hits = [name in themes and any_ for name, themes, any_ in zip(named, right, there, strict=True)]
    return {"news: accuracy": float(np.mean(hits)), "news: without a theme": float(1 - there.mean())}


def read_topics(path: Path, labels: tuple[str, ...]) -> list[Topic]:
    """The posts of a seeds file. Raises `ValueError` at an unknown label."""
    rows = []
    for names, text in _lines(path.name):
        given = frozenset() if names == "-" else frozenset(names.split(","))
        if unknown := given - set(labels):
            raise ValueError(f"{path.name}: no label is called {sorted(unknown)[0]!r}")
        rows.append(Topic(given, text))
    return rows


def read_words(path: Path, labels: tuple[str, ...]) -> list[Topic]:
    """Every word of each label as a text. Raises `ValueError` at an unknown label."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, listed = line.split(": ")
            if name not in labels:
                raise ValueError(f"{path.name}: no label is called {name!r}")
            rows += [Topic(frozenset([name]), word.replace("-", " ")) for word in listed.split()]
    return rows


def _lines(name: str) -> list[list[str]]:
    """The columns of a file of seeds, without comments."""
    found = (SEEDS / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in found if not line.startswith("# ")]


def aspects(_: Path, folder: Path) -> dict[str, float]:
    """Five classifiers of clauses, one an aspect; the figures are those of reviews composed of clauses that the model
    did not see, averaged over aspects."""
    entry = load_catalogue()[folder.name]
    place = folder.name.removeprefix("aspects-")
    written, denied = read_clauses(SEEDS / "aspects.tsv", place), read_denied(SEEDS / "aspects_words.txt")
    unseen = [clause for number, clause in enumerate(written) if number % 5 == 0]
    seen = [clause for number, clause in enumerate(written) if number % 5]
    reviews = compose(unseen, seed=2)
    figures: dict[str, list[float]] = defaultdict(list)
    for target in entry.targets:
        model = _train_aspect(seen, denied, target, entry.labels)
        truth = np.array([entry.labels.index(polarity_of(review, target)) for _, review in reviews])
        predicted = np.array([_margins(model, text, entry.labels).argmax() for text, _ in reviews])
        mentioned = predicted != entry.labels.index(NOT_MENTIONED)
        for name, value in scores(truth, predicted).items():
            figures[name].append(value)
        figures["precision of mentioned"].append(float((predicted == truth)[mentioned].mean()))
        whole = _train_aspect(written, denied, target, entry.labels)
        whole.save(folder / target, f"{folder.name}/{target}", entry.labels, "aspects", clauses=True)
    settings = {
        "name": folder.name,
        "task": "aspects",
        "engine": "linear",
        "labels": entry.labels,
        "targets": entry.targets,
    }
    (folder / "model.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    return {name: round(float(np.mean(values)), 3) for name, values in figures.items()}


def read_clauses(path: Path, place: str) -> list[Clause]:
    """The clauses that reviews of `place` may hold."""
    return [Clause(*columns) for where, *columns in _lines(path.name) if where in ("all", place)]


def read_denied(path: Path) -> list[Clause]:
    """The words of each aspect, said and denied in the ways that `SAID` gives."""
    said = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        head, listed = line.split(": ")
        aspect, polarity, kind = head.split()
        for word in listed.split():
            for frame in SAID[kind]:
                denied = frame.startswith("-")
                text = frame.removeprefix("-").format(word.replace("-", " "))
                said.append(Clause(aspect, OPPOSITE[polarity] if denied else polarity, text))
    return said


def compose(written: list[Clause], seed: int) -> list[tuple[str, list[Clause]]]:
    """`REVIEWS` reviews of one to four clauses, of which no two are of one aspect, prepared."""
    rng = np.random.default_rng(seed)
    reviews = []
    for number in range(REVIEWS):
        drawn = [written[row] for row in rng.permutation(len(written))[: rng.integers(1, 5)]]
        review = list({clause.aspect: clause for clause in drawn}.values())
        reviews.append((prepare_review(JOINTS[number % len(JOINTS)].join(clause.text for clause in review)), review))
    return reviews


def polarity_of(review: list[Clause], target: str) -> str:
    """What `review` says of `target`."""
    return next((clause.polarity for clause in review if clause.aspect == target), NOT_MENTIONED)


def _train_aspect(written: list[Clause], denied: list[Clause], target: str, labels: tuple[str, ...]) -> Classifier:
    taught = written * 2 + denied
    classes = np.array([labels.index(polarity_of([clause], target)) for clause in taught], np.int64)
    return train([prepare_review(clause.text) for clause in taught], classes, strength=1, balance=0.5, ngrams=SMALL)


def _margins(model: Classifier, text: str, labels: tuple[str, ...]) -> Floats:
    """As the engine reads a review: by clause, each label by the clause that says it most clearly."""
    each = model.margins(clauses(text))
    return np.asarray((each - each[:, [labels.index(NOT_MENTIONED)]]).max(axis=0))
