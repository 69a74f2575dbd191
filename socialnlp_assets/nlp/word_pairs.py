"""How likely English words follow one another: a small language model of single words and pairs.

A pair that was never seen falls back to its second word alone, at a fixed cost: Brants et al., Large Language Models
in Machine Translation (EMNLP 2007), "stupid backoff".
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

START = "<s>"
BACKOFF = math.log10(0.4)
UNSEEN = -6.0  # log10 probability of a word that was never seen


@dataclass(frozen=True)
class WordPairs:
    """Log10 probabilities of lower-case words, and of words (joined by a blank) after the one before."""

    words: Mapping[str, float]
    pairs: Mapping[str, float]

    @classmethod
    def learn(cls, sentences: Iterable[Sequence[str]], least: int = 2) -> WordPairs:
        """From lower-case words; what occurs fewer than `least` times is left out."""
        words: Counter[str] = Counter()
        pairs: Counter[tuple[str, str]] = Counter()
        for sentence in sentences:
            words.update((START, *sentence))
            pairs.update(pairwise((START, *sentence)))
        total = words.total()
        return cls(
            {word: math.log10(count / total) for word, count in words.items() if count >= least},
            {f"{a} {b}": math.log10(count / words[a]) for (a, b), count in pairs.items() if count >= least},
        )

    @classmethod
    def parse(cls, lines: Iterable[str]) -> WordPairs:
        """From lines of one or two words, a tab, and the log10 probability."""
        words: dict[str, float] = {}
        pairs: dict[str, float] = {}
        for number, line in enumerate(lines, 1):
            try:
                text, score = line.rstrip("\n").split("\t")
                (pairs if " " in text else words)[text] = float(score)
            except ValueError:
                raise ValueError(f"line {number} is not words, score: {line!r}") from None
        return cls(words, pairs)

    def lines(self) -> Iterator[str]:
        """What `parse` reads."""
        for table in (self.words, self.pairs):
            yield from (f"{text}\t{score:.2f}" for text, score in sorted(table.items()))

    def score(self, before: str, word: str) -> float:
        """Log10 of how likely `word` is after `before`."""
        found = self.pairs.get(f"{before} {word}")
        return BACKOFF + self.words.get(word, UNSEEN) if found is None else found
