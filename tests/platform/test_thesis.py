"""The benchmark of the three ways compares like with like: see `benchmarks/thesis.py`."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from benchmarks.thesis_old import PARTS, pipelines, step_functions
from benchmarks.thesis_ours import ingested, ours
from benchmarks.thesis_ways import served
from benchmarks.virtual_hour import HourClock
from socialnlp_assets.models import load_catalogue

ROWS = 8


def test_waiting_together_is_counted_once_and_work_as_scaled() -> None:
    worked = [0.0]
    clock = HourClock(lambda: worked[0], scale=10)
    worked[0] = 2.0
    assert clock.seconds() == 20
    others = [
        threading.Thread(target=clock.sleep, args=(seconds,), name="warm-endpoints", daemon=True)
        for seconds in (100, 240)
    ]
    for other in others:
        other.start()
    clock.sleep(240)
    for other in others:
        other.join(timeout=60)
    assert clock.waited == pytest.approx(240)
    assert clock.seconds() == pytest.approx(260)


@pytest.mark.slow
def test_the_three_ways_answer_alike_and_ours_waits_once(tmp_path: Path) -> None:
    catalogue = load_catalogue()
    with served({part.model: catalogue[part.model].embedded.path for part in PARTS}) as models:
        rows = ingested(tmp_path, ROWS)
        by_lambda = step_functions(tmp_path / "lambda", rows, models, 1)
        by_pipeline = pipelines(tmp_path / "pipeline", rows, models, 1)
        by_us = ours(tmp_path / "ours", ROWS, models, 1)
    assert by_lambda.answers == by_pipeline.answers
    for part, answers in by_us.answers.items():
        assert answers == {key: by_lambda.answers[part][key] for key in answers}, part
        assert answers
    # Four creations of four minutes one after the other, and all of ours side by side.
    assert by_pipeline.waited == pytest.approx(4 * 240, rel=0.3)
    assert by_us.waited == pytest.approx(240, rel=0.1)
    assert by_us.paid < by_pipeline.paid + 3 * 120
