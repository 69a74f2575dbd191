"""How a masked language model chooses among the readings of a noisy word. Shared by the fast engine and the
reference, which must agree.

The word is replaced by as many masks as a reading has pieces; the reading's score is the mean log
probability of its pieces there, plus the log of how likely the lexicon finds it without context.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from socialnlp_assets.nlp.lexicon import Slot

CONTEXT_WORDS = 40  # to each side; far words say little, and a text may have thousands
MOST_TOKENS = 512

LogProbabilities = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Masked:
    """One question to the model: `ids` with masks at `positions`."""

    ids: list[int]
    positions: range


Score = Callable[[list[Masked]], Sequence[LogProbabilities]]
"""Answers, a question, one row of log probabilities a mask, over the vocabulary."""


class MaskedWords:
    """A `nlp.noise.Chooser` over `score`; `tokenizer` has BERT's special tokens."""

    def __init__(self, tokenizer: Tokenizer, score: Score) -> None:
        self._tokenizer = tokenizer
        self._score = score
        self._start, self._mask, self._end = tokenizer.encode("[MASK]").ids

    def __call__(self, slots: Sequence[Slot]) -> list[str]:
        readings = [[self._pieces(candidate.text) for candidate in slot.candidates] for slot in slots]
        asked = [
            (number, size)
            for number, found in enumerate(readings)
            for size in sorted({len(pieces) for pieces in found})
        ]
        answers = dict(
            zip(asked, self._score([self._question(slots[number], size) for number, size in asked]), strict=True)
        )
        chosen = []
        for number, (slot, found) in enumerate(zip(slots, readings, strict=True)):
            scores = [
                float(np.mean([answers[number, len(pieces)][mask, piece] for mask, piece in enumerate(pieces)]))
                + math.log(candidate.probability)
                for candidate, pieces in zip(slot.candidates, found, strict=True)
            ]
            chosen.append(slot.candidates[int(np.argmax(scores))].text)
        return chosen

    def _question(self, slot: Slot, masks: int) -> Masked:
        before = self._pieces(" ".join(slot.tokens[max(0, slot.position - CONTEXT_WORDS) : slot.position]))
        after = self._pieces(" ".join(slot.tokens[slot.position + 1 : slot.position + 1 + CONTEXT_WORDS]))
        room = (MOST_TOKENS - 2 - masks) // 2
        before, after = before[-room:], after[:room]
        first = len(before) + 1
        ids = [self._start, *before, *[self._mask] * masks, *after, self._end]
        return Masked(ids, range(first, first + masks))

    def _pieces(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids
