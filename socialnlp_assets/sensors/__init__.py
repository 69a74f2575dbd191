"""What runs without being asked: hours whose files have arrived, second tries of those for which something was down,
the removal of endpoints that nobody needs, and the inventory of hours that wait."""

from __future__ import annotations

import dagster as dg

from socialnlp_assets.sensors.alerts import alerts_sensor
from socialnlp_assets.sensors.approvals import approvals
from socialnlp_assets.sensors.arrivals import landing_sensor
from socialnlp_assets.sensors.endpoint_reaper import endpoint_reaper, run_end_hooks
from socialnlp_assets.sensors.hour_releases import hour_releases
from socialnlp_assets.sensors.inventory import HOURS, hours_inventory
from socialnlp_assets.sensors.labels import changed_models, labels_arrived
from socialnlp_assets.sensors.queue import LandingQueue
from socialnlp_assets.sensors.second_tries import second_tries_sensor
from socialnlp_assets.settings import Settings
from socialnlp_assets.workflow import Workflow

__all__ = [
    "HOURS",
    "alerts_sensor",
    "approvals",
    "changed_models",
    "endpoint_reaper",
    "hour_releases",
    "hours_inventory",
    "labels_arrived",
    "run_end_hooks",
    "workflow_sensors",
]


def workflow_sensors(settings: Settings, workflow: Workflow) -> list[dg.SensorDefinition]:
    """Those that run the hours of a workflow."""
    queue = _queue(settings, workflow)
    arrivals = landing_sensor(workflow, settings.start, settings.landing_lookback_hours, queue)
    return [arrivals, second_tries_sensor(workflow)]


def _queue(settings: Settings, workflow: Workflow) -> LandingQueue | None:
    if not settings.landing_queue:
        return None
    url = settings.landing_queue.replace("{workflow}", workflow.name)
    return LandingQueue(url, settings.aws_region, settings.aws_endpoint_url)
