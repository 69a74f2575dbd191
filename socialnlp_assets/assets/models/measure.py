"""Measures a model through its endpoint, as hours will ask it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from socialnlp_assets.evaluation.behaviour import Pair, judged, pairs
from socialnlp_assets.evaluation.figures import Answers, Floats
from socialnlp_assets.labels.dataset import Example
from socialnlp_assets.labels.labelled import Labels
from socialnlp_assets.models.catalogue import Behaviour, ModelEntry
from socialnlp_assets.resources.endpoints.predictor import Predictor
from socialnlp_assets.tasks import RowError, Scores

SHORT, LONG = 8, 40  # words
LEAST_OF_SLICE = 30  # texts


@dataclass(frozen=True)
class Asked:
    """What a model answered: scores, by column of its labels, and how long a text took."""

    answers: Answers
    milliseconds: float
    behaviour: Mapping[str, float]


def ask(predictor: Predictor, entry: ModelEntry, examples: Sequence[Example], behaviour: Behaviour | None) -> Asked:
    """Ask one model about held-back texts, and whether it behaves, if `behaviour` says how."""
    texts = [example.text for example in examples]
    scores = scores_of(predictor, entry, texts)
    usage = predictor.usage
    milliseconds = 1000 * usage.request_seconds / max(1, usage.rows)
    found = judged_of(predictor, entry, pairs(behaviour, texts)) if behaviour else {}
    return Asked(answers_of(entry, examples, scores), milliseconds, found)


def answers_of(entry: ModelEntry, examples: Sequence[Example], scores: Floats) -> Answers:
    """Truth beside answers."""
    labels = tuple(Labels(entry).all())
    place = {label: number for number, label in enumerate(labels)}
    truth = np.zeros((len(examples), len(labels)), bool)
    for row, example in enumerate(examples):
        truth[row, [place[label] for label in example.labels]] = True
    asked = np.ones_like(truth)
    groups: tuple[tuple[int, ...], ...] = ()
    if entry.task != "multi-label":
        width = len(entry.labels)
        groups = tuple(tuple(range(start, start + width)) for start in range(0, len(labels), width))
        for columns in groups:
            asked[:, columns] = truth[:, columns].any(axis=1, keepdims=True)
    return Answers(labels, truth, scores, asked, groups)


def judged_of(predictor: Predictor, entry: ModelEntry, asked: Sequence[Pair]) -> dict[str, float]:
    """By kind, the share of pairs on which the model does not behave; of several targets, on average."""
    if not asked:
        return {}
    texts = [text for pair in asked for text in (pair.first, pair.second)]
    scores = scores_of(predictor, entry, texts)
    labels = Labels(entry).all()
    width = len(entry.labels)
    found: dict[str, list[float]] = {}
    for start in range(0, len(labels), width):
        part, names = scores[:, start : start + width], labels[start : start + width]
        chosen = [_chosen(row, names, entry) for row in part]
        both = list(zip(chosen[::2], chosen[1::2], strict=True))
        named = [dict(zip(names, map(float, row), strict=True)) for row in part]
        for kind, share in judged(asked, both, list(zip(named[::2], named[1::2], strict=True))).items():
            found.setdefault(kind, []).append(share)
    return {kind: float(np.mean(shares)) for kind, shares in found.items()}


def slices(examples: Sequence[Example]) -> dict[str, list[int]]:
    """Rows by language, channel, whether translated, and length; those of which there are enough to say something."""
    found: dict[str, list[int]] = {}
    for row, example in enumerate(examples):
        words = len(example.text.split())
        length = "short" if words < SHORT else "long" if words > LONG else "medium"
        for name in (f"length: {length}", *(f"{name}: {value}" for name, value in sorted(example.about.items()))):
            found.setdefault(name, []).append(row)
    return {name: rows for name, rows in sorted(found.items()) if len(rows) >= LEAST_OF_SLICE}


def scores_of(predictor: Predictor, entry: ModelEntry, texts: Sequence[str]) -> Floats:
    """Texts × labels, in the order of `Labels.all`."""
    columns: list[Floats] = []
    for target in entry.targets or (None,):
        results = predictor.predict(texts, target=target)
        columns.append(np.array([_row(result, entry.labels) for result in results]).reshape(-1, len(entry.labels)))
    return np.hstack(columns)


def _row(result: Scores | RowError, labels: Sequence[str]) -> list[float]:
    """A text that the model cannot take is answered wrongly."""
    return [0.0] * len(labels) if isinstance(result, RowError) else [result.scores[label] for label in labels]


def _chosen(scores: Floats, names: Sequence[str], entry: ModelEntry) -> str:
    if entry.task == "multi-label":
        return "|".join(name for name, score in zip(names, scores, strict=True) if score >= 0.5)
    return names[int(scores.argmax())]
