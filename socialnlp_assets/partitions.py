"""The hour: the one partition of every asset. Hours are UTC, so keys never shift with daylight saving."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import dagster as dg

KEY_FORMAT = "%Y-%m-%d-%H:%M"
HOUR = timedelta(hours=1)
_HOUR_FOLDER = re.compile(r"date=(\d{4}-\d{2}-\d{2})/hour=(\d{1,2})(?:/|$)", re.ASCII)


def hourly_partitions(start: datetime) -> dg.HourlyPartitionsDefinition:
    """Every whole hour since `start` (UTC). The incomplete hour is not a partition: its batch is still arriving."""
    return dg.HourlyPartitionsDefinition(start_date=start.strftime(KEY_FORMAT), timezone="UTC", fmt=KEY_FORMAT)


def hour_of(partition_key: str) -> datetime:
    """``2026-11-20-08:00`` → that hour, UTC."""
    return datetime.strptime(partition_key, KEY_FORMAT).replace(tzinfo=UTC)


def key_of(hour: datetime) -> str:
    """An hour's partition key."""
    return hour.astimezone(UTC).strftime(KEY_FORMAT)


def folder_of(hour: datetime) -> str:
    """An hour's folder, as Hive names it: ``date=2026-11-20/hour=08``."""
    return hour.astimezone(UTC).strftime("date=%Y-%m-%d/hour=%H")


def folders_of(hour: datetime) -> list[str]:
    """The folders in which others may have put an hour's files: ``hour=8`` is what they mean by ``hour=08``."""
    folder = folder_of(hour)
    return [folder, folder.replace("hour=0", "hour=")] if "hour=0" in folder else [folder]


def floor_hour(time: datetime) -> datetime:
    """The hour that `time` lies in."""
    return time.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def hour_in_path(path: str) -> datetime | None:
    """The hour that a lake path names; None where it names none or an impossible one."""
    found = _HOUR_FOLDER.search(path)
    if not found:
        return None
    try:
        return datetime.strptime(" ".join(found.groups()), "%Y-%m-%d %H").replace(tzinfo=UTC)
    except ValueError:
        return None
