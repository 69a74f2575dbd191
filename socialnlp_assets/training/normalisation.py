"""The two tables of `nlp.lexicon`: what a word may stand for, and what stands beside each of its readings.

What ships is written (`lexicon/readings.txt`), with neighbours as the comments of GoEmotions have them. Under research
terms it is learned from tweets whose words somebody normalised: `DATA/normalisation/train_data.json` is a W-NUT 2015
file, a JSON list of `{"input": [token…], "output": [standard form…]}`. Those tweets measure both.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from socialnlp_assets.nlp.lexicon import (
    CONTEXTS,
    READINGS,
    Context,
    Lexicon,
    neighbour,
    shipped_slang,
    shipped_words,
)
from socialnlp_assets.nlp.noise import TOKEN, normalise_tokens, remove_noise

TWEETS = Path("normalisation") / "train_data.json"
RARE = 0.02  # a reading of fewer of a token's uses is a slip, and would cost a choice at each use
USES = 400  # of each reading, whose neighbours are learned; more say nothing new
LEAST = 2  # a neighbour seen once is chance
Readings = dict[str, dict[str, int]]


class Tweet(NamedTuple):
    """Tokens as written, and what stands for each: lower-case, possibly several words, empty, or itself."""

    tokens: list[str]
    standard: list[str]


class Measure(NamedTuple):
    """The shared task's: of the tokens that were changed, and of those to change, how many were got right."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / max(self.precision + self.recall, 1e-9)


def written(data: Path, folder: Path) -> dict[str, float]:
    """The tables that ship; the figures are those on all tweets of `data`, where it has them."""
    readings = written_readings()
    comments = (data / "goemotions" / "train.tsv").read_text(encoding="utf-8").splitlines()
    contexts = neighbours(readings, [_words(line.split("\t")[0]) for line in comments])
    _save(folder, readings, contexts)
    path = data / TWEETS
    return _figures([measure(_lexicon(readings, contexts), read(path))]) if path.exists() else {}


def tweets(data: Path, folder: Path) -> dict[str, float]:
    """A model folder that the tweets of `data` teach; the figures are those of five-fold validation."""
    known = read(data / TWEETS)
    _save(folder, *learn(known))
    settings = {"name": folder.name, "task": "normalisation", "engine": "lexicon-normalisation"}
    (folder / "model.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    return _figures(cross_validate(known))


def written_readings() -> Readings:
    """Token → reading → how often in a hundred, of `lexicon/readings.txt`."""
    found: Readings = {}
    path = Path(__file__).parent / "lexicon" / "readings.txt"
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            token, _, listed = line.partition(": ")
            pairs = (reading.rpartition(" ") for reading in listed.split("; "))
            found[token] = {reading: int(share) for reading, _, share in pairs}
    return found


def neighbours(readings: Readings, sentences: Sequence[list[str]]) -> dict[Context, int]:
    """What stands beside the readings of each token in sentences whose writers spelled them out."""
    places: dict[str, list[tuple[int, int]]] = {}
    for number, words in enumerate(sentences):
        for position, word in enumerate(words):
            places.setdefault(word, []).append((number, position))
    contexts: dict[Context, int] = {}
    for token, found in readings.items():
        for reading in found:
            phrase = reading.split()
            uses: Counter[Context] = Counter()
            for number, position in islice(_spelled(phrase, places.get(phrase[0], []), sentences), USES):
                left, right = position - 1, position + len(phrase)
                uses[Context(token, reading, "left", neighbour(sentences[number], left))] += 1
                uses[Context(token, reading, "right", neighbour(sentences[number], right))] += 1
            contexts |= {context: count for context, count in uses.items() if count >= LEAST}
    return contexts


def _spelled(
    phrase: list[str], places: Iterable[tuple[int, int]], sentences: Sequence[list[str]]
) -> Iterable[tuple[int, int]]:
    """Those `places` (a sentence and a position in it) where all of `phrase` stands."""
    return (
        (number, position)
        for number, position in places
        if sentences[number][position : position + len(phrase)] == phrase
    )


def _words(text: str) -> list[str]:
    """As `nlp.noise` reads a text."""
    return [match[0].lower() for match in TOKEN.finditer(remove_noise(text))]


def learn(tweets: Sequence[Tweet]) -> tuple[Readings, dict[Context, int]]:
    """Token → reading → count for the tokens that had another reading than themselves, or that slang and
    rules would change though people did not; and for those with several readings what stood beside each."""
    untaught = _lexicon({}, {})
    counts: dict[str, Counter[str]] = {}
    for tweet in tweets:
        for token, reading in zip(tweet.tokens, tweet.standard, strict=True):
            counts.setdefault(token, Counter())[reading] += 1
    readings: Readings = {}
    for token, found in counts.items():
        enough = {
            reading: count
            for reading, count in found.most_common()
            if reading and (count >= RARE * found.total() or reading == token)
        }
        if set(enough) - {token} or untaught.candidates([token])[0][0].text != token:
            readings[token] = enough
    contexts: Counter[Context] = Counter()
    for tweet in tweets:
        for position, (token, reading) in enumerate(zip(tweet.tokens, tweet.standard, strict=True)):
            if len(readings.get(token, ())) > 1 and reading in readings[token]:
                contexts[Context(token, reading, "left", neighbour(tweet.tokens, position - 1))] += 1
                contexts[Context(token, reading, "right", neighbour(tweet.tokens, position + 1))] += 1
    return readings, dict(contexts)


def read(path: Path) -> list[Tweet]:
    return [
        Tweet([token.lower() for token in row["input"]], [token.lower() for token in row["output"]])
        for row in json.loads(path.read_text(encoding="utf-8"))
    ]


def measure(lexicon: Lexicon, tweets: Sequence[Tweet]) -> Measure:
    """How well `lexicon` normalises `tweets`."""
    answers = normalise_tokens([tweet.tokens for tweet in tweets], lexicon=lexicon)
    changed = needed = right = 0
    for tweet, answer in zip(tweets, answers, strict=True):
        for token, standard, given in zip(tweet.tokens, tweet.standard, answer, strict=True):
            changed += given != token
            needed += standard != token
            right += given == standard != token
    return Measure(right / max(changed, 1), right / max(needed, 1))


def cross_validate(tweets: Sequence[Tweet], folds: int = 5) -> list[Measure]:
    """The measure on each fold of a lexicon learned from the others."""
    mixed = random.Random(1).sample(tweets, len(tweets))
    return [
        measure(_lexicon(*learn([tweet for row, tweet in enumerate(mixed) if row % folds != fold])), mixed[fold::folds])
        for fold in range(folds)
    ]


def _lexicon(readings: Readings, contexts: dict[Context, int]) -> Lexicon:
    return Lexicon(readings, contexts, slang=shipped_slang(), words=shipped_words())


def _figures(measures: Sequence[Measure]) -> dict[str, float]:
    return {name: round(mean(getattr(each, name) for each in measures), 3) for name in ("precision", "recall", "f1")}


def _save(folder: Path, readings: Readings, contexts: dict[Context, int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / READINGS, ((t, r, str(n)) for t, found in readings.items() for r, n in found.items()))
    _write(folder / CONTEXTS, ((*context, str(count)) for context, count in contexts.items()))


def _write(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    path.write_text("\n".join(sorted("\t".join(row) for row in rows)) + "\n", encoding="utf-8")
