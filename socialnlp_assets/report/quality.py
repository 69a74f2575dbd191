"""What is on record of how a period's hours ran: rows that were dropped or held back, and what endpoints cost.

Dagster has it, not the mart: it is in the metadata of each step's materialisation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import dagster as dg

from socialnlp_assets.assets.usage import usages_of
from socialnlp_assets.partitions import KEY_FORMAT
from socialnlp_assets.report.figures import Period

COUNTS = ("rows_in", "rows_dropped", "rows_quarantined")


@dataclass
class Quality:
    """By step, the sums of `COUNTS`; by model, texts and estimated cost in USD."""

    steps: dict[str, dict[str, int]] = field(default_factory=dict)
    models: dict[str, tuple[int, float]] = field(default_factory=dict)

    @property
    def cost_usd(self) -> float:
        return sum(cost for _, cost in self.models.values())


def quality_of(instance: dg.DagsterInstance, workflow: str, steps: Sequence[str], period: Period) -> Quality:
    """What the last run of each hour of `period` has on record, in the order of `steps`."""
    hours = int(period.length / timedelta(hours=1))
    keys = [f"{period.first + timedelta(hours=number):{KEY_FORMAT}}" for number in range(hours)]
    found = Quality()
    for step in steps:
        records = instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey([workflow, step]), asset_partitions=keys), limit=10 * hours
        ).records
        latest = {record.partition_key: record.asset_materialization for record in reversed(records)}
        _add(found, step, (each for each in latest.values() if each))
    return found


def _add(found: Quality, step: str, materializations: Iterable[dg.AssetMaterialization]) -> None:
    for each in materializations:
        counts = found.steps.setdefault(step, dict.fromkeys(COUNTS, 0))
        for name in COUNTS:
            value = each.metadata[name].value if name in each.metadata else 0
            counts[name] += value if isinstance(value, int) else 0
        for usage in usages_of(each):
            texts, cost = found.models.get(usage.model, (0, 0.0))
            found.models[usage.model] = (texts + usage.texts, cost + usage.cost_usd)
