"""How a masked language model chooses among the readings of a noisy word. Shared by the fast engine and the
reference, which must agree.

The word is replaced by as many masks as a reading has pieces; the reading's score is the mean log
probability of its pieces there, plus the log of how likely the lexicon finds it without context.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from socialnlp_assets.nlp.lexicon import Slot, lexicon

CONTEXT_WORDS = 40  # to each side; far words say little, and a text may have thousands
MOST_TOKENS = 512
MOST_WORDS = 512  # of one text that the model is asked about: ten seconds' work; of the others the lexicon decides
MOST_QUESTIONS = 1024  # at a time; what they keep is a few megabytes


@dataclass(frozen=True)
class Masked:
    """One question to the model: `ids` with masks at `positions`, where each of `readings` may stand, one piece a
    mask, by the place that it has among its word's candidates."""

    ids: list[int]
    positions: range
    readings: Mapping[int, list[int]]


Score = Callable[[list[Masked]], Sequence[list[float]]]
"""Answers, a question, the `mean_log_probabilities` of its readings."""


def mean_log_probabilities(rows: npt.NDArray[np.float32], question: Masked) -> list[float]:
    """Of each reading of `question`. `rows` hold the vocabulary's log probabilities, a row a mask: too many to be
    kept beyond their batch."""
    masks = range(len(question.positions))
    return [float(np.mean(rows[masks, pieces])) for pieces in question.readings.values()]


class MaskedWords:
    """A `nlp.noise.Chooser` over `score`; `tokenizer` has BERT's special tokens."""

    def __init__(self, tokenizer: Tokenizer, score: Score) -> None:
        self._tokenizer = tokenizer
        self._score = score
        self._start, self._mask, self._end = tokenizer.encode("[MASK]").ids

    def __call__(self, slots: Sequence[Slot]) -> list[str]:
        chosen = lexicon().choose(slots)
        words: Counter[int] = Counter()
        asked: list[int] = []
        for number, slot in enumerate(slots):
            words[id(slot.tokens)] += 1  # the slots of a text share its tokens
            if words[id(slot.tokens)] <= MOST_WORDS:
                asked.append(number)
        scores: dict[tuple[int, int], float] = {}
        questions = ((number, question) for number in asked for question in self._questions(slots[number]))
        while batch := list(islice(questions, MOST_QUESTIONS)):
            answers = self._score([question for _, question in batch])
            for (number, question), answer in zip(batch, answers, strict=True):
                scores.update(
                    ((number, reading), score) for reading, score in zip(question.readings, answer, strict=True)
                )
        for number in asked:
            candidates = slots[number].candidates
            totals = [scores[number, n] + math.log(candidate.probability) for n, candidate in enumerate(candidates)]
            chosen[number] = candidates[int(np.argmax(totals))].text
        return chosen

    def _questions(self, slot: Slot) -> Iterator[Masked]:
        """One question for each number of pieces that a reading has."""
        readings = [self._pieces(candidate.text) for candidate in slot.candidates]
        for masks in sorted({len(pieces) for pieces in readings}):
            fitting = {number: pieces for number, pieces in enumerate(readings) if len(pieces) == masks}
            yield self._question(slot, masks, fitting)

    def _question(self, slot: Slot, masks: int, readings: Mapping[int, list[int]]) -> Masked:
        before = self._pieces(" ".join(slot.tokens[max(0, slot.position - CONTEXT_WORDS) : slot.position]))
        after = self._pieces(" ".join(slot.tokens[slot.position + 1 : slot.position + 1 + CONTEXT_WORDS]))
        room = (MOST_TOKENS - 2 - masks) // 2
        before, after = before[-room:], after[:room]
        first = len(before) + 1
        ids = [self._start, *before, *[self._mask] * masks, *after, self._end]
        return Masked(ids, range(first, first + masks), readings)

    def _pieces(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids
