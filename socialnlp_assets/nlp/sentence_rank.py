"""Extractive summaries: the sentences of a text that the others have most in common with.

Source: Mihalcea and Tarau, TextRank: Bringing Order into Texts, EMNLP 2004 (section 4), with a preference for
early sentences in the random jump, since news and posts say first what matters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from socialnlp_assets.nlp.chunking import Mode, plan, sentences
from socialnlp_assets.nlp.cleaning import stop_words

DAMPING = 0.85
SHARE = 1 / 3  # of a text
# Words at a sentence's beginning that point at the sentence before it: without that one it dangles.
_POINTING = re.compile(
    r"[\"'“‘(]?(?:he|she|it|they|his|her|its|their|him|them|this|these|that|those|such|but|and|so|or|also|then|thus|"
    r"however|therefore|instead|moreover|meanwhile|otherwise|nevertheless|likewise|hence)\b",
    re.IGNORECASE,
)

_TOKEN = re.compile(r"\w+|[^\w\s]")


def count_tokens(text: str) -> int:
    """Words and marks: what an engine without a tokenizer takes for tokens."""
    return sum(1 for _ in _TOKEN.finditer(text))


def summarise(text: str, max_length: int = 300, min_length: int = 50) -> str:
    """The best sentences of `text`, in their order, of `max_length` tokens together; a short text itself.

    Sentences are ranked within chunks (see `chunking.plan`) and taken, best first, while they fit into a third of
    the text, though not under `min_length`. One that begins with "He" or "But" is taken only with the one before it.
    Where not even one fits, the best is cut.
    """
    how = plan(text, count_tokens, max_length=max_length, min_length=min_length)
    if how.mode is Mode.KEEP:
        return text
    found = [sentence for chunk in how.chunks for sentence in sentences(chunk)]
    lengths = [count_tokens(sentence) for sentence in found]
    scores = np.concatenate([rank(sentences(chunk)) for chunk in how.chunks])
    budget = min(max_length, max(min_length, round(sum(lengths) * SHARE)))
    order = np.argsort(-scores, kind="stable").tolist()
    chosen: set[int] = set()
    for position in order * 2:  # once more for those whose sentence before them came after them
        dangles = position - 1 not in chosen and position > 0 and _POINTING.match(found[position])
        if position not in chosen and lengths[position] <= budget and not dangles:
            chosen.add(position)
            budget -= lengths[position]
    if not chosen:
        return _cut(found[order[0]], budget)
    return " ".join(found[position] for position in sorted(chosen))


def rank(found: Sequence[str]) -> npt.NDArray[np.float64]:
    """One score a sentence, which sum to 1: PageRank over the words that sentences share."""
    words = [_content(sentence) for sentence in found]
    columns = {word: column for column, word in enumerate(sorted(set().union(*words)))}
    contains = np.zeros((len(words), len(columns)))
    for row, sentence in enumerate(words):
        contains[row, [columns[word] for word in sentence]] = 1
    sizes = np.log1p(contains.sum(axis=1))
    weights = contains @ contains.T / np.maximum(sizes[:, None] + sizes[None, :], 1e-9)
    np.fill_diagonal(weights, 0)
    jump = 1 / np.arange(1, len(words) + 1)
    jump /= jump.sum()
    totals = weights.sum(axis=1, keepdims=True)
    steps = np.where(totals > 0, weights / np.maximum(totals, 1e-9), jump)
    scores = jump
    for _ in range(50):
        scores = (1 - DAMPING) * jump + DAMPING * scores @ steps
    return np.asarray(scores)


def _content(sentence: str) -> set[str]:
    words = {word for word in _TOKEN.findall(sentence.lower()) if word[0].isalnum()}
    return words - stop_words()


def _cut(sentence: str, tokens: int) -> str:
    """The first `tokens` of `sentence`."""
    ends = [match.end() for match in _TOKEN.finditer(sentence)]
    return sentence[: ends[min(tokens, len(ends)) - 1]]
