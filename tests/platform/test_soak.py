"""Arrivals with faults on virtual time: see `benchmarks/soak.py`, here for some hours."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.soak import soak
from benchmarks.soak_plan import FAULTS


@pytest.mark.slow
def test_hours_that_land_with_every_fault_end_right_and_leave_nothing(tmp_path: Path) -> None:
    outcome = soak(tmp_path, hours=len(FAULTS), seed=3)
    assert outcome.problems == []
    assert set(outcome.faults) == set(FAULTS)
    assert outcome.runs["second_tries, succeeded"] >= 1
    assert outcome.runs["pull, failed"] >= 1
