"""Ratios on a machine that others use too: contenders take turns, round after round, and each counts by its
median round. Absolute figures of one machine mean little; the ratios travel.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

RESULTS = Path(__file__).parent / "results" / "latest.json"


@dataclass(frozen=True)
class Figure:
    """Ours beside a rival's; `ratio` says how many times better ours is."""

    name: str
    rival: str
    ours: float
    theirs: float
    ratio: float
    unit: str


def figure(name: str, rival: str, ours: float, theirs: float, unit: str = "texts/s") -> Figure:
    return Figure(name, rival, round(ours, 4), round(theirs, 4), round(ours / theirs, 3), unit)


def rates(contenders: Mapping[str, Callable[[], object]], work: int, rounds: int) -> dict[str, float]:
    """Units of `work` a second of each contender: the median of `rounds` turns."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            started = time.perf_counter()
            contender()
            seconds[name].append(time.perf_counter() - started)
    return {name: work / median(taken) for name, taken in seconds.items()}


def write(figures: list[Figure], path: Path = RESULTS) -> None:
    """Add `figures` to the file; those of the same name and rival are replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    new = {(found.name, found.rival): asdict(found) for found in figures}
    kept = {(row["name"], row["rival"]): row for row in known}
    path.write_text(json.dumps(list((kept | new).values()), indent=1) + "\n", encoding="utf-8")
