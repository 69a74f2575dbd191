"""What a word that is not standard English may stand for.

`data/normalisation.tsv` holds what people wrote and what it stood for, with counts (see its card,
`data/README.md`); `data/slang.tsv` adds by hand what is common elsewhere; contractions follow rules.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).parent / "data"

_FLOOD = re.compile(r"([a-z])\1{2,}")
_LETTERS = re.compile(r"[a-z]+")


class Candidate(NamedTuple):
    """One reading of a word, and how likely it is without its context, 0 to 1."""

    text: str
    probability: float


def candidates(tokens: Sequence[str]) -> list[tuple[Candidate, ...]]:
    """For each lower-case token its readings, likeliest first; never none, since a word may stand for itself."""
    return [_readings(token) for token in tokens]


@lru_cache(maxsize=10_000)
def _readings(token: str) -> tuple[Candidate, ...]:
    known = _lexicon().get(token)
    if known is None and _FLOOD.search(token) and _LETTERS.fullmatch(token):
        for kept in (r"\1\1", r"\1"):  # "gooood" → "good", "sooo" → "soo", "so"
            shorter = _FLOOD.sub(kept, token)
            known = _lexicon().get(shorter, known)
        known = known or {_FLOOD.sub(r"\1", token): 1}
    if not known:
        return (Candidate(token, 1.0),)
    total = sum(known.values())
    return tuple(Candidate(text, count / total) for text, count in sorted(known.items(), key=lambda item: -item[1]))


@cache
def _lexicon() -> dict[str, dict[str, float]]:
    """Token → reading → count."""
    lexicon: dict[str, dict[str, float]] = {}
    for name in ("slang.tsv", "normalisation.tsv"):
        for line in (DATA / name).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                token, reading, count = line.split("\t")
                lexicon.setdefault(token, {})[reading] = float(count)
    return lexicon


_IRREGULAR = {
    "can't": "cannot",
    "won't": "will not",
    "shan't": "shall not",
    "ain't": "is not",
    "y'all": "you all",
    "let's": "let us",
    "ma'am": "madam",
    "o'clock": "o'clock",
    "'tis": "it is",
    "gonna": "going to",
    "wanna": "want to",
    "gotta": "got to",
    "gimme": "give me",
    "lemme": "let me",
    "kinda": "kind of",
    "sorta": "sort of",
    "outta": "out of",
    "dunno": "do not know",
    "c'mon": "come on",
    "could've": "could have",
}
_ENDINGS = {"n't": " not", "'re": " are", "'ve": " have", "'ll": " will", "'m": " am", "'d": " would"}
_IS = frozenset("it he she that this there here what who where when how why everything nothing something".split())


def expand_contraction(word: str) -> str:
    """`word`, lower-case, with its contraction written out; a possessive ('s) stays.

    >>> expand_contraction("can't"), expand_contraction("it's"), expand_contraction("meter's")
    ('cannot', 'it is', "meter's")
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for ending, written in _ENDINGS.items():
        if word.endswith(ending) and len(word) > len(ending):
            return expand_contraction(word.removesuffix(ending)) + written
    if word.endswith("'s") and word[:-2] in _IS:
        return word[:-2] + " is"
    return word
