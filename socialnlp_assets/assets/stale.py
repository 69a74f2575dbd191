"""Hours that an older version of a model made, and what it would cost to make them anew.

What made an hour is in its files (`made_by.py`): no other record has to agree with them. An hour of before versions
were written down counts as old.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from socialnlp_assets.assets.made_by import versions_of
from socialnlp_assets.assets.step import Step
from socialnlp_assets.assets.usage import usages_of
from socialnlp_assets.partitions import hour_in_path, key_of
from socialnlp_assets.resources.lake import Lake


@dataclass(frozen=True)
class StaleHour:
    """An hour of a workflow, and what has to be computed again, in data order."""

    workflow: str
    hour: str  # partition key
    models: Mapping[str, tuple[str, str]]  # model → version that made it, version in service
    assets: tuple[str, ...]


def stale_hours(
    lake: Lake, workflow: str, steps: Sequence[Step], version: Callable[[str], str], since: datetime
) -> Iterator[StaleHour]:
    """The hours from `since` on that a version other than the one in service made. `steps` are all of the workflow, in
    data order; `version` gives the label of a model's version in service."""
    now = {model: version(model) for step in steps for model in step.models()}
    old: dict[datetime, dict[str, dict[str, tuple[str, str]]]] = {}  # hour → step → model → versions
    for step in steps:
        for file in lake.objects(f"{workflow}/{step.name}") if step.models() else ():
            hour = hour_in_path(file.path)
            if hour is None or hour < since:
                continue
            made = versions_of(lake.read_schema(file.path))
            models = {m: (made.get(m, "unknown"), now[m]) for m in step.models() if made.get(m, "") != now[m]}
            if asked := {m: pair for m, pair in models.items() if m in made or not made}:
                old.setdefault(hour, {})[step.name] = asked
    for hour, by_step in sorted(old.items()):
        models = {model: pair for found in by_step.values() for model, pair in found.items()}
        yield StaleHour(workflow, key_of(hour), models, tuple(following(steps, set(by_step))))


def following(steps: Sequence[Step], changed: set[str]) -> Iterator[str]:
    """The assets that change with those of `changed`, in data order."""
    for step in steps:
        if step.name in changed or changed & set(step.inputs()):
            changed.add(step.name)
            yield step.name


def cost_of(instance: dg.DagsterInstance, hour: StaleHour) -> float:
    """What those assets of the hour have cost the last time, USD."""
    cost = 0.0
    for asset in hour.assets:
        wanted = dg.AssetRecordsFilter(dg.AssetKey([hour.workflow, asset]), asset_partitions=[hour.hour])
        for record in instance.fetch_materializations(wanted, 1).records:
            materialization = record.asset_materialization
            cost += sum(usage.cost_usd for usage in usages_of(materialization)) if materialization else 0
    return cost
