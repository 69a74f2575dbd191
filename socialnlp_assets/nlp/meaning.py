"""What an English text says, in 100 numbers: how positive it is, and where its words lie among all words.

Words of like meaning lie near each other, so that a classifier trained on few texts understands words that it
has not seen. `data/word_vectors.npz` (its card is `data/README.md`) holds `words` and `vectors` (words × 96,
signed bytes): those that a sentence encoder gives each word alone, reduced and weighted by rarity, as in
model2vec (van Dongen and Tulkens, Model2Vec: Turn any Sentence Transformer into a Small Fast Model, 2024).
How positive a text is comes from a lexicon and rules for negation, emphasis and emoji: Hutto and Gilbert, VADER:
A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text, ICWSM 2014, the authors' own code.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

PATH = Path(__file__).parent / "data" / "word_vectors.npz"
VALENCE = ("neg", "neu", "pos", "compound")
WORD_VECTOR = 96
MEANING = len(VALENCE) + WORD_VECTOR
Vector = npt.NDArray[np.float32]


def meaning(text: str, words: Sequence[str]) -> Vector:
    """The `MEANING` numbers of `text`, whose lower-case `words` `nlp.ngrams.tokens` gives.

    Cut the text first (`nlp.ngrams.beginning`): VADER looks up each word's place in the list of all."""
    scores = _analyzer().polarity_scores(text)
    valence = np.array([scores[name] for name in VALENCE], np.float32)
    return np.concatenate([valence, 2 * text_vector(words)])


def text_vector(words: Sequence[str]) -> Vector:
    """The mean of the known words' vectors, scaled to unit length; zeros where none is known."""
    index, vectors = word_vectors()
    known = [row for word in words if (row := index.get(word)) is not None]
    total: Vector = vectors[known].sum(axis=0, dtype=np.float32)
    return total / (float(np.sqrt(total @ total)) or 1.0)


@cache
def word_vectors() -> tuple[dict[str, int], npt.NDArray[np.int8]]:
    """Word → row, and the rows."""
    with np.load(PATH, allow_pickle=False) as file:
        words, vectors = file["words"].tobytes().decode().split("\n"), file["vectors"]
    return {word: row for row, word in enumerate(words)}, vectors


@cache
def _analyzer() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
