"""The gate: whether a trained model may go into service. Every rule says what was observed, the bound, and what to do.

Figures alone do not tell: a model that was trained on what it is measured on looks best of all. So the first rules ask
what it was made of, the next how good it is, and the last how it compares with what is in service.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from socialnlp_assets.evaluation.behaviour import MOST_CHANGED
from socialnlp_assets.evaluation.figures import Interval
from socialnlp_assets.models.catalogue import Floors

LEAST_ROWS = 0.8  # of the texts that the version in service learned from
LEARNABLE = 0.6  # of the F1 on texts that were there before, for those that are new
NOISE = 0.005  # a loss of macro F1 that nobody notices, however certain it is
UNLEARNED = 0.05  # of macro F1 on texts that were known before, beyond noise
CLASS_LOSS = 0.1  # of F1 of one class, beyond noise


@dataclass(frozen=True)
class Measured:
    """What is known of a candidate."""

    macro_f1: Interval
    class_f1: Mapping[str, float]
    calibration_error: float
    milliseconds: float
    megabytes: float
    behaviour: Mapping[str, float]  # share of wrong ones, by kind
    rows: int  # that it was trained on
    trained_on_labels: bool  # what it read is the data set's training texts, prepared as it will be asked
    service: Mapping[str, float] = field(default_factory=dict)  # class F1 of the version in service; empty for none
    service_rows: int = 0  # 0: not on record
    against_service: Interval | None = None  # macro F1, ours - its
    class_against_service: Mapping[str, Interval] = field(default_factory=dict)
    fresh_f1: float | None = None  # of texts that the version in service could not know; None where they are few
    known_f1: float | None = None  # of the others
    known_against_service: Interval | None = None  # macro F1 of the others, ours - its


@dataclass(frozen=True)
class Ruling:
    """One rule, as it was applied."""

    rule: str
    passed: bool
    observed: str
    bound: str
    remedy: str = ""


def rulings(measured: Measured, floors: Floors) -> list[Ruling]:
    """Every rule; the model may go into service if all have passed."""
    return [*_made_of(measured), *_good(measured, floors), *_against_service(measured)]


def _made_of(m: Measured) -> Iterator[Ruling]:
    yield Ruling(
        "trained on these labels", m.trained_on_labels, "yes" if m.trained_on_labels else "no",
        "the training texts of this version, prepared as for service, and nothing else",
        "the training read other texts, labels or a part of them: train again from labels/",
    )  # fmt: skip
    if m.service_rows:
        share = m.rows / m.service_rows
        yield Ruling(
            "texts to learn from", share >= LEAST_ROWS, f"{m.rows}, {share:.0%} of {m.service_rows} before",
            f"at least {LEAST_ROWS:.0%}", "labels have been lost: look for the files that are missing",
        )  # fmt: skip


def _good(m: Measured, floors: Floors) -> Iterator[Ruling]:
    yield Ruling(
        "macro F1", m.macro_f1.value >= floors.macro_f1, f"{m.macro_f1.value:.3f}", f"at least {floors.macro_f1:g}",
        "label more texts, or look for wrong labels on the page of the evaluation",
    )  # fmt: skip
    worst = min(m.class_f1, key=m.class_f1.__getitem__, default="")
    lowest = m.class_f1.get(worst, 0.0)
    yield Ruling(
        "F1 of the worst label", lowest >= floors.class_f1, f"{lowest:.3f} of {worst}",
        f"at least {floors.class_f1:g}", f"label more texts of {worst}",
    )  # fmt: skip
    yield Ruling(
        "calibration error", m.calibration_error <= floors.calibration_error, f"{m.calibration_error:.3f}",
        f"at most {floors.calibration_error:g}", "its scores mean nothing: change the hyperparameters",
    )  # fmt: skip
    yield Ruling(
        "milliseconds a text", m.milliseconds <= floors.milliseconds, f"{m.milliseconds:.2f}",
        f"at most {floors.milliseconds:g}",
        "train again on a quieter machine, choose a smaller model, or allow more in `floors:`",
    )  # fmt: skip
    yield Ruling(
        "megabytes", m.megabytes <= floors.megabytes, f"{m.megabytes:.1f}", f"at most {floors.megabytes:g}",
        "choose a smaller model",
    )  # fmt: skip
    for kind, share in m.behaviour.items():
        what = "a label does not fall when negated" if kind == "negation" else f"other {kind} change the answer"
        most = 0.5 if kind == "negation" else MOST_CHANGED
        yield Ruling(
            f"behaviour: {kind}", share <= most, f"{share:.0%}: {what}", f"at most {most:.0%}",
            f"label texts that differ in {kind} alone",
        )  # fmt: skip


def _against_service(m: Measured) -> Iterator[Ruling]:
    if m.fresh_f1 is not None and m.known_f1 is not None:
        least = LEARNABLE * m.known_f1
        yield Ruling(
            "new labels can be learned", m.fresh_f1 >= least, f"F1 {m.fresh_f1:.3f} on them", f"at least {least:.3f}",
            f"on texts known before it is {m.known_f1:.3f}: look for wrong labels in the newest files",
        )  # fmt: skip
    if m.known_against_service is not None:
        # Contradictory new labels spoil the figures of both on all texts, but on these only the candidate's.
        known = m.known_against_service
        yield Ruling(
            "what was known is not unlearned", known.high >= -UNLEARNED,
            f"macro F1 {known.value:+.3f} ({known.low:+.3f} to {known.high:+.3f}) on texts known before",
            f"no loss over {UNLEARNED:g} beyond noise", "look for wrong labels in the newest files",
        )  # fmt: skip
    if m.against_service is None:
        return
    change = m.against_service
    worse = change.high < 0 and change.value < -NOISE
    yield Ruling(
        "not worse than the version in service", not worse,
        f"macro F1 {change.value:+.3f} ({change.low:+.3f} to {change.high:+.3f})", "no loss beyond noise",
        "keep the version in service, and label what the page shows as errors",
    )  # fmt: skip
    lost = {label: each for label, each in m.class_against_service.items() if each.high < -CLASS_LOSS}
    shown = ", ".join(f"{label} {each.value:+.3f}" for label, each in lost.items())
    yield Ruling(
        "no label is lost", not lost, shown or "none", f"no label loses {CLASS_LOSS:g} of F1 beyond noise",
        f"label more texts of {', '.join(lost)}",
    )  # fmt: skip
