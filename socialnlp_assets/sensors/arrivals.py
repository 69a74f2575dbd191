"""The landing sensor: one a workflow; it requests one run for each hour in which something new has landed.

It compares what lies in the landing area with a ledger in its cursor. A late or rewritten file re-runs its hour, a
repeat does nothing, a deletion does nothing (retention removes old files), and every skip says why. The ledger covers
the lookback window and so stays bounded.

Which hours to look at: all of the window (`walk.py`), or, where the settings name a queue, those that its
notifications name (`queue.py`) and once an hour all of them. A notification is only a hint: what counts is what lies in
the landing area. Besides, whatever their age, the hours to which `posts` has moved messages: each such file has a
marker, which the tick after the one that put its hour on record deletes.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

import dagster as dg

from socialnlp_assets.partitions import HOUR, floor_hour, hour_in_path, hour_of, key_of
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.landed import Landed
from socialnlp_assets.sensors.queue import LandingQueue
from socialnlp_assets.sensors.walk import Hours, Walk, hours_as_json, hours_of_json, walk_on
from socialnlp_assets.workflow import Workflow

MOST_RUNS_A_TICK = 48
MOST_WAITING = 1000  # hours; a listing finds those beyond
SENSOR_SECONDS = 30
RECONCILED = timedelta(hours=1)  # between two listings where a queue tells of arrivals: notifications may be lost

FAILED = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.CANCELING)


@dataclass
class Cursor:
    """What a sensor remembers: the ledger, where its listing stands, and what to delete now that its hours are on
    record: receipts of notifications, markers of moved messages."""

    ledger: Hours = field(default_factory=dict)
    walk: Walk = Walk()  # noqa: RUF009  it cannot be changed
    listed: float = 0.0  # when a listing last came to its end, in seconds since 1970
    waiting: list[datetime] = field(default_factory=list)  # hours to look at again though nobody says so
    receipts: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, text: str | None) -> Cursor:
        stored = json.loads(text) if text else {}
        return cls(
            hours_of_json(stored.get("ledger", {})),
            Walk.of_json(stored.get("walk", [])),
            stored.get("listed", 0.0),
            [hour_of(key) for key in stored.get("waiting", [])],
            stored.get("receipts", []),
            stored.get("moved", []),
        )

    def write(self) -> str:
        stored = {
            "ledger": hours_as_json(self.ledger),
            "walk": self.walk.as_json(),
            "listed": self.listed,
            "waiting": [key_of(hour) for hour in self.waiting],
            "receipts": self.receipts,
            "moved": self.moved,
        }
        return json.dumps(stored, separators=(",", ":"), ensure_ascii=False)


@dataclass
class Arrivals:
    """What one look at the landing area found."""

    requests: list[dg.RunRequest] = field(default_factory=list)
    events: list[dg.AssetMaterialization] = field(default_factory=list)  # of `landing`, one a request
    skipped: list[str] = field(default_factory=list)
    waiting: set[datetime] = field(default_factory=set)

    def message(self) -> str:
        return "; ".join(self.skipped) or "nothing new has landed"


@dataclass(frozen=True)
class LandingArea:
    """Of one workflow. `first` is the first hour of the partitions."""

    lake: Lake
    workflow: str
    first: datetime
    lookback: int  # hours

    def since(self, now: datetime) -> datetime:
        return floor_hour(now) - self.lookback * HOUR

    def moved_files(self, now: datetime) -> dict[str, datetime]:
        """The markers of messages that were moved to hours that are over, no more than a tick may run: path → hour."""
        folder = self.lake.moved_folder(self.workflow)
        found = ((file.path, hour_in_path(file.path)) for file in self.lake.objects(folder))
        over = ((path, hour) for path, hour in found if hour is not None and hour < floor_hour(now))
        return dict(islice(over, MOST_RUNS_A_TICK))

    def look(
        self,
        cursor: Cursor,
        now: datetime,
        named: Collection[datetime] | None = None,
        moved: Collection[datetime] = (),
    ) -> Arrivals:
        """Compare what has landed with the cursor's ledger, and bring both up to date: a run request for each hour that
        has something new. Looks at the hours `named`, without them at all of the window, and at those to which
        messages were `moved`."""
        arrivals, since = Arrivals(), self.since(now)
        cursor.ledger = {hour: landed for hour, landed in cursor.ledger.items() if hour >= since}
        wanted = {hour for hour in named or () if hour >= since} | set(moved)
        hours: Hours = {}
        if named is None or cursor.walk.after or now.timestamp() - cursor.listed >= RECONCILED.total_seconds():
            hours, cursor.walk = walk_on(self.lake, self.workflow, since, cursor.walk, arrivals.skipped.append)
            if not cursor.walk.after:
                cursor.listed = now.timestamp()
        over = sorted(hour for hour in wanted if hour < floor_hour(now))
        arrivals.waiting |= wanted - set(over[:MOST_RUNS_A_TICK])
        for hour in over[:MOST_RUNS_A_TICK]:
            hours[hour] = Landed.all(self.lake.landed(self.workflow, hour, arrivals.skipped.append))
        for hour, landed in sorted(hours.items()):
            self._compare(arrivals, cursor.ledger, hour, landed, now)
        return arrivals

    def _compare(self, arrivals: Arrivals, ledger: Hours, hour: datetime, landed: Landed, now: datetime) -> None:
        key = key_of(hour)
        if not landed.adds_to(ledger.get(hour)):
            if hour in ledger:
                ledger[hour] = landed
        elif hour < self.first:
            arrivals.skipped.append(f"{key} lies before the first partition: {landed.files} files are left alone")
        elif hour >= floor_hour(now):
            arrivals.skipped.append(f"{key} is not over yet: {landed.files} files wait")
            arrivals.waiting.add(hour)
        elif len(arrivals.requests) == MOST_RUNS_A_TICK:
            arrivals.skipped.append(f"{key} waits for the next tick: {MOST_RUNS_A_TICK} runs are enough for one")
            arrivals.waiting.add(hour)
        else:
            arrivals.requests.append(_request(self.workflow, key, landed))
            arrivals.events.append(self._event(hour, landed))
            ledger[hour] = landed

    def _event(self, hour: datetime, landed: Landed) -> dg.AssetMaterialization:
        """Tells Dagster that files are there: nobody runs `landing` where they are dropped by others."""
        folder = self.lake.address(self.lake.landing_folder(self.workflow, hour))
        return dg.AssetMaterialization(
            dg.AssetKey([self.workflow, "landing"]),
            partition=key_of(hour),
            description="seen by the landing sensor",
            metadata={"files": landed.files, "bytes": landed.bytes, "dagster/uri": folder},
        )


def _request(workflow: str, key: str, landed: Landed) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{workflow}:{key}:{landed.digest}",
        partition_key=key,
        tags={"socialnlp/hour": f"{workflow}:{key}", "socialnlp/landed": landed.digest},
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
        area = LandingArea(lake, workflow.name, first, lookback_hours)
        lake.delete(cursor.moved)  # their hours are in the cursor that this tick was given
        moved = area.moved_files(now)
        named: Collection[datetime] | None = None
        receipts: list[str] = []
        if queue:
            queue.delete(cursor.receipts)  # what they said is in the cursor that this tick was given
            told, receipts = queue.receive(context.log.warning)
            named = told | set(cursor.waiting)
        found = area.look(cursor, now, named, moved.values())
        requests = []
        for request in found.requests:
            if wanted := unless_run(context.instance, request):
                requests.append(wanted)
            else:
                found.skipped.append(f"{request.partition_key} has run with just these files")
        asked = {request.partition_key for request in requests}
        for reason in found.skipped:
            context.log.info(reason)
        cursor.waiting, cursor.receipts = sorted(found.waiting)[:MOST_WAITING], receipts
        cursor.moved = [path for path, hour in moved.items() if hour not in found.waiting]
        return dg.SensorResult(
            run_requests=requests or None,
            asset_events=[event for event in found.events if event.partition in asked],
            skip_reason=None if requests else dg.SkipReason(found.message()),
            cursor=cursor.write(),
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
