"""Hours of runs that have ended are given back: at once, where a lease would have kept others waiting.

Needed by other installations that share the lake: within one, whoever waits sees that the run has ended. A run of
single steps ends without its `output`, so this hangs on the run's end and not on a step.
"""

from __future__ import annotations

import dagster as dg
from dagster import DagsterRunStatus as Status

from socialnlp_assets.resources.hours import release_hour
from socialnlp_assets.resources.lake import Lake

RELEASE_SECONDS = 30


def hour_releases() -> list[dg.SensorDefinition]:
    """One a way for a run to end."""
    return [
        _after("failure", Status.FAILURE),
        _after("cancellation", Status.CANCELED),
        _after("success", Status.SUCCESS),
    ]


def _after(what: str, status: Status) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        run_status=status,
        name=f"hour_after_{what}",
        description=f"Gives a run's hour back after its {what}.",
        minimum_interval_seconds=RELEASE_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def hook(context: dg.RunStatusSensorContext, lake: Lake) -> None:
        release_hour(lake, context.dagster_run)

    return hook
