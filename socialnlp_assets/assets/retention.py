"""Raw messages are kept for so long and no longer: they hold names and accounts of people (docs/privacy.md)."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from socialnlp_assets.partitions import hour_in_path
from socialnlp_assets.resources.lake import Lake

RAW = ("landing", "quarantine")  # the areas of the lake that hold messages as they came
AT = "30 3 * * *"  # once a night, UTC


def remove_expired(lake: Lake, days: int, now: datetime) -> Counter[str]:
    """Remove what landed or was quarantined for an hour over `days` days before `now`; objects removed, by area.

    A file that lies in no hour's folder is of no known age, and stays.
    """
    oldest, removed = now - timedelta(days=days), Counter[str](dict.fromkeys(RAW, 0))
    for area in RAW:
        expired = [
            entry.path
            for entry in lake.objects(area)
            if (hour := hour_in_path(entry.path)) is not None and hour < oldest
        ]
        lake.delete(expired)
        removed[area] = len(expired)
    return removed


def build_retention(days: int) -> tuple[Any, dg.ScheduleDefinition]:
    """The job that enforces a retention of `days` days, and the schedule that runs it every night."""

    @dg.op(required_resource_keys={"lake"}, description=f"Removes raw messages of hours over {days} days ago.")
    def remove_expired_messages(context: dg.OpExecutionContext) -> None:
        removed = remove_expired(context.resources.lake, days, datetime.now(UTC))
        context.log.info("removed of hours over %d days ago: %s", days, dict(removed))
        context.add_output_metadata(dict(removed))

    @dg.job(name="retention", description=f"Keeps raw messages for {days} days.")
    def retention() -> None:
        remove_expired_messages()

    schedule = dg.ScheduleDefinition(
        job=retention,
        cron_schedule=AT,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    return retention, schedule
