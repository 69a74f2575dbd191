"""Trains the engine `linear`: texts to features as the engine computes them, logistic regression, a folder."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, diags_array, hstack
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, recall_score
from sklearn.model_selection import PredefinedSplit
from threadpoolctl import threadpool_limits

from socialnlp_assets.nlp.meaning import MEANING, Vector, meaning
from socialnlp_assets.nlp.ngrams import Ngrams, tokens

LARGE, SMALL = Ngrams(), Ngrams(buckets=2**16)  # for thousands of texts, for hundreds
LEAST_TEXTS = 2  # an n-gram of fewer training texts says nothing
FOLDS = 5
MOST_ROUNDS = 1000  # of the solver, which needs about a hundred
Floats = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]


class Classifier(NamedTuple):
    """A fitted model: weights (features × labels), bias (labels), and the inverse document frequencies that it was
    fitted with (buckets; zero where an n-gram is unknown)."""

    weights: Floats
    bias: Floats
    idf: Floats
    ngrams: Ngrams

    def margins(self, texts: Sequence[str]) -> Floats:
        """Texts × labels; the highest is the likeliest class. Of a label that stands alone, above 0 means yes."""
        return np.asarray(matrix(texts, self.idf, self.ngrams) @ self.weights) + self.bias

    def save(
        self, folder: Path, name: str, labels: Sequence[str], task: str = "text-classification", **more: bool
    ) -> None:
        """Write the folder that `Linear` loads: weights in steps of `scale`, one a label, as signed bytes. `more`
        settings of `model.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        scale = np.abs(self.weights).max(axis=0) / 127
        np.savez_compressed(
            folder / "linear.npz",
            weights=np.round(self.weights / scale).astype(np.int8),
            scale=scale.astype(np.float32),
            bias=self.bias.astype(np.float32),
            idf=self.idf.astype(np.float16),
        )
        settings: dict[str, Any] = {"name": name, "task": task, "engine": "linear", "labels": labels}
        settings |= {"ngrams": asdict(self.ngrams)} | more
        (folder / "model.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def train(
    texts: Sequence[str], classes: Classes, strength: float, balance: float, ngrams: Ngrams = LARGE
) -> Classifier:
    """Fit `texts` to `classes`: three or more, numbered from 0, each with a text. `strength` as of
    `_fit`, `balance` as of `balanced`."""
    idf = inverse_document_frequencies(texts, ngrams)
    fitted = _fit(matrix(texts, idf, ngrams), classes, strength, balanced(classes, balance))
    return Classifier(fitted.coef_.T, fitted.intercept_, idf, ngrams)


def train_weighted(
    texts: Sequence[str], classes: Classes, weights: Floats, strength: float, stress: float = 1, ngrams: Ngrams = LARGE
) -> Classifier:
    """As `train`, with how much each text counts. `stress`: how many times the penalty spares the meaning's numbers."""
    idf = inverse_document_frequencies(texts, ngrams)
    stressed = np.ones(ngrams.buckets + MEANING)
    stressed[ngrams.buckets :] = stress
    fitted = _fit(matrix(texts, idf, ngrams) @ diags_array(stressed, format="csr"), classes, strength, weights)
    return Classifier(fitted.coef_.T * stressed[:, None], fitted.intercept_, idf, ngrams)


def train_alone(texts: Sequence[str], members: Floats, strength: float, balance: float, ngrams: Ngrams) -> Classifier:
    """One yes-or-no classifier a column of `members` (texts × labels, 0 or 1), written as one model."""
    idf = inverse_document_frequencies(texts, ngrams)
    features = matrix(texts, idf, ngrams)
    columns = [column.astype(np.int64) for column in members.T]
    fitted = [_fit(features, column, strength, balanced(column, balance)) for column in columns]
    weights = np.column_stack([model.coef_[0] for model in fitted])
    return Classifier(weights, np.array([model.intercept_[0] for model in fitted]), idf, ngrams)


def balanced(classes: Classes, balance: float) -> Floats:
    """How much each text counts. `balance` is how far rare classes count more: 0 as often as they occur, 1 all classes
    the same."""
    frequencies = np.bincount(classes) / len(classes)
    return np.asarray((1 / (len(frequencies) * frequencies[classes])) ** balance)


def _fit(features: csr_matrix, classes: Classes, strength: float, weights: Floats) -> LogisticRegression:
    """`strength` is the inverse of the L2 penalty; `weights`, how much each text counts."""
    model = LogisticRegression(C=strength, max_iter=MOST_ROUNDS)
    with threadpool_limits(
        1
    ):  # of BLAS, whose threads wait for one another here, and whose sums depend on their number
        return model.fit(features, classes, sample_weight=weights)


def folds(texts: int) -> Iterator[tuple[Classes, Classes]]:
    """The rows to train on and those to test on, `FOLDS` times; each row is tested on once."""
    numbers = np.random.default_rng(0).permutation(texts) % FOLDS
    yield from PredefinedSplit(numbers).split()


def cross_validate(texts: Sequence[str], classes: Classes, strength: float, balance: float) -> Classes:
    """The class of each text by a model that did not see it."""
    predicted = np.zeros_like(classes)
    for seen, unseen in folds(len(texts)):
        model = train([texts[row] for row in seen], classes[seen], strength, balance)
        predicted[unseen] = model.margins([texts[row] for row in unseen]).argmax(axis=1)
    return predicted


def inverse_document_frequencies(texts: Sequence[str], ngrams: Ngrams) -> Floats:
    """By bucket, smoothed; zero for what fewer than `LEAST_TEXTS` texts hold."""
    counts = np.zeros(ngrams.buckets)
    for text in texts:
        counts[np.union1d(*(buckets for buckets, _ in _read(text, ngrams)[0]))] += 1
    return np.where(counts >= LEAST_TEXTS, np.log((1 + len(texts)) / (1 + counts)) + 1, 0)


def matrix(texts: Sequence[str], idf: Floats, ngrams: Ngrams) -> csr_matrix:
    """Texts × (buckets and the meaning's numbers); what the engine computes with `Ngrams.features`, faster."""
    rows, columns, values = [], [], []
    for row, text in enumerate(texts):
        for buckets, weights in _read(text, ngrams)[0]:
            known = weights * idf[buckets]
            rows.append(np.full(len(buckets), row))
            columns.append(buckets)
            values.append(known / (math.sqrt(known @ known) or 1.0))
    places = (np.concatenate(rows), np.concatenate(columns))
    sparse = csr_matrix((np.concatenate(values), places), shape=(len(texts), ngrams.buckets))
    sparse.eliminate_zeros()
    return hstack([sparse, csr_matrix(np.array([_read(text, ngrams)[1] for text in texts]))], format="csr")


@lru_cache(maxsize=10_000)  # cross-validation reads each text several times
def _read(text: str, ngrams: Ngrams) -> tuple[list[tuple[Classes, Floats]], Vector]:
    """The buckets of each block with their sublinear frequencies, and the meaning's numbers."""
    words = tokens(text)
    blocks = [
        (np.array(list(block), np.int64), 1 + np.log(np.array(list(block.values()), np.float64)))
        for block in ngrams.blocks(words)
    ]
    return blocks, meaning(text, words)


def scores(classes: Classes, predicted: Classes) -> dict[str, float]:
    """Macro-averaged F1 and recall, and accuracy."""
    return {
        "macro F1": round(float(f1_score(classes, predicted, average="macro")), 3),
        "macro recall": round(float(recall_score(classes, predicted, average="macro", zero_division=0)), 3),
        "accuracy": round(float(accuracy_score(classes, predicted)), 3),
    }
