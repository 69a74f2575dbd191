"""The reaper in Dagster: a sensor for what nobody needs, and hooks for runs that ended badly.

Neither is needed for safety: leases expire, local servers end themselves, and `socialnlp endpoints reap`
does the same from cron when the daemon is down. They make removal prompt.
"""

from __future__ import annotations

import dagster as dg

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
    def sensor(context: dg.SensorEvaluationContext, endpoints: dg.ResourceParam[Endpoints]) -> dg.SkipReason:
        report = _report(endpoints.reap())
        context.log.info(report)
        return dg.SkipReason(report)

    return sensor


def run_end_hooks() -> list[dg.SensorDefinition]:
    """Release what a failed or cancelled run still holds: its process may have died without doing so."""

    @dg.run_failure_sensor(
        name="endpoints_after_failure",
        description="Releases the endpoints of a failed run.",
        minimum_interval_seconds=REAPER_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def after_failure(context: dg.RunFailureSensorContext, endpoints: dg.ResourceParam[Endpoints]) -> None:
        _release(context, endpoints)

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.CANCELED,
        name="endpoints_after_cancellation",
        description="Releases the endpoints of a cancelled run.",
        minimum_interval_seconds=REAPER_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def after_cancellation(context: dg.RunStatusSensorContext, endpoints: dg.ResourceParam[Endpoints]) -> None:
        _release(context, endpoints)

    return [after_failure, after_cancellation]


def _release(context: dg.RunStatusSensorContext, endpoints: Endpoints) -> None:
    endpoints.release_run(context.dagster_run.run_id)
    context.log.info(_report(endpoints.reap()))


def _report(removals: list[Removal]) -> str:
    if not removals:
        return "every endpoint is held or warm"
    return "; ".join(f"{'removed' if r.gone else 'removing'} {r.endpoint}: {r.reason}" for r in removals)
