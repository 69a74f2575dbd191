"""The landing sensor: one a workflow; it requests one run for each hour in which something new has landed.

It compares what lies in the landing area with a ledger of (key, entity tag) in its cursor. A late or rewritten
file re-runs its hour, a repeat does nothing, a deletion does nothing (retention removes old files), and
every skip says why. The ledger covers the lookback window and so stays bounded.

Which hours to look at: all of the window, or, where the settings name a queue, those that its notifications name
(`queue.py`). A notification is only a hint: what counts is what lies in the landing area. Besides, whatever their
age, the hours to which `posts` has moved messages: each such file has a marker, which the tick after the one that
put its hour on record deletes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import islice

import dagster as dg

from socialnlp_assets.partitions import HOUR, floor_hour, folders_of, hour_in_path, hour_of, key_of
from socialnlp_assets.resources.lake import Lake, is_message_file
from socialnlp_assets.resources.objects import LandedFile
from socialnlp_assets.sensors.queue import LandingQueue
from socialnlp_assets.workflow import Workflow

MOST_RUNS_A_TICK = 48
SENSOR_SECONDS = 30

FAILED = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.CANCELING)

Ledger = dict[str, set[str]]  # partition key → fingerprints of the files seen


def fingerprint(file: LandedFile) -> str:
    """Short and stable: the ledger and the tags keep it instead of keys of any length."""
    return blake2b(f"{file.path}\0{file.etag}".encode(), digest_size=6).hexdigest()


def digest(files: set[str]) -> str:
    """One value for all that has landed in an hour, of its files' fingerprints."""
    return blake2b("\n".join(sorted(files)).encode(), digest_size=8).hexdigest()


@dataclass
class Arrivals:
    """What one look at the landing area found."""

    ledger: Ledger
    requests: list[dg.RunRequest] = field(default_factory=list)
    events: list[dg.AssetMaterialization] = field(default_factory=list)  # of `landing`, one a request
    skipped: list[str] = field(default_factory=list)
    waiting: list[datetime] = field(default_factory=list)  # hours to look at again though nobody says so

    def message(self) -> str:
        return "; ".join(self.skipped) or "nothing new has landed"


def window(since: datetime, now: datetime) -> list[str]:
    """The folders of the window's days, below a workflow's landing area: one listing a day, not one an hour."""
    days = (floor_hour(now) - since).days + 2
    return [f"date={since + timedelta(days=n):%Y-%m-%d}" for n in range(days)]


def landed_files(
    lake: Lake, workflow: str, folders: Iterable[str], skipped: Callable[[str], None]
) -> Iterator[tuple[datetime, LandedFile]]:
    """Every landed file below `folders` with its hour; `skipped` is told of those that cannot be read."""
    for folder in folders:
        for file in lake.objects(f"landing/{workflow}/{folder}", skipped):
            hour = hour_in_path(file.path)
            if hour is not None and is_message_file(file.path):
                yield hour, file


def moved_files(lake: Lake, workflow: str, now: datetime) -> dict[str, datetime]:
    """The markers of messages that were moved to hours that are over, no more than a tick may run: path → hour."""
    found = ((file.path, hour_in_path(file.path)) for file in lake.objects(lake.moved_folder(workflow)))
    over = ((path, hour) for path, hour in found if hour is not None and hour < floor_hour(now))
    return dict(islice(over, MOST_RUNS_A_TICK))


def look(
    lake: Lake,
    workflow: Workflow,
    first: datetime,
    ledger: Ledger,
    lookback: int,
    now: datetime,
    hours: Collection[datetime] | None = None,
    moved: Collection[datetime] = (),
) -> Arrivals:
    """Compare the landing area with `ledger`; a run request for each hour that has something new.

    `first` is the first hour of the partitions. Looks at `hours`, or at all of the last `lookback` ones, and at
    those to which messages were `moved`.
    """
    since = floor_hour(now) - lookback * HOUR
    present: dict[datetime, dict[str, int]] = {}  # fingerprint → bytes
    arrivals = Arrivals({key: seen for key, seen in ledger.items() if key >= key_of(since)})
    folders = window(since, now) if hours is None else [f for hour in sorted(hours) for f in folders_of(hour)]
    folders += [folder for hour in sorted(set(moved)) for folder in folders_of(hour)]
    for hour, file in landed_files(lake, workflow.name, folders, arrivals.skipped.append):
        if hour >= since or hour in moved:
            present.setdefault(hour, {})[fingerprint(file)] = file.size
    for hour, sizes in sorted(present.items()):
        key, landed = key_of(hour), set(sizes)
        new = len(landed - arrivals.ledger.get(key, set()))
        if not new:
            continue
        if hour < first:
            arrivals.skipped.append(f"{key} lies before the first partition: {len(landed)} files are left alone")
        elif hour >= floor_hour(now):
            arrivals.skipped.append(f"{key} is not over yet: {len(landed)} files wait")
            arrivals.waiting.append(hour)
        elif len(arrivals.requests) == MOST_RUNS_A_TICK:
            arrivals.skipped.append(f"{key} waits for the next tick: {MOST_RUNS_A_TICK} runs are enough for one")
            arrivals.waiting.append(hour)
        else:
            arrivals.requests.append(_request(workflow, key, landed, new))
            arrivals.events.append(_event(lake, workflow, hour, list(sizes.values())))
            arrivals.ledger[key] = landed
    return arrivals


def _request(workflow: Workflow, key: str, landed: set[str], new: int) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{workflow.name}:{key}:{digest(landed)}",
        partition_key=key,
        tags={
            "socialnlp/hour": f"{workflow.name}:{key}",
            "socialnlp/landed": digest(landed),
            "socialnlp/new_files": str(new),
        },
    )


def _event(lake: Lake, workflow: Workflow, hour: datetime, sizes: list[int]) -> dg.AssetMaterialization:
    """Tells Dagster that files are there: nobody runs `landing` where they are dropped by others."""
    folder = lake.address(lake.landing_folder(workflow.name, hour))
    return dg.AssetMaterialization(
        dg.AssetKey([workflow.name, "landing"]),
        partition=key_of(hour),
        description="seen by the landing sensor",
        metadata={"files": len(sizes), "bytes": sum(sizes), "dagster/uri": folder},
    )


def landing_sensor(
    workflow: Workflow, first: datetime, lookback_hours: int, queue: LandingQueue | None = None
) -> dg.SensorDefinition:
    """The sensor `<workflow>_landing`, which runs the workflow's job. `first` is the first hour of the partitions."""

    @dg.sensor(
        name=f"{workflow.name}_landing",
        job_name=workflow.name,
        minimum_interval_seconds=SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Runs an hour of {workflow.name} when files arrive at landing/{workflow.name}/.",
    )
    def arrivals(context: dg.SensorEvaluationContext, lake: Lake) -> dg.SensorResult:
        cursor, now = Cursor.read(context.cursor), datetime.now(UTC)
        lake.delete(cursor.moved)  # their hours are in the cursor that this tick was given
        moved = moved_files(lake, workflow.name, now)
        hours: Collection[datetime] | None = None
        receipts: list[str] = []
        if queue:
            queue.delete(cursor.receipts)  # what they said is in the cursor that this tick was given
            named, receipts = queue.receive(context.log.warning)
            hours = None if context.cursor is None else named | set(cursor.waiting)
        found = look(lake, workflow, first, cursor.ledger, lookback_hours, now, hours, set(moved.values()))
        requests = []
        for request in found.requests:
            if wanted := unless_run(context.instance, request):
                requests.append(wanted)
            else:
                found.skipped.append(f"{request.partition_key} has run with just these files")
        asked = {request.partition_key for request in requests}
        for reason in found.skipped:
            context.log.info(reason)
        settled = [path for path, hour in moved.items() if hour not in found.waiting]
        return dg.SensorResult(
            run_requests=requests or None,
            asset_events=[event for event in found.events if event.partition in asked],
            skip_reason=None if requests else dg.SkipReason(found.message()),
            cursor=Cursor(found.ledger, found.waiting, receipts, settled).write(),
        )

    return arrivals


def unless_run(instance: dg.DagsterInstance, request: dg.RunRequest) -> dg.RunRequest | None:
    """The request, unless the hour's last run was of just these files and has not failed, whoever asked for it. So a
    cursor that is lost or reset runs nothing twice.

    The last one, because content may come back: after files A, then B, A again is to be run. So the run key, by which
    Dagster drops what it was asked before, names that run besides what has landed.
    """
    hour = {"socialnlp/hour": request.tags["socialnlp/hour"]}
    records = instance.get_run_records(dg.RunsFilter(tags=hour), limit=1)  # the newest comes first
    if not records:
        return request
    last = records[0].dagster_run
    if last.tags.get("socialnlp/landed") == request.tags["socialnlp/landed"] and last.status not in FAILED:
        return None
    return dg.RunRequest(
        run_key=f"{request.run_key}:{last.run_id}", partition_key=request.partition_key, tags=request.tags
    )


@dataclass
class Cursor:
    """What a sensor remembers: the ledger, hours to look at again, and what to delete now that its hours are on
    record: receipts of notifications, markers of moved messages."""

    ledger: Ledger = field(default_factory=dict)
    waiting: list[datetime] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, text: str | None) -> Cursor:
        if not text:
            return cls()
        stored = json.loads(text)
        ledger = {key: set(seen) for key, seen in stored["ledger"].items()}
        return cls(ledger, [hour_of(key) for key in stored["waiting"]], stored["receipts"], stored.get("moved", []))

    def write(self) -> str:
        ledger = {key: sorted(seen) for key, seen in sorted(self.ledger.items())}
        waiting = [key_of(hour) for hour in self.waiting]
        stored = {"ledger": ledger, "waiting": waiting, "receipts": self.receipts, "moved": self.moved}
        return json.dumps(stored, separators=(",", ":"))
