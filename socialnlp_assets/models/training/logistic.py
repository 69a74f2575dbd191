"""Multinomial logistic regression on sparse features, fitted by L-BFGS; weights written as small integers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Logistic:
    """`weights` (features × classes) and `bias` (classes)."""

    weights: Floats
    bias: Floats

    def probabilities(self, features: csr_matrix) -> Floats:
        """Rows × classes; each row sums to 1."""
        return _softmax(np.asarray(features @ self.weights) + self.bias)


def fit(
    features: csr_matrix, classes: npt.NDArray[np.int64], count: int, strength: float, balance: float = 1.0
) -> Logistic:
    """The weights that minimise the penalised log loss; deterministic.

    `strength` is the inverse of the L2 penalty, as scikit-learn's C. `balance` is how far rare classes count
    more: 0 as often as they occur, 1 all classes the same.
    """
    rows, columns = features.shape
    frequencies = np.bincount(classes, minlength=count) / rows
    importance = ((1 / (count * frequencies)) ** balance)[classes]
    truth = np.zeros((rows, count))
    truth[np.arange(rows), classes] = 1.0
    transposed = features.T.tocsr()

    def loss(flat: Floats) -> tuple[float, Floats]:
        table = flat.reshape(columns + 1, count)
        weights, bias = table[:-1], table[-1]
        probabilities = _softmax(np.asarray(features @ weights) + bias)
        likelihood = np.log(probabilities[np.arange(rows), classes] + 1e-12) @ importance
        errors = (probabilities - truth) * importance[:, None]
        gradient = np.vstack([np.asarray(transposed @ errors) + weights / strength, errors.sum(axis=0)])
        return float((weights**2).sum() / (2 * strength) - likelihood), gradient.ravel()

    start = np.zeros((columns + 1) * count)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    table = found.reshape(columns + 1, count)
    return Logistic(table[:-1], table[-1])


def save(path: Path, model: Logistic, idf: Floats) -> None:
    """Write `model` for the engine `linear`: weights in steps of `scale`, one a class, as signed bytes."""
    scale = np.abs(model.weights).max(axis=0) / 127
    np.savez_compressed(
        path,
        weights=np.round(model.weights / scale).astype(np.int8),
        scale=scale.astype(np.float32),
        bias=model.bias.astype(np.float32),
        idf=idf.astype(np.float16),
    )


def _softmax(margins: Floats) -> Floats:
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
