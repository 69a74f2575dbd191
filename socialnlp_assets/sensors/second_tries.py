"""Hours that failed because an endpoint or a source was down are asked for again: a few times, in growing pauses.
So are those that met a new version whose model fails, and that was rolled back.

What failed for a reason of its own would fail again, and is for people (`hours_inventory`); so is what somebody has
cancelled. Pulls have their own policy: their schedule asks for what was missed. Runs whose process died are retried by
Dagster itself, at once; those that were ended because Dagster itself had died, as soon as it is back.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from socialnlp_assets.assets.inventory import LANDING, Lack, WaitingHour, failed_hours
from socialnlp_assets.resources.caller import SourceUnavailable
from socialnlp_assets.resources.endpoints import backend
from socialnlp_assets.workflow import Workflow

MOST_TRIES = 5
FIRST_PAUSE = timedelta(minutes=5)  # after a failure; each further pause is twice as long: 5, 10, 20, 40, 80 minutes
MOST_RUNS_A_TICK = 48
TRIES_SECONDS = 60
TRY_TAG = "socialnlp/try"  # how often the hour was asked for again
ENDED_TAG = "socialnlp/ended_with"  # of a run that was ended because what runs it had ended, and nobody wished so
KEPT_TAGS = ("dagster/backfill", "dagster/priority")  # and all of ours: the next try is in the same backfill

DOWN = {
    error.__name__
    for error in (
        backend.EndpointBusy,
        backend.NoCapacity,
        backend.EndpointFailed,
        backend.RolledBack,
        backend.Throttled,
        backend.EndpointGone,
        backend.NotReady,
        backend.InvocationTimeout,
        SourceUnavailable,
        ConnectionError,
        ConnectionRefusedError,
        ConnectionResetError,
        TimeoutError,
    )
} | {"EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError"}  # botocore's


def second_tries_sensor(workflow: Workflow) -> dg.SensorDefinition:
    """The sensor `<workflow>_second_tries`, which runs the lacking assets of such hours."""
    assets = {workflow.name: workflow.assets()}

    @dg.sensor(
        name=f"{workflow.name}_second_tries",
        job_name=workflow.name,
        minimum_interval_seconds=TRIES_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Asks again for hours that failed because an endpoint or a source was down, {MOST_TRIES} times.",
    )
    def again(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = datetime.now(UTC)
        # No failure waits longer than for the longest pause, so older ones need not be looked at.
        failed = failed_hours(context.instance, assets, since=now - pause(MOST_TRIES) - timedelta(hours=1))
        asked = {f"{hour.workflow} {hour.hour}": request(context.instance, hour, now) for hour in failed}
        told = [f"{hour} {why}" for hour, why in asked.items() if isinstance(why, str)]
        requests = [each for each in asked.values() if isinstance(each, dg.RunRequest)][:MOST_RUNS_A_TICK]
        why = "; ".join(told) or "no hour failed because something was down"
        return dg.SensorResult(run_requests=requests or None, skip_reason=None if requests else why)

    return again


def pause(tries: int) -> timedelta:
    """From a failure to the next try, of which there were so many."""
    return FIRST_PAUSE * 2.0**tries


def request(instance: dg.DagsterInstance, hour: WaitingHour, now: datetime) -> dg.RunRequest | str:
    """The run to ask for; or, in words, why there is none now."""
    (record,) = instance.get_run_records(dg.RunsFilter(run_ids=[hour.run]))
    run = record.dagster_run
    tags = {name: value for name, value in run.tags.items() if name.startswith("socialnlp/") or name in KEPT_TAGS}
    tries = int(tags.get(TRY_TAG, 0))
    if tries >= MOST_TRIES:
        return f"failed {tries + 1} times"
    if not tags.pop(ENDED_TAG, ""):
        due = datetime.fromtimestamp(record.end_time or now.timestamp(), UTC) + pause(tries)
        if hour.lack is not Lack.FAILED or LANDING in hour.assets:
            return "is asked for by others"
        if not was_down(instance, hour.run):
            return "failed for a reason of its own"
        if now < due:
            return f"is asked for again at {due:%H:%M}"
    return dg.RunRequest(
        run_key=f"{hour.run} again",
        job_name=hour.workflow,
        partition_key=hour.hour,
        asset_selection=[dg.AssetKey([hour.workflow, asset]) for asset in hour.assets],
        tags={"socialnlp/hour": f"{hour.workflow}:{hour.hour}", **tags, TRY_TAG: str(tries + 1)},
    )


def was_down(instance: dg.DagsterInstance, run: str) -> bool:
    """Whether every step of the run that failed did so because something that it asked was down."""
    records = instance.get_records_for_run(run, of_type=dg.DagsterEventType.STEP_FAILURE).records
    errors = []
    for record in records:
        event = record.event_log_entry.dagster_event
        if event and event.step_failure_data.error:
            errors.append(event.step_failure_data.error)
    return bool(errors) and all(DOWN & set(_names(error)) for error in errors)


def _names(error: Any) -> Iterator[str]:
    """The classes of an error, of what caused it, and so on."""
    while error:
        yield error.cls_name or ""
        error = error.cause or error.context
