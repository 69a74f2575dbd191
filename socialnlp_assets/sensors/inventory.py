"""The inventory in Dagster's UI: the asset `hours`, whose table says which hours wait for somebody.

A sensor reports it, without a run, whenever it has changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2b

import dagster as dg

from socialnlp_assets.assets.inventory import as_metadata, waiting_hours
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.workflow import Workflow

INVENTORY_SECONDS = 300
HOURS = dg.AssetSpec(
    "hours",
    group_name="installation",
    kinds={"table"},
    description="The hours that failed, were cancelled, are incomplete or never ran, of all workflows: since when, "
    "why, and the command that runs each again. Nothing else asks for them.",
)


def hours_inventory(workflows: Iterable[Workflow], first: datetime) -> dg.SensorDefinition:
    """Reports the asset `hours` when another hour waits, or one no longer does. `first` is that of the partitions."""
    assets = {workflow.name: workflow.assets() for workflow in workflows}

    @dg.sensor(
        name="hours_inventory",
        minimum_interval_seconds=INVENTORY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Keeps the table of the asset `hours`; starts no run.",
    )
    def inventory(context: dg.SensorEvaluationContext, lake: Lake) -> dg.SensorResult:
        waiting = waiting_hours(context.instance, lake, assets, first, datetime.now(UTC))
        seen = blake2b(repr(waiting).encode(), digest_size=8).hexdigest()
        told = [] if seen == context.cursor else [dg.AssetMaterialization(HOURS.key, metadata=as_metadata(waiting))]
        return dg.SensorResult(asset_events=told, skip_reason=f"{len(waiting)} hours wait", cursor=seen)

    return inventory
