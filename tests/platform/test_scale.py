"""An hour ten times as large needs not much more memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.scale import invent, land, measured

MEGABYTES_A_THOUSAND = 8  # a thousand of the benchmark's messages are 2 MB as a table of `output`


@pytest.mark.slow
def test_memory_grows_by_little_more_than_the_rows(tmp_path: Path) -> None:
    peaks: dict[str, list[float]] = {"posts": [], "output": []}
    for rows in (2_000, 20_000):
        folder = tmp_path / str(rows)
        land(folder, rows)
        peaks["posts"].append(measured("posts", folder)[1])
        invent(folder)
        peaks["output"].append(measured("output", folder)[1])
    for step in ("posts", "output"):
        few, many = peaks[step]
        assert many - few < 18 * MEGABYTES_A_THOUSAND, peaks
