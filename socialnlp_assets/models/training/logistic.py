"""Multinomial logistic regression on sparse features, fitted by L-BFGS."""

from __future__ import annotations

from dataclasses import dataclass

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

    def margins(self, features: csr_matrix) -> Floats:
        """Rows × classes; above 0 a yes-or-no class is likelier than not."""
        return np.asarray(features @ self.weights) + self.bias

    def probabilities(self, features: csr_matrix) -> Floats:
        """Rows × classes; each row sums to 1."""
        return _softmax(self.margins(features))


def fit(
    features: csr_matrix, classes: npt.NDArray[np.int64], count: int, strength: float, balance: float = 1.0
) -> Logistic:
    """The weights that minimise the penalised log loss; deterministic.

    `strength` is the inverse of the L2 penalty, as scikit-learn's C. `balance` is how far rare classes count
    more: 0 as often as they occur, 1 all classes the same.
    """
    used = np.unique(features.indices)  # hashing leaves most buckets empty
    features, width = features[:, used], features.shape[1]
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
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 80}).x
    table = found.reshape(columns + 1, count)
    weights = np.zeros((width, count))
    weights[used] = table[:-1]
    return Logistic(weights, table[-1])


def _softmax(margins: Floats) -> Floats:
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
