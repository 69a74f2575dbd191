"""Landing arrivals, the endpoint reaper, and alerts on failure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from socialnlp_assets.sensors.endpoint_reaper import endpoint_reaper, run_end_hooks
from socialnlp_assets.sensors.landing import landing_sensor
from socialnlp_assets.settings import Settings
from socialnlp_assets.workflow import Workflow


def build_sensors(
    settings: Settings,
    workflows: Mapping[str, Workflow],
    jobs: Mapping[str, Any],
    partitions: dg.HourlyPartitionsDefinition,
) -> list[dg.SensorDefinition]:
    """Every sensor of the code location."""
    arrivals = [
        landing_sensor(workflow, jobs[name], partitions, settings.landing_lookback_hours)
        for name, workflow in workflows.items()
    ]
    return [*arrivals, endpoint_reaper(), *run_end_hooks()]
