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


@dataclass(frozen=True)
class Rate:
    """Units of work a second by the clock on the wall, and a second of a processor's time."""

    wall: float
    processor: float


def rates(
    contenders: Mapping[str, Callable[[], object]],
    work: int | Mapping[str, int],
    rounds: int,
    processors: Mapping[str, Callable[[], float]] | None = None,
) -> dict[str, Rate]:
    """The rate of each contender, which does `work` units a turn, or its own of them: the median of `rounds` turns.

    `processors` tell the processor seconds that a contender has used so far; this process's by default.
    """
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            processor = (processors or {}).get(name, time.process_time)
            started, used = time.perf_counter(), processor()
            contender()
            taken[name].append((time.perf_counter() - started, processor() - used))
    units = work if isinstance(work, Mapping) else dict.fromkeys(contenders, work)
    return {
        name: Rate(
            units[name] / median(wall for wall, _ in turns), units[name] / max(median(used for _, used in turns), 1e-6)
        )
        for name, turns in taken.items()
    }


def write(figures: list[Figure], path: Path = RESULTS, *, keep: bool) -> None:
    """Write `figures` to the file; with `keep`, beside those of other names, rivals and units that it has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(path.read_text(encoding="utf-8")) if keep and path.exists() else []
    new = {(found.name, found.rival, found.unit): asdict(found) for found in figures}
    kept = {(row["name"], row["rival"], row["unit"]): row for row in known}
    path.write_text(json.dumps(list((kept | new).values()), indent=1) + "\n", encoding="utf-8")
