"""The reaper in Dagster: a sensor for what nobody needs, and hooks for runs that have ended.

Neither is needed for safety: leases expire, local servers end themselves, and `socialnlp endpoints reap`
does the same from cron when the daemon is down. They make removal prompt.
"""

from __future__ import annotations

import dagster as dg
from dagster import DagsterRunStatus as Status

from socialnlp_assets.resources.endpoints.reaper import Removal
from socialnlp_assets.resources.endpoints.resource import Endpoints

REAPER_SECONDS = 30


def endpoint_reaper() -> dg.SensorDefinition:
    """Removes endpoints that nobody holds, that are past their deadline, or that no record knows."""

    @dg.sensor(
        name="endpoint_reaper",
        description="Removes endpoints that nobody needs; starts no run.",
        minimum_interval_seconds=REAPER_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def sensor(context: dg.SensorEvaluationContext, endpoints: Endpoints) -> dg.SkipReason:
        return dg.SkipReason(_report(context, endpoints.reap()))

    return sensor


def run_end_hooks() -> list[dg.SensorDefinition]:
    """Release what a run that has ended still holds, because its process died without doing so, or has announced
    and never leased."""
    return [
        _after("failure", Status.FAILURE),
        _after("cancellation", Status.CANCELED),
        _after("success", Status.SUCCESS),
    ]


def _after(what: str, status: Status) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        run_status=status,
        name=f"endpoints_after_{what}",
        description=f"Releases what a run holds or has announced, after its {what}.",
        minimum_interval_seconds=REAPER_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def hook(context: dg.RunStatusSensorContext, endpoints: Endpoints) -> None:
        endpoints.release_run(context.dagster_run.run_id)
        _report(context, endpoints.reap())

    return hook


def _report(context: dg.SensorEvaluationContext | dg.RunStatusSensorContext, removals: list[Removal]) -> str:
    """Log it and return it. Raises `dg.Failure`, which shows the tick as failed, where something was not removed."""
    report = "; ".join(map(str, removals)) or "every endpoint is held or warm"
    if any(removal.error for removal in removals):
        raise dg.Failure(report)
    context.log.info(report)
    return report
