"""Logistic regression over hashed n-grams and a text's meaning: our own engine `linear`. Takes seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from socialnlp_assets.training.classifier import LARGE, SMALL, Classifier, train, train_alone
from socialnlp_assets.training.container import Example, Job

MANY = 3000  # texts, from which the larger table pays


def fit(job: Job, examples: list[Example], folder: Path) -> dict[str, float]:
    """`strength` is the inverse of the penalty, `balance` how far rare labels count more (0 to 1)."""
    texts = [example.text for example in examples]
    strength, balance = job.number("strength", 1), job.number("balance", 0.5)
    ngrams = LARGE if len(texts) >= MANY else SMALL
    if job.task == "multi-label":
        members = np.zeros((len(texts), len(job.labels)))
        for row, example in enumerate(examples):
            members[row, list(example.labels)] = 1
        model = train_alone(texts, members, strength, balance, ngrams)
        right = float(((model.margins(texts) > 0) == (members > 0)).mean())
    else:
        classes = np.array([example.labels[0] for example in examples], np.int64)
        model = _both_sides(train(texts, classes, strength, balance, ngrams))
        right = float((model.margins(texts).argmax(axis=1) == classes).mean())
    model.save(folder, job.name, job.labels, job.task)
    return {"train_accuracy": round(right, 4)}


def _both_sides(model: Classifier) -> Classifier:
    """Of two classes, the regression gives the second one's margin only; softmax wants both."""
    if model.weights.shape[1] > 1:
        return model
    weights, bias = model.weights / 2, model.bias / 2
    return Classifier(np.hstack([-weights, weights]), np.concatenate([-bias, bias]), model.idf, model.ngrams)
