"""The sensor `alerts`: tells each channel what is wrong now, again while it lasts, and when it is over."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, datetime

import dagster as dg

from socialnlp_assets.alerts import Alerts, Memory, Trouble, tell
from socialnlp_assets.alerts.channels import ChannelError
from socialnlp_assets.resources.endpoints.backend import EndpointError
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.resources.leases.store import StoreError
from socialnlp_assets.sensors.troubles import KINDS, Look
from socialnlp_assets.workflow import Workflow

ALERT_SECONDS = 60


def alerts_sensor(workflows: Collection[Workflow], budget: float | None) -> dg.SensorDefinition:
    """What each channel was told is in its cursor; one that fails is told by a later tick. `budget`: USD a day."""

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=ALERT_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells of failures, cancellations, late hours, drift, endpoints that stay, and money.",
    )
    def sensor(context: dg.SensorEvaluationContext, alerts: Alerts, endpoints: Endpoints) -> dg.SensorResult:
        look = Look(context.instance, endpoints, workflows, budget, datetime.now(UTC))
        stored: dict[str, str] = json.loads(context.cursor) if context.cursor else {}
        memories = {name: Memory.read(stored.get(name)) for name in alerts.channels}
        found: dict[str, list[Trouble]] = {}
        problems: list[str] = []
        for kind in KINDS:
            try:
                found[kind] = look.find(kind)
            except (EndpointError, StoreError) as error:  # what cannot be seen is neither there nor over
                problems.append(f"{kind}: {error}")
        told = {(kind, about) for memory in memories.values() for kind, of in memory.told.items() for about in of}
        mended = look.being_mended(told)
        for name, memory in memories.items():
            try:
                tell(alerts.channel(name), found, memory, look.now, mended)
            except ChannelError as error:
                problems.append(f"{name}: {error}")
        for problem in problems:
            context.log.warning(problem)
        count = sum(map(len, found.values()))
        why = "; ".join([f"{count} troubles", *problems])
        cursor = json.dumps({name: memory.write() for name, memory in memories.items()}, ensure_ascii=False)
        return dg.SensorResult(skip_reason=why, cursor=cursor)

    return sensor
