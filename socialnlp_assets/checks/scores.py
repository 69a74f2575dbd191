"""What can be told of an hour's scores and labels: pure functions of a row or of a whole column."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from socialnlp_assets.nlp.meaning import WORD_VECTOR, text_vector
from socialnlp_assets.nlp.ngrams import tokens

ROUNDING = 0.005  # of a score of two decimals
ASKED = 500  # rows of an hour that are enough to tell whether scores follow texts
FRIENDLY = "good great excellent love happy best thanks wonderful perfect beautiful friendly amazing"
UNFRIENDLY = "bad terrible awful hate sad worst horrible angry broken wrong rude useless"
ORDERS = 199  # random ones, with which the real one is compared


def sum_to_one(*scores: float) -> bool:
    return all(map(math.isfinite, scores)) and abs(sum(scores) - 1) <= ROUNDING * len(scores) + 1e-6


def label_has_best(labels: Sequence[str], label: str, *scores: float) -> bool:
    """True where no score is better than that of `label`; after rounding, two may be the best."""
    return label in labels and scores[labels.index(label)] >= max(scores) - 1e-9


def flags_agree(threshold: float, *flags_and_scores: float) -> bool:
    """True where each flag says whether its score reaches `threshold`, but for the score's rounding."""
    pairs = zip(flags_and_scores[::2], flags_and_scores[1::2], strict=True)
    return all(bool(flag) == (score >= threshold) or abs(score - threshold) < 1e-4 for flag, score in pairs)


def commonest(values: Iterable[object]) -> tuple[object, float]:
    """The commonest value and its share, 0 to 1; an empty column has none."""
    counts = Counter(value for value in values if value is not None and value == value)
    if not counts:
        return None, 0.0
    value, count = counts.most_common(1)[0]
    return value, count / counts.total()


def chance_of_association(texts: Sequence[str], scores: npt.NDArray[np.float64]) -> float:
    """How likely chance alone has texts of like words have scores as alike as these, 0 to 1: the share of random
    orders of the scores that do at least as well."""
    step = max(1, len(texts) // ASKED)
    vectors, taken = _centred(vectors_of(tuple(texts[::step]))), _scaled(scores[::step])
    chooser = np.random.default_rng(0)
    real = _association(vectors, taken)
    as_good = sum(_association(vectors, chooser.permutation(taken)) >= real - 1e-12 for _ in range(ORDERS))
    return (1 + as_good) / (1 + ORDERS)


class Texts:
    """The words of an hour's texts, beside which scores are held. How alike two things are is 0 to 1."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.step = max(1, len(texts) // ASKED)
        self.vectors = vectors_of(tuple(texts[:: self.step]))

    def association(self, scores: npt.ArrayLike) -> float:
        """How alike the scores of texts of like words are: the criterion beside those of texts and of scores with
        themselves (Cortes et al., Algorithms for Learning Kernels Based on Centered Alignment, 2012)."""
        vectors, taken = _centred(self.vectors), _scaled(np.asarray(scores, np.float64)[:: self.step])
        scale = (_association(vectors, vectors) * _association(taken, taken)) ** 0.5
        return _association(vectors, taken) / scale if scale else 0.0

    def follow(self, name: str, numbers: Sequence[float]) -> float:
        """How much `numbers` grow with what the texts have to do with the words of `name`; 0.5 is not at all."""
        return self._correlation(text_vector(name.split()), numbers)

    def follow_tone(self, numbers: Sequence[float]) -> float:
        """How much they grow with how friendly the texts are."""
        return self._correlation(_friendliness(), numbers)

    def _correlation(self, axis: npt.ArrayLike, numbers: Sequence[float]) -> float:
        near, taken = self.vectors @ np.asarray(axis, np.float64), np.asarray(numbers, np.float64)[:: self.step]
        scale = near.std() * taken.std() if len(near) else 0.0
        return 0.5 + 0.5 * float(np.mean((near - near.mean()) * (taken - taken.mean())) / scale) if scale else 0.5


@lru_cache(maxsize=4)  # several expectations ask the same of an hour's texts
def vectors_of(texts: tuple[str, ...]) -> npt.NDArray[np.float64]:
    return np.array([text_vector(tokens(text)) for text in texts], np.float64).reshape(len(texts), WORD_VECTOR)


def _centred(columns: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return columns - columns.mean(axis=0) if len(columns) else columns


def _scaled(columns: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Each column around 0 and of like spread."""
    scale = columns.std(axis=0) if len(columns) else np.ones(1)
    return _centred(columns) / np.where(scale > 0, scale, 1)


def tone(text: str) -> float:
    """How friendly the words of an English `text` are, about -0.3 to 0.3: where they lie between friendly and
    unfriendly ones. It knows nothing of negation; an hour's average is what it is good for."""
    return float(text_vector(tokens(text)) @ _friendliness())


def follows_tone(texts: Sequence[str], friendly: Sequence[float], unfriendly: Sequence[float]) -> float:
    """Spearman's correlation, -1 to 1, of what scores say of texts with the texts' tone."""
    from scipy.stats import spearmanr

    step = max(1, len(texts) // ASKED)
    difference = np.subtract(friendly, unfriendly)[::step]
    tones = vectors_of(tuple(texts[::step])) @ _friendliness()
    if np.ptp(difference) == 0 or np.ptp(tones) == 0:
        return 0.0
    return float(spearmanr(tones, difference).statistic)


@cache
def _friendliness() -> npt.NDArray[np.float64]:
    axis = text_vector(FRIENDLY.split()) - text_vector(UNFRIENDLY.split())
    return np.asarray(axis / np.linalg.norm(axis), np.float64)


def _association(vectors: npt.NDArray[np.float64], scores: npt.NDArray[np.float64]) -> float:
    """The Hilbert-Schmidt independence criterion with linear kernels, of centred columns."""
    return float(np.square(vectors.T @ scores).sum())
