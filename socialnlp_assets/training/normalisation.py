"""The lexicon of `nlp.lexicon`, learned from tweets whose words somebody normalised.

`DATA/train_data.json` is a W-NUT 2015 file: a JSON list of `{"input": [token…], "output": [standard form…]}`.
Rebuild what ships with `python -m socialnlp_assets.training lexicon --data DATA --into
socialnlp_assets/nlp/data`.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from socialnlp_assets.nlp.lexicon import Context, Lexicon, neighbour, shipped_slang, shipped_words
from socialnlp_assets.nlp.noise import normalise_tokens

RARE = 0.02  # a reading of fewer of a token's uses is a slip, and would cost a choice at each use


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


def read(path: Path) -> list[Tweet]:
    return [
        Tweet([token.lower() for token in row["input"]], [token.lower() for token in row["output"]])
        for row in json.loads(path.read_text(encoding="utf-8"))
    ]


def learn(tweets: Sequence[Tweet]) -> tuple[dict[str, dict[str, int]], dict[Context, int]]:
    """Token → reading → count for the tokens that had another reading than themselves, or that slang and
    rules would change though people did not; and for those with several readings what stood beside each."""
    untaught = Lexicon({}, {}, slang=shipped_slang(), words=shipped_words())
    counts: dict[str, Counter[str]] = {}
    for tweet in tweets:
        for token, reading in zip(tweet.tokens, tweet.standard, strict=True):
            counts.setdefault(token, Counter())[reading] += 1
    readings: dict[str, dict[str, int]] = {}
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
        measure(
            Lexicon(
                *learn([tweet for row, tweet in enumerate(mixed) if row % folds != fold]),
                slang=shipped_slang(),
                words=shipped_words(),
            ),
            mixed[fold::folds],
        )
        for fold in range(folds)
    ]


def lexicon(data: Path, into: Path) -> dict[str, float]:
    """Writes the tables that all tweets teach into `into`; the figures are those of five-fold validation."""
    tweets = read(data / "train_data.json")
    folds = cross_validate(tweets)
    readings, contexts = learn(tweets)
    into.mkdir(parents=True, exist_ok=True)
    _write(into / "normalisation.tsv", ((t, r, str(n)) for t, found in readings.items() for r, n in found.items()))
    _write(into / "contexts.tsv", ((*context, str(count)) for context, count in contexts.items()))
    return {name: mean(getattr(fold, name) for fold in folds) for name in ("precision", "recall", "f1")}


def _write(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    path.write_text("\n".join(sorted("\t".join(row) for row in rows)) + "\n", encoding="utf-8")
