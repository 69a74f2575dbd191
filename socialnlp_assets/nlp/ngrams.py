"""Hashed word and character n-grams: what the linear classifier sees of a text.

Training and prediction must read text alike, so this is the one place that does it. Two blocks, words and
characters inside words (padded with a blank, as scikit-learn's `char_wb`), hashed by CRC-32 into one range of
buckets (Weinberger et al., Feature Hashing for Large Scale Multitask Learning, ICML 2009), each with
sublinear term frequency and scaled to unit length.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from zlib import crc32

_TOKEN = re.compile(r"\w[\w'’]*|[^\w\s]")
_SAME = (
    (re.compile(r"(?:https?://|www\.)\S+"), "http"),
    (re.compile(r"@\w+"), "@user"),
    (re.compile(r"(.)\1{3,}"), r"\1\1\1"),
)


def tokens(text: str) -> list[str]:
    """Lower-case words, punctuation marks and emoji; every address is ``http``, every user ``@user``.

    >>> tokens("@enel GREAT!!!!!! https://t.co/x")
    ['@', 'user', 'great', '!', '!', '!', 'http']
    """
    for pattern, replacement in _SAME:
        text = pattern.sub(replacement, text)
    return _TOKEN.findall(text.lower())


def beginning(text: str, most: int) -> str:
    """`text` up to the end of its `most`-th word or mark."""
    last = next(islice(_TOKEN.finditer(text), most - 1, None), None)
    return text if last is None else text[: last.end()]


@dataclass(frozen=True)
class Ngrams:
    """Which n-grams, and in how many buckets."""

    words: int = 2  # longest word n-gram
    shortest: int = 2  # shortest and longest character n-gram
    longest: int = 5
    buckets: int = 2**18

    def features(self, words: list[str], idf: Sequence[float] | None = None) -> dict[int, float]:
        """Bucket → weight of a text's tokens. `idf`, by bucket: inverse document frequencies."""
        weights: dict[int, float] = {}
        for block in self.blocks(words):
            scaled = {
                bucket: (1 + math.log(count)) * (idf[bucket] if idf is not None else 1.0)
                for bucket, count in block.items()
            }
            length = math.sqrt(sum(weight * weight for weight in scaled.values())) or 1.0
            for bucket, weight in scaled.items():
                weights[bucket] = weights.get(bucket, 0.0) + weight / length
        return weights

    def blocks(self, words: list[str]) -> tuple[Counter[int], Counter[int]]:
        """How often a text's tokens hold each bucket's n-grams: of words, and of characters."""
        return self._word_ngrams(words), self._character_ngrams(words)

    def _word_ngrams(self, words: list[str]) -> Counter[int]:
        encoded = [word.encode() for word in words]
        return Counter(
            crc32(b"w" + b" ".join(encoded[start : start + size])) % self.buckets
            for size in range(1, self.words + 1)
            for start in range(len(encoded) - size + 1)
        )

    def _character_ngrams(self, words: list[str]) -> Counter[int]:
        counts: Counter[int] = Counter()
        for word, times in Counter(words).items():
            padded = f" {word} "
            for size in range(self.shortest, self.longest + 1):
                for start in range(max(1, len(padded) - size + 1)):
                    counts[crc32(b"c" + padded[start : start + size].encode()) % self.buckets] += times
        return counts
