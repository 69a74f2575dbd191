"""Figures of a classifier on held-back labels, whatever its task: one matrix, texts × labels.

A model of several targets has a column for each label of each, ``prezzi=positive``; `asked` says which of them a text
was labelled for. Intervals and tests resample the texts (Efron, Bootstrap Methods, 1979); two models are compared on
the same resampled texts (Koehn, Statistical Significance Tests for Machine Translation Evaluation, EMNLP 2004).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SAMPLES = 500
PORTION = 50  # samples at a time, so that memory stays small
BINS = 10
LEVEL = 95  # percent, of intervals
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Answers:
    """Truth and answers: texts × labels each. `groups` are the columns among which a model chooses one; none where
    each label stands alone."""

    labels: tuple[str, ...]
    truth: Flags
    scores: Floats
    asked: Flags
    groups: tuple[tuple[int, ...], ...] = ()
    threshold: float = 0.5

    @property
    def predicted(self) -> Flags:
        if not self.groups:
            return (self.scores >= self.threshold) & self.asked
        chosen = np.zeros_like(self.truth)
        for columns in self.groups:
            best = np.array(columns)[self.scores[:, columns].argmax(axis=1)]
            chosen[np.arange(len(best)), best] = True
        return chosen & self.asked

    def right(self) -> Flags:
        """By text, whether all answers are right."""
        return np.asarray((self.predicted == self.truth).all(axis=1))

    def of(self, rows: npt.NDArray[np.int64]) -> Answers:
        """Those of some texts."""
        return Answers(
            self.labels, self.truth[rows], self.scores[rows], self.asked[rows], self.groups, self.threshold
        )  # fmt: skip


@dataclass(frozen=True)
class Interval:
    value: float
    low: float
    high: float

    def plain(self) -> dict[str, float]:
        return {"value": round(self.value, 4), "low": round(self.low, 4), "high": round(self.high, 4)}


def class_f1(answers: Answers) -> dict[str, float]:
    """F1 of each label that occurs in the truth or the answers."""
    counts = _counts(answers)
    f1 = _f1(*(count.sum(axis=0) for count in counts))
    return {label: float(value) for label, value in zip(answers.labels, f1, strict=True) if not np.isnan(value)}


def macro_f1(answers: Answers, seed: int = 0) -> Interval:
    """The mean over labels, and its bootstrap interval."""
    samples = _samples(answers, seed)
    low, high = _bounds(samples)
    return Interval(_macro(answers), low, high)


def difference(ours: Answers, theirs: Answers, seed: int = 0) -> Interval:
    """How much higher our macro F1 is than theirs, on the same texts; the interval is of the paired bootstrap."""
    low, high = _bounds(_samples(ours, seed) - _samples(theirs, seed))
    return Interval(_macro(ours) - _macro(theirs), low, high)


def class_differences(ours: Answers, theirs: Answers, seed: int = 0) -> dict[str, Interval]:
    """As `difference`, for the F1 of each label that both have."""
    values, before = class_f1(ours), class_f1(theirs)
    changes = _class_samples(ours, seed) - _class_samples(theirs, seed)
    return {
        label: Interval(values[label] - before[label], *_bounds(changes[:, number]))
        for number, label in enumerate(ours.labels)
        if label in values and label in before
    }


def calibration(answers: Answers) -> tuple[float, list[tuple[float, float, int]]]:
    """The expected calibration error, and by bin of confidence: mean confidence, share that is right, how many.
    Guo et al., On Calibration of Modern Neural Networks, ICML 2017."""
    if answers.groups:
        confidence = np.concatenate([answers.scores[:, columns].max(axis=1) for columns in answers.groups])
        right = np.concatenate(
            [
                answers.truth[np.arange(len(answers.truth)), np.array(c)[answers.scores[:, c].argmax(axis=1)]]
                for c in answers.groups
            ]
        )
        kept = np.concatenate([answers.asked[:, columns[0]] for columns in answers.groups])
        confidence, right = confidence[kept], right[kept]
    else:
        confidence, right = answers.scores[answers.asked], answers.truth[answers.asked]
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    found, error = [], 0.0
    for number in range(BINS):
        of_bin = bins == number
        if count := int(of_bin.sum()):
            sure, share = float(confidence[of_bin].mean()), float(right[of_bin].mean())
            found.append((sure, share, count))
            error += count / len(confidence) * abs(sure - share)
    return error, found


def confusion(answers: Answers) -> dict[str, dict[str, int]]:
    """Truth → answer → texts. Where labels stand alone: label → missed, wrongly given, right."""
    if not answers.groups:
        right, wrong, missed = (count.sum(axis=0) for count in _counts(answers))
        return {
            label: {"right": int(right[n]), "wrongly given": int(wrong[n]), "missed": int(missed[n])}
            for n, label in enumerate(answers.labels)
        }
    predicted = answers.predicted
    found: dict[str, dict[str, int]] = {}
    for columns in answers.groups:
        for true in columns:
            rows = answers.truth[:, true]
            found[answers.labels[true]] = {answers.labels[n]: int((predicted[:, n] & rows).sum()) for n in columns}
    return found


def telling_errors(answers: Answers, most: int = 10) -> list[tuple[int, str, str, float]]:
    """The texts on which the model is most sure and wrong: row, truth, answer, confidence."""
    predicted = answers.predicted
    wrong = np.flatnonzero(~answers.right())
    mistaken = np.where(answers.truth, 1 - answers.scores, answers.scores) * (predicted != answers.truth)
    sure = mistaken[wrong].max(axis=1) if len(wrong) else np.zeros(0)
    order = wrong[np.argsort(-sure, kind="stable")][:most]
    return [
        (
            int(row),
            _named(answers.labels, answers.truth[row]),
            _named(answers.labels, predicted[row]),
            float(mistaken[row].max()),
        )
        for row in order
    ]


def _named(labels: Sequence[str], flags: Flags) -> str:
    return ", ".join(label for label, flag in zip(labels, flags, strict=True) if flag) or "-"


def _counts(answers: Answers) -> tuple[Floats, Floats, Floats]:
    """By text and label: right, wrongly given, missed."""
    predicted, truth = answers.predicted, answers.truth & answers.asked
    return (
        (predicted & truth).astype(np.float64),
        (predicted & ~truth & answers.asked).astype(np.float64),
        (~predicted & truth).astype(np.float64),
    )


def _f1(right: Floats, wrong: Floats, missed: Floats) -> Floats:
    """NaN for a label that is neither in the truth nor in the answers."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(2 * right / (2 * right + wrong + missed))


def _macro(answers: Answers) -> float:
    values = class_f1(answers).values()
    return float(np.mean(list(values))) if values else 0.0


def _samples(answers: Answers, seed: int) -> Floats:
    """The macro F1 of each resample of the texts; the same seed resamples the same texts."""
    samples = _class_samples(answers, seed)
    return np.asarray(np.nan_to_num(np.nanmean(samples, axis=1))) if len(answers.truth) else np.zeros(SAMPLES)


def _class_samples(answers: Answers, seed: int) -> Floats:
    """Samples × labels."""
    rng, count = np.random.default_rng(seed), len(answers.truth)
    if not count:
        return np.zeros((SAMPLES, len(answers.labels)))
    counts = _counts(answers)
    found = []
    for _ in range(SAMPLES // PORTION):
        weights = rng.multinomial(count, np.full(count, 1 / count), size=PORTION).astype(np.float64)
        found.append(_f1(*(weights @ part for part in counts)))
    return np.concatenate(found)


def _bounds(samples: Floats) -> tuple[float, float]:
    outside = (100 - LEVEL) / 2
    low, high = np.nanpercentile(samples, [outside, 100 - outside])
    return float(low), float(high)
