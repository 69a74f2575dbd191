"""The inventory of hours that wait for somebody: failed, cancelled, begun and not ended, or never run though files lie
in the landing area. Nothing asks for these again: sensors ask once for what has landed, retries are for lost processes.

What counts is what was published, not how a run ended: an asset of an hour waits where a run that was to compute it has
failed or was cancelled, and nothing has published it since. So whatever makes up for it, a re-execution, a backfill or
a run of a few assets, takes it off the list.

The work is bounded by what has failed, not by how many hours there are: it reads the last `MOST_RUNS` failed runs,
two sets of partition keys a workflow, and the folders of the landing areas.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import dagster as dg
from dagster import DagsterRunStatus as Status

from socialnlp_assets.partitions import HOUR, floor_hour, hour_in_path, hour_of, key_of
from socialnlp_assets.resources.lake import Lake

MOST_RUNS = 1000  # failed and cancelled ones that are looked at, the newest; an hour's first failure is never lost
MOST_ROWS = 200  # of the table in the UI
MOST_CHARACTERS = 240  # of a reason
PAGE = 1000  # events in one answer of Dagster's storage
PARTITION_TAG = "dagster/partition"
LANDING, FIRST, LAST = "landing", "posts", "output"
COLUMNS = ("workflow", "hour", "state", "step", "since", "why", "run again")

Assets = Mapping[str, Sequence[str]]  # workflow → its assets in data order, from `posts` to `output`


class Lack(StrEnum):
    """What has come of an hour that waits."""

    FAILED = "failed"
    CANCELLED = "cancelled"
    INCOMPLETE = "incomplete"
    NEVER_RUN = "never run"


@dataclass(frozen=True)
class WaitingHour:
    """An hour of a workflow that nothing will run again by itself."""

    workflow: str
    hour: str  # partition key
    lack: Lack
    assets: tuple[str, ...]  # what is to be computed, in data order
    since: datetime  # the run began; where there was none, the hour was over
    why: str  # one line
    run: str = ""

    @property
    def step(self) -> str:
        """Where it stopped: the first asset that is missing."""
        return self.assets[0]

    @property
    def command(self) -> str:
        """What runs it again."""
        return f"socialnlp hours run {self.workflow} {self.hour}"

    def as_row(self) -> dict[str, str]:
        since = f"{self.since:%Y-%m-%d %H:%M}"
        values = (self.workflow, self.hour, self.lack.value, self.step, since, self.why, self.command)
        return dict(zip(COLUMNS, values, strict=True))


def waiting_hours(
    instance: dg.DagsterInstance, lake: Lake, assets: Assets, first: datetime, now: datetime
) -> list[WaitingHour]:
    """The hours of these workflows that wait, by workflow and hour. `first` is the first hour of the partitions.

    An hour that a run under way or in the queue will compute does not wait.
    """
    found = {(each.workflow, each.hour): each for each in _failed(instance, assets, None)}
    for workflow, names in assets.items():
        done = {name: instance.get_materialized_partitions(dg.AssetKey([workflow, name])) for name in (FIRST, LAST)}
        landed = _landed(lake, workflow, first, now, done[FIRST])
        for hour in sorted(done[FIRST] - done[LAST] | landed):
            if (workflow, hour) in found:
                continue
            lacking = tuple(names) if hour not in done[FIRST] else tuple(_lacking(instance, workflow, names, hour))
            begun = hour in done[FIRST]
            found[workflow, hour] = WaitingHour(
                workflow,
                hour,
                Lack.INCOMPLETE if begun else Lack.NEVER_RUN,
                lacking,
                hour_of(hour) + HOUR,
                f"no run has computed {lacking[0]}" if begun else "files have landed, and no run has taken them",
            )
    running = set(under_way(instance, {hour for _, hour in found}))
    return [found[key] for key in sorted(found) if key not in running]


def failed_hours(instance: dg.DagsterInstance, assets: Assets, since: datetime) -> list[WaitingHour]:
    """Those of them whose run has failed or was cancelled after `since`."""
    found = {(each.workflow, each.hour): each for each in _failed(instance, assets, since)}
    running = set(under_way(instance, {hour for _, hour in found}))
    return [found[key] for key in sorted(found) if key not in running]


def _failed(instance: dg.DagsterInstance, assets: Assets, since: datetime | None) -> Iterator[WaitingHour]:
    """The hours with assets that their newest failed or cancelled run has left unpublished."""
    ended = instance.get_run_records(
        dg.RunsFilter(statuses=[Status.FAILURE, Status.CANCELED], updated_after=since), limit=MOST_RUNS
    )  # the newest come first
    planned: dict[tuple[str, str], dict[str, dg.RunRecord]] = defaultdict(dict)  # workflow, asset → hour → run
    for record in ended:
        hour = record.dagster_run.tags.get(PARTITION_TAG)
        for key in _planned(instance, record.dagster_run.run_id) if hour else []:
            if key.path[0] in assets and len(key.path) == 2:
                planned[key.path[0], key.path[1]].setdefault(str(hour), record)
    left: dict[tuple[str, str], dict[str, dg.RunRecord]] = defaultdict(dict)  # workflow, hour → asset → run
    for (workflow, asset), runs in planned.items():
        published = _published(instance, dg.AssetKey([workflow, asset]), runs)
        for hour, record in runs.items():
            if published.get(hour, 0.0) < record.create_timestamp.timestamp():
                left[workflow, hour][asset] = record
    for (workflow, hour), runs in left.items():
        lacking = tuple(name for name in (LANDING, *assets[workflow]) if name in runs)
        if not lacking:
            continue  # of steps that the workflow no longer has
        record = runs[lacking[0]]
        run = record.dagster_run
        cancelled = run.status is Status.CANCELED
        yield WaitingHour(
            workflow,
            hour,
            Lack.CANCELLED if cancelled else Lack.FAILED,
            lacking,
            record.create_timestamp.astimezone(UTC),
            "somebody cancelled its run" if cancelled else _reason(instance, run.run_id),
            run.run_id,
        )


def _planned(instance: dg.DagsterInstance, run: str) -> Iterator[dg.AssetKey]:
    """What a run was to compute."""
    records = instance.get_records_for_run(run, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED).records
    for record in records:
        event = record.event_log_entry.dagster_event
        if event and event.asset_key:
            yield event.asset_key


def _published(instance: dg.DagsterInstance, key: dg.AssetKey, runs: Mapping[str, dg.RunRecord]) -> dict[str, float]:
    """When each of these hours of an asset was last published, if since the oldest of `runs` began."""
    since = min(record.create_timestamp.timestamp() for record in runs.values())
    wanted = dg.AssetRecordsFilter(key, asset_partitions=list(runs), after_timestamp=since)
    latest: dict[str, float] = {}
    page = instance.fetch_materializations(wanted, PAGE)  # the newest come first
    while page.records:
        for record in page.records:
            latest.setdefault(str(record.partition_key), record.timestamp)
        page = instance.fetch_materializations(wanted, PAGE, page.cursor)
    return latest


def _reason(instance: dg.DagsterInstance, run: str) -> str:
    """Why a run failed: what the first of its steps that failed has said, in one line."""
    for record in instance.get_records_for_run(run, of_type=dg.DagsterEventType.STEP_FAILURE).records:
        event = record.event_log_entry.dagster_event
        failure = event.step_failure_data if event else None
        if failure and failure.user_failure_data and failure.user_failure_data.description:
            return _line(failure.user_failure_data.description)
        if failure and failure.error:
            error = failure.error
            while error.cause:
                error = error.cause
            return _line(error.message)
    for record in instance.get_records_for_run(run, of_type=dg.DagsterEventType.RUN_FAILURE).records:
        if event := record.event_log_entry.dagster_event:
            return _line(event.message or "its process ended")
    return "its process ended"


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 1]}…"


def _landed(lake: Lake, workflow: str, first: datetime, now: datetime, done: Collection[str]) -> set[str]:
    """The hours that are over, have files in the landing area and are not among the `done`. By folders, for there may
    be a million files."""
    days = [day for day in lake.folders(f"{LANDING}/{workflow}") if "/date=" in day]
    hours = {hour for day in days for folder in lake.folders(day) if (hour := hour_in_path(folder)) is not None}
    over = (hour for hour in hours if first <= hour < floor_hour(now) and key_of(hour) not in done)
    return {key_of(hour) for hour in over if lake.landed(workflow, hour)}


def _lacking(instance: dg.DagsterInstance, workflow: str, names: Sequence[str], hour: str) -> Iterator[str]:
    for name in names:
        one = dg.AssetRecordsFilter(dg.AssetKey([workflow, name]), asset_partitions=[hour])
        if not instance.fetch_materializations(one, 1).records:
            yield name


def under_way(instance: dg.DagsterInstance, hours: Collection[str]) -> Iterator[tuple[str, str]]:
    """(workflow, hour) of what runs, or waits in the queue, of these hours."""
    statuses = [status for status in Status if status not in (Status.SUCCESS, Status.FAILURE, Status.CANCELED)]
    if not hours:
        return
    for run in instance.get_runs(dg.RunsFilter(statuses=statuses, tags={PARTITION_TAG: list(hours)})):
        for name in {key.path[0] for key in run.asset_selection or ()} | {run.job_name}:
            yield name, run.tags[PARTITION_TAG]


def as_metadata(waiting: Sequence[WaitingHour]) -> dict[str, Any]:
    """For Dagster's UI: how many hours wait, of each kind, and the table."""
    counts = {lack.value.replace(" ", "_"): sum(each.lack is lack for each in waiting) for lack in Lack}
    columns = [dg.TableColumn(name, "string") for name in COLUMNS]
    rows = [dg.TableRecord(each.as_row()) for each in waiting[:MOST_ROWS]]
    return {"waiting": len(waiting), **counts, "hours": dg.MetadataValue.table(rows, dg.TableSchema(columns))}
