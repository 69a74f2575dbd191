"""The landing sensor: one a workflow; it requests one run for each hour in which something new has landed.

It compares what lies in the landing area with a ledger of (key, entity tag) in its cursor. A late or rewritten
file re-runs its hour, a repeat does nothing, a deletion does nothing (retention removes old files), and
every skip says why. The ledger covers the lookback window and so stays bounded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import dagster as dg

from socialnlp_assets.partitions import HOUR, floor_hour, hour_in_path, key_of
from socialnlp_assets.resources.lake import Lake, LandedFile, is_message_file
from socialnlp_assets.workflow import Workflow

MOST_RUNS_A_TICK = 48
SENSOR_SECONDS = 30

FAILED = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.CANCELING)

Ledger = dict[str, set[str]]  # partition key → fingerprints of the files seen


def fingerprint(file: LandedFile) -> str:
    """Short and stable: the ledger and the tags keep it instead of keys of any length."""
    return blake2b(f"{file.path}\\0{file.etag}".encode(), digest_size=6).hexdigest()


def digest(files: Mapping[str, LandedFile] | set[str]) -> str:
    """One value for all that has landed in an hour."""
    return blake2b("\\n".join(sorted(files)).encode(), digest_size=8).hexdigest()


@dataclass
class Arrivals:
    """What one look at the landing area found."""

    ledger: Ledger
    requests: list[dg.RunRequest] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def message(self) -> str:
        return "; ".join(self.skipped) or "nothing new has landed"


def landed_hours(lake: Lake, workflow: str, since: datetime, now: datetime) -> Iterator[tuple[datetime, LandedFile]]:
    """Every landed file of the window with its hour; one listing a day, not one an hour."""
    day = since.replace(hour=0)
    while day <= now:
        for file in lake.objects(f"landing/{workflow}/date={day:%Y-%m-%d}"):
            hour = hour_in_path(file.path)
            if hour is not None and hour >= since and is_message_file(file.path):
                yield hour, file
        day += timedelta(days=1)


def look(
    lake: Lake,
    workflow: Workflow,
    partitions: dg.HourlyPartitionsDefinition,
    ledger: Ledger,
    lookback: int,
    now: datetime,
) -> Arrivals:
    """Compare the landing area with `ledger`; a run request for each hour that has something new."""
    since = floor_hour(now) - lookback * HOUR
    present: dict[str, dict[str, LandedFile]] = {}
    for hour, file in landed_hours(lake, workflow.name, since, now):
        present.setdefault(key_of(hour), {})[fingerprint(file)] = file
    arrivals = Arrivals({key: seen for key, seen in ledger.items() if key >= key_of(since)})
    known = set(partitions.get_partition_keys(current_time=now)[-lookback - 1 :])
    for key, files in sorted(present.items()):
        new = files.keys() - arrivals.ledger.get(key, set())
        if not new:
            continue
        if key not in known:
            reason = "is not over yet" if key >= key_of(floor_hour(now)) else "lies before the first partition"
            arrivals.skipped.append(f"{key} {reason}: {len(files)} files wait")
        elif len(arrivals.requests) == MOST_RUNS_A_TICK:
            arrivals.skipped.append(f"{key} waits for the next tick: {MOST_RUNS_A_TICK} runs are enough for one")
        else:
            arrivals.requests.append(_request(workflow, key, set(files), len(new)))
            arrivals.ledger[key] = set(files)
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


def landing_sensor(
    workflow: Workflow, job: dg.JobDefinition | str, partitions: dg.HourlyPartitionsDefinition, lookback_hours: int
) -> dg.SensorDefinition:
    """The sensor `<workflow>_landing`, which runs the workflow's job."""

    @dg.sensor(
        name=f"{workflow.name}_landing",
        job_name=job if isinstance(job, str) else job.name,
        minimum_interval_seconds=SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Runs an hour of {workflow.name} when files arrive at landing/{workflow.name}/.",
    )
    def arrivals(context: dg.SensorEvaluationContext, lake: Lake) -> dg.SensorResult:
        found = look(
            lake,
            workflow,
            partitions,
            read_cursor(context.cursor),
            lookback_hours,
            datetime.now(UTC),
        )
        requests = [request for request in found.requests if not has_run(context.instance, request)]
        found.skipped += [
            f"{r.partition_key} has run with just these files" for r in found.requests if r not in requests
        ]
        for reason in found.skipped:
            context.log.info(reason)
        return dg.SensorResult(
            run_requests=requests or None,
            skip_reason=None if requests else dg.SkipReason(found.message()),
            cursor=write_cursor(found.ledger),
        )

    return arrivals


def has_run(instance: dg.DagsterInstance, request: dg.RunRequest) -> bool:
    """True when a run of just these files is there and has not failed, whoever asked for it. So a cursor that
    is lost or reset runs nothing twice."""
    tags = {name: request.tags[name] for name in ("socialnlp/hour", "socialnlp/landed")}
    alive = [status for status in dg.DagsterRunStatus if status not in FAILED]
    return bool(instance.get_run_records(dg.RunsFilter(tags=tags, statuses=alive), limit=1))


def read_cursor(cursor: str | None) -> Ledger:
    return {key: set(seen) for key, seen in json.loads(cursor).items()} if cursor else {}


def write_cursor(ledger: Ledger) -> str:
    return json.dumps({key: sorted(seen) for key, seen in sorted(ledger.items())}, separators=(",", ":"))
