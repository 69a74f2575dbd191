"""The evaluation of one trained model beside the one in service: figures, rulings, and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from socialnlp_assets.assets.models.measure import LEAST_OF_SLICE, Asked, ask, slices
from socialnlp_assets.assets.models.shelf import Shelf, held_back
from socialnlp_assets.evaluation import figures, page
from socialnlp_assets.evaluation.figures import Answers
from socialnlp_assets.evaluation.gate import Measured, Ruling, rulings
from socialnlp_assets.labels.dataset import Example, key_of
from socialnlp_assets.models.catalogue import ModelEntry, Training
from socialnlp_assets.resources.endpoints.backend import ModelMissing
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.resources.registry.versions import Made, Version


@dataclass(frozen=True)
class Evaluation:
    """What was found of a candidate."""

    figures: Mapping[str, Any]
    rulings: Sequence[Ruling]
    page: str
    service: str  # label of the version that it was compared with; empty for the first one of a model

    @property
    def passed(self) -> bool:
        return all(ruling.passed for ruling in self.rulings)


def evaluate(
    endpoints: Endpoints, shelf: Shelf, entry: ModelEntry, made: Made, examples: Sequence[Example], is_faithful: bool
) -> Evaluation:
    """Ask both models about the held-back texts; of a model that there was none of, only the candidate.
    `is_faithful`: it was trained on the others, and on nothing else."""
    training = entry.training or Training()
    tests = held_back(examples)
    with endpoints.lease(made.model, step="evaluation", version=made) as candidate:
        ours = ask(candidate, entry, tests, training.behaviour)
    version = endpoints.version(made.model)
    theirs, label = None, ""
    with suppress(ModelMissing), endpoints.lease(made.model, step="evaluation") as service:
        theirs, label = ask(service, entry, tests, None), endpoints.version_label(made.model)
    known, fresh = _by_age(shelf, version, tests)
    measured = _measured(made, ours, theirs, version, known, fresh, is_faithful)
    ruled = rulings(measured, training.floors)
    return Evaluation(_figures(measured, ours.answers, tests), ruled, _page(ours, theirs, tests, ruled, label), label)


def _by_age(shelf: Shelf, version: Version | None, tests: Sequence[Example]) -> tuple[list[int], list[int]]:
    """The rows of the texts that the version in service could know of, and of those that are new."""
    before = {key_of(example.text) for example in shelf.read_labels(version.made.labels)} if version else set()
    if not before:
        return [], []
    known = [row for row, example in enumerate(tests) if key_of(example.text) in before]
    return known, sorted(set(range(len(tests))) - set(known))


def _measured(
    made: Made,
    ours: Asked,
    theirs: Asked | None,
    version: Version | None,
    known: list[int],
    fresh: list[int],
    faithful: bool,
) -> Measured:
    found = Measured(
        macro_f1=figures.macro_f1(ours.answers),
        class_f1=figures.class_f1(ours.answers),
        calibration_error=figures.calibration(ours.answers)[0],
        milliseconds=ours.milliseconds,
        megabytes=made.size / 1e6,
        behaviour=ours.behaviour,
        rows=made.rows,
        trained_on_labels=faithful,
    )
    if theirs is None:
        return found
    enough = min(len(known), len(fresh)) >= LEAST_OF_SLICE
    return replace(
        found,
        service=figures.class_f1(theirs.answers),
        service_rows=version.made.rows if version else 0,
        against_service=figures.difference(ours.answers, theirs.answers),
        class_against_service=figures.class_differences(ours.answers, theirs.answers),
        fresh_f1=_f1(ours.answers, fresh) if enough else None,
        known_f1=_f1(ours.answers, known) if enough else None,
        known_against_service=_difference(ours.answers, theirs.answers, known) if enough else None,
    )


def _difference(ours: Answers, theirs: Answers, rows: Sequence[int]) -> figures.Interval:
    kept = np.array(rows, np.int64)
    return figures.difference(ours.of(kept), theirs.of(kept))


def _f1(answers: Answers, rows: Sequence[int]) -> float:
    found = figures.class_f1(answers.of(np.array(rows, np.int64)))
    return float(np.mean(list(found.values()))) if found else 0.0


def _figures(measured: Measured, answers: Answers, tests: Sequence[Example]) -> dict[str, Any]:
    """What stays on record with the version."""
    return {
        "macro_f1": round(measured.macro_f1.value, 4),
        "macro_f1_low": round(measured.macro_f1.low, 4),
        "macro_f1_high": round(measured.macro_f1.high, 4),
        "texts": len(tests),
        "calibration_error": round(measured.calibration_error, 4),
        "milliseconds": round(measured.milliseconds, 3),
        "megabytes": round(measured.megabytes, 2),
        "by_label": {label: round(value, 4) for label, value in measured.class_f1.items()},
        "by_slice": {name: round(_f1(answers, rows), 4) for name, rows in slices(tests).items()},
        "behaviour": {kind: round(share, 4) for kind, share in measured.behaviour.items()},
        "change": measured.against_service.plain() if measured.against_service else {},
    }


def _page(ours: Asked, theirs: Asked | None, tests: Sequence[Example], ruled: Sequence[Ruling], service: str) -> str:
    _, bins = figures.calibration(ours.answers)
    mine, its = (_by_label_and_slice(each, tests) if each else {} for each in (ours, theirs))
    errors = figures.telling_errors(ours.answers)
    beside = f"version {service}" if service else "none, for there was none before"
    parts = {
        "The gate": page.gate_table(ruled),
        f"By label and slice, beside {beside}": page.figures_table(mine, its),
        "What is taken for what": page.confusion_table(figures.confusion(ours.answers)),
        "How sure, and how often right": page.calibration_plot(bins),
        "Ten telling errors": page.errors_table((tests[row].text, *rest) for row, *rest in errors),
    }
    return "\n\n".join(f"### {title}\n\n{part}" for title, part in parts.items())


def _by_label_and_slice(asked: Asked, tests: Sequence[Example]) -> dict[str, float]:
    """F1 by name."""
    by_slice = {name: _f1(asked.answers, rows) for name, rows in slices(tests).items()}
    return dict(figures.class_f1(asked.answers)) | by_slice
