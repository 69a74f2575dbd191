"""What a word that is not standard English may stand for, and which of it does here.

Words that stand for several things: `data/normalisation.tsv`, and what stands beside each in `data/contexts.tsv`
(`data/README.md` is their card, `training/normalisation.py` makes them). Words that stand for one: `data/slang.tsv`,
and rules for those that nobody could list.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from math import log
from pathlib import Path
from typing import NamedTuple

from socialnlp_assets.nlp.contractions import WITHOUT_APOSTROPHE

DATA = Path(__file__).parent / "data"
READINGS, CONTEXTS = "normalisation.tsv", "contexts.tsv"

PRIOR = 5.0  # how many unseen uses a reading's neighbours are smoothed by
TRUST = 0.5  # in neighbours, whose two sides are not independent
FLOOD_WORDS = 10_000  # the words that people draw out are common ones

_FLOOD = re.compile(r"([a-z])\1{2,}")
_WORD = re.compile(r"[a-z0-9']+")
_REMEMBERED = 20_000  # tokens whose readings are kept; a server reads without end


class Candidate(NamedTuple):
    """One reading of a word, and how likely it is without its context: over 0, at most 1."""

    text: str
    probability: float


class Slot(NamedTuple):
    """One word that may be read in several ways: where it stands, and its readings, likeliest first."""

    tokens: Sequence[str]  # the words and marks of the whole text, lower-case
    position: int
    candidates: Sequence[Candidate]  # two or more


class Context(NamedTuple):
    """A reading of a token beside a neighbour."""

    token: str
    reading: str
    side: str  # left or right
    neighbour: str


def neighbour(tokens: Sequence[str], position: int) -> str:
    """The token at `position` as a neighbour: the kind of an address, a name or a number, ``""`` at an end."""
    if not 0 <= position < len(tokens):
        return ""
    token = tokens[position]
    if token[:1] in ("@", "#") and len(token) > 1:
        return token[0]
    if token.startswith("http"):
        return "http"
    return "0" if token.isdigit() else token


class Lexicon:
    """Readings of tokens. `readings` and `contexts` count what was seen; `slang` holds one reading a token;
    `words` are standard English, commonest first."""

    def __init__(
        self,
        readings: Mapping[str, Mapping[str, int]],
        contexts: Mapping[Context, int],
        *,
        slang: Mapping[str, str],
        words: Sequence[str],
    ) -> None:
        self._readings = {
            token: tuple(
                Candidate(text, count / sum(found.values()))
                for text, count in sorted(found.items(), key=lambda item: (-item[1], item[0]))
            )
            for token, found in readings.items()
        }
        self._slang = slang
        self._words = frozenset(words)
        self._common = {word: rank for rank, word in enumerate(words[:FLOOD_WORDS])}
        self._contexts = contexts
        self._uses: Counter[tuple[str, str]] = Counter()
        neighbours: Counter[tuple[str, str]] = Counter()
        for context, count in contexts.items():
            neighbours[context.side, context.neighbour] += count
            if context.side == "left":
                self._uses[context.token, context.reading] += count
        total = sum(neighbours.values()) / 2
        self._anywhere = {key: count / total for key, count in neighbours.items()}
        self._remembered: dict[str, tuple[Candidate, ...]] = {}

    def candidates(self, tokens: Sequence[str]) -> list[tuple[Candidate, ...]]:
        """For each lower-case token its readings, likeliest first; a standard word has itself alone."""
        return [self._remember(token) for token in tokens]

    def choose(self, slots: Sequence[Slot]) -> list[str]:
        """The likeliest reading of each slot, given the words on its two sides (naive Bayes)."""
        decided: dict[tuple[str, str, str], str] = {}
        for slot in slots:
            key = self._place(slot)
            if key not in decided:
                decided[key] = max(slot.candidates, key=lambda candidate: self._score(*key, candidate)).text
        return [decided[self._place(slot)] for slot in slots]

    def _place(self, slot: Slot) -> tuple[str, str, str]:
        """The token with its neighbours, all that the choice looks at."""
        tokens, position = slot.tokens, slot.position
        return tokens[position], neighbour(tokens, position - 1), neighbour(tokens, position + 1)

    def _score(self, token: str, left: str, right: str, candidate: Candidate) -> float:
        score = log(candidate.probability)
        uses = self._uses[token, candidate.text] + PRIOR
        for side, beside in (("left", left), ("right", right)):
            seen = self._contexts.get(Context(token, candidate.text, side, beside), 0)
            score += TRUST * log((seen + PRIOR * self._anywhere.get((side, beside), 1e-4)) / uses)
        return score

    def _remember(self, token: str) -> tuple[Candidate, ...]:
        found = self._remembered.get(token)
        if found is None:
            found = self._readings.get(token) or (Candidate(self._guess(token), 1.0),)
            if len(self._remembered) < _REMEMBERED and len(token) < 50:
                self._remembered[token] = found
        return found

    def _guess(self, token: str) -> str:
        """The reading of a token that was never seen; itself where no rule is sure."""
        if token in self._slang:
            return self._slang[token]
        if not _WORD.fullmatch(token) or len(token) < 3 or token in self._words:
            return token
        if token in WITHOUT_APOSTROPHE:
            return WITHOUT_APOSTROPHE[token]
        if _FLOOD.search(token):
            return self._without_flood(token)
        if token.endswith("in") and token + "g" in self._words:  # "workin"
            return token + "g"
        if token.endswith("n") and len(token) > 4 and token[:-1] + "ing" in self._words:  # "talkn"
            return token[:-1] + "ing"
        if token.endswith("z") and self._common.get(token[:-1] + "s"):  # "drugz"
            return token[:-1] + "s"
        if token[-1] == token[-2] and token[:-1] in self._common:  # "youu"
            return token[:-1]
        return token

    def _without_flood(self, token: str) -> str:
        """ "gooood" → "good", "sooo" → "so": each flood cut to one letter or to two."""
        shorter = [word for kept in (r"\1", r"\1\1") if len(word := _FLOOD.sub(kept, token)) > 1]
        known = [word for word in shorter if word in self._readings or word in self._slang]
        common = [word for word in shorter if word in self._common]
        if common:
            return min(common, key=self._common.__getitem__)
        if known:
            return self._slang.get(known[0]) or self._readings[known[0]][0].text
        return token


@cache
def lexicon(folder: Path = DATA) -> Lexicon:
    """The lexicon that travels with the project, or one with the two learned tables of `folder`."""
    readings: dict[str, dict[str, int]] = {}
    for token, reading, count in _table(folder / READINGS):
        readings.setdefault(token, {})[reading] = int(count)
    contexts = {
        Context(token, reading, side, beside): int(count)
        for token, reading, side, beside, count in _table(folder / CONTEXTS)
    }
    return Lexicon(readings, contexts, slang=shipped_slang(), words=shipped_words())


def shipped_slang() -> dict[str, str]:
    """Token → reading, written by hand."""
    return {row[0]: row[1] for row in _table(DATA / "slang.tsv")}


def shipped_words() -> list[str]:
    """Standard English words, commonest first."""
    return (DATA / "words.txt").read_text(encoding="utf-8").split()


def _table(path: Path) -> list[list[str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines]
