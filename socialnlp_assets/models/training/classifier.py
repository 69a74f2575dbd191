"""Trains the engine `linear`: texts to features as the engine computes them, a fit, a folder."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack

from socialnlp_assets.models.training.logistic import Logistic, fit
from socialnlp_assets.nlp.meaning import meaning
from socialnlp_assets.nlp.ngrams import Ngrams, tokens

LARGE, SMALL = Ngrams(), Ngrams(buckets=2**16)  # for thousands of texts, for hundreds
LEAST_TEXTS = 2  # an n-gram of fewer training texts says nothing
Floats = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]


class Classifier(NamedTuple):
    """A fitted model and the inverse document frequencies it was fitted with; zero where an n-gram is unknown."""

    model: Logistic
    idf: Floats
    ngrams: Ngrams

    def probabilities(self, texts: Sequence[str]) -> Floats:
        return self.model.probabilities(matrix(texts, self.idf, self.ngrams))

    def save(self, folder: Path, name: str, labels: Sequence[str], task: str = "text-classification") -> None:
        """Write the folder that `Linear` loads: weights in steps of `scale`, one a label, as signed bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        scale = np.abs(self.model.weights).max(axis=0) / 127
        np.savez_compressed(
            folder / "linear.npz",
            weights=np.round(self.model.weights / scale).astype(np.int8),
            scale=scale.astype(np.float32),
            bias=self.model.bias.astype(np.float32),
            idf=self.idf.astype(np.float16),
        )
        settings = {"name": name, "task": task, "engine": "linear", "labels": labels, "ngrams": asdict(self.ngrams)}
        (folder / "model.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def train(
    texts: Sequence[str], classes: Classes, count: int, strength: float, balance: float, ngrams: Ngrams = LARGE
) -> Classifier:
    """Fit `texts` to `classes` (numbers below `count`); `strength` and `balance` as in `logistic.fit`."""
    idf = inverse_document_frequencies(texts, ngrams)
    return Classifier(fit(matrix(texts, idf, ngrams), classes, count, strength, balance), idf, ngrams)


def train_alone(texts: Sequence[str], members: Floats, strength: float, balance: float, ngrams: Ngrams) -> Classifier:
    """One yes-or-no classifier a column of `members` (texts × labels, 0 or 1), written as one model."""
    idf = inverse_document_frequencies(texts, ngrams)
    features = matrix(texts, idf, ngrams)
    fitted = [fit(features, column.astype(np.int64), 2, strength, balance) for column in members.T]
    weights = np.column_stack([model.weights[:, 1] - model.weights[:, 0] for model in fitted])
    return Classifier(Logistic(weights, np.array([model.bias[1] - model.bias[0] for model in fitted])), idf, ngrams)


def cross_validate(
    texts: Sequence[str],
    classes: Classes,
    count: int,
    strength: float,
    balance: float,
    folds: int = 5,
    extra: tuple[Sequence[str], Classes] = ((), np.zeros(0, np.int64)),
) -> Floats:
    """Probabilities of each text by a model that did not see it (but did see all of `extra`)."""
    fold = np.random.default_rng(0).permutation(len(texts)) % folds
    result = np.zeros((len(texts), count))
    for held_out in range(folds):
        seen, unseen = np.flatnonzero(fold != held_out).tolist(), np.flatnonzero(fold == held_out).tolist()
        training = [texts[row] for row in seen] + list(extra[0])
        model = train(training, np.concatenate([classes[seen], extra[1]]), count, strength, balance)
        result[unseen] = model.probabilities([texts[row] for row in unseen])
    return result


def inverse_document_frequencies(texts: Sequence[str], ngrams: Ngrams) -> Floats:
    """By bucket, smoothed; zero for what fewer than `LEAST_TEXTS` texts hold."""
    counts: Counter[int] = Counter()
    for text in texts:
        counts.update(ngrams.features(tokens(text)).keys())
    idf = np.zeros(ngrams.buckets)
    for bucket, count in counts.items():
        if count >= LEAST_TEXTS:
            idf[bucket] = math.log((1 + len(texts)) / (1 + count)) + 1
    return idf


def matrix(texts: Sequence[str], idf: Floats, ngrams: Ngrams) -> csr_matrix:
    """Texts × (buckets and the meaning's numbers)."""
    table = idf.tolist()
    rows, columns, values = [], [], []
    for row, text in enumerate(texts):
        for bucket, value in ngrams.features(tokens(text), table).items():
            if value:
                rows.append(row)
                columns.append(bucket)
                values.append(value)
    sparse = csr_matrix((values, (rows, columns)), shape=(len(texts), ngrams.buckets))
    return hstack([sparse, csr_matrix(np.array([meaning(text, tokens(text)) for text in texts]))], format="csr")


def scores(classes: Classes, predicted: Classes, count: int) -> dict[str, float]:
    """Macro-averaged F1 and recall, and accuracy."""
    f1, recalls = [], []
    for label in range(count):
        hits = float(np.sum((classes == label) & (predicted == label)))
        actual, answered = float(np.sum(classes == label)), float(np.sum(predicted == label))
        recalls.append(hits / max(actual, 1))
        f1.append(2 * hits / max(actual + answered, 1))
    return {
        "macro F1": round(float(np.mean(f1)), 3),
        "macro recall": round(float(np.mean(recalls)), 3),
        "accuracy": round(float(np.mean(classes == predicted)), 3),
    }
