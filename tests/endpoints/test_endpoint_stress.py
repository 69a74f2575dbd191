"""Real processes that are killed at random: see `benchmarks/endpoint_stress.py`, here for some seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.endpoint_stress import stress


@pytest.mark.slow
def test_killing_a_process_a_second_leaves_no_orphan_and_no_wrong_result(tmp_path: Path) -> None:
    outcome = stress(tmp_path, seconds=12, workers=4)
    assert outcome.workers_killed >= 5
    assert outcome.servers_killed >= 1
    assert outcome.is_good, outcome
