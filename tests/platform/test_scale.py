"""An hour of 100,000 posts: its peak is under 1.5 GB, and about twice that of 10,000."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.scale import invent, land, measured

FEW, MANY = 10_000, 100_000
TWICE = 2.2  # measured 1.98 to 2.15: what the allocators keep differs from run to run by a tenth


@pytest.mark.slow
def test_an_hour_ten_times_as_large_needs_about_twice_the_memory(tmp_path: Path) -> None:
    peaks: dict[str, list[float]] = {"posts": [], "output": []}
    for rows in (FEW, MANY):
        folder = tmp_path / str(rows)
        land(folder, rows)
        peaks["posts"].append(measured("posts", folder)[1])
        invent(folder)
        peaks["output"].append(measured("output", folder)[1])
    for few, many in peaks.values():
        assert many < min(1500, TWICE * few), peaks
