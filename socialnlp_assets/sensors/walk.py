"""What lies in a landing area, hour by hour, read a piece a tick.

A landing area is one listing in the order of its keys, which are dates: what is older than the window costs nothing,
and a tick that has read enough goes on where it stopped. Of an hour a few numbers are kept, however many files it has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass, field
from datetime import datetime
from typing import Any

from socialnlp_assets.partitions import hour_in_path, hour_of, key_of
from socialnlp_assets.resources.lake import Lake, is_message_file
from socialnlp_assets.resources.landed import Landed
from socialnlp_assets.resources.objects import LandedFile

MOST_FILES_A_TICK = 10_000  # 10 requests to S3: 4.4 seconds with moto's server and 66,000 keys

Skipped = Callable[[str], None]


Hours = dict[datetime, Landed]


def hours_as_json(hours: Hours) -> dict[str, Any]:
    return {key_of(hour): astuple(landed) for hour, landed in sorted(hours.items())}


def hours_of_json(stored: dict[str, Any]) -> Hours:
    return {hour_of(key): _landed_of_json(values) for key, values in stored.items()}


def _landed_of_json(values: list[Any]) -> Landed:
    if values and isinstance(values[0], str):  # a cursor of an earlier version holds the fingerprint of each file
        return Landed(len(values), total=sum(int(each, 16) for each in values) % 2**64)
    return Landed(*values)


@dataclass(frozen=True)
class Walk:
    """Where a walk through a landing area stands; at its beginning by default."""

    after: str = ""  # the last file that was read
    hours: Hours = field(default_factory=dict)  # of that one's day, as far as it has been read

    def as_json(self) -> list[Any]:
        return [self.after, hours_as_json(self.hours)]

    @classmethod
    def of_json(cls, stored: list[Any]) -> Walk:
        after, hours = stored or ("", {})
        return cls(after, hours_of_json(hours))


def walk_on(
    lake: Lake, workflow: str, since: datetime, walk: Walk, skipped: Skipped, most: int = MOST_FILES_A_TICK
) -> tuple[Hours, Walk]:
    """Read on, `most` files: what has landed in each hour from `since` on, of the days that have been read to their
    end; and where the walk stands, which is the beginning again when everything has been read.

    By days, and not by hours, for the files of ``hour=8`` come after those of ``hour=23``.
    """
    dates = f"landing/{workflow}/date="
    start = f"{dates}{since:%Y-%m-%d}"
    last, day = (walk.after, dict(walk.hours)) if walk.after > start else (start, {})
    found: Hours = {}
    read = 0
    for file in lake.objects(f"landing/{workflow}", skipped, last):
        if not file.path.startswith(dates):
            break  # what sorts after all dates
        if read == most:
            return found, Walk(last, day)
        if _day(file.path) != _day(last):
            found |= day
            day = {}
        last, read = file.path, read + 1
        _add(day, file, since)
    return found | day, Walk()


def _add(hours: Hours, file: LandedFile, since: datetime) -> None:
    hour = hour_in_path(file.path)
    if hour is not None and hour >= since and is_message_file(file.path):
        hours[hour] = hours.get(hour, Landed()) + Landed.of(file)


def _day(path: str) -> str:
    return path.split("/")[2]
