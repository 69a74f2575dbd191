"""What words mean, as short vectors: words of like meaning lie near each other, so that a classifier trained on
few texts understands words that it has not seen.

`data/word_vectors.npz` (its card is `data/README.md`) holds `words` and `vectors` (words × 96, signed bytes).
The vectors are those that a sentence encoder gives each word alone, reduced and weighted by rarity, as in
model2vec (van Dongen and Tulkens, Model2Vec: Turn any Sentence Transformer into a Small Fast Model, 2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

PATH = Path(__file__).parent / "data" / "word_vectors.npz"
Vector = npt.NDArray[np.float32]


def text_vector(words: Sequence[str]) -> Vector:
    """The mean of the known words' vectors, scaled to unit length; zeros where none is known.

    `words` are lower-case, as `nlp.ngrams.tokens` gives them.
    """
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
