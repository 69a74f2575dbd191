"""What a run used of its endpoints, by step, read back from what its steps have put on record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from socialnlp_assets.resources.endpoints.metering import COUNTS, Usage

FIRST = ("model", "holder", "cost_usd", "endpoint_seconds")  # what is seen without scrolling
COLUMNS = (*FIRST, *(name for name in COUNTS if name not in FIRST))


def usages_of(materialization: dg.AssetMaterialization) -> list[Usage]:
    """The use of each model that a step tells in its metadata; the step is the holder."""
    counts: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, value in materialization.metadata.items():
        match name.split("/"):
            case ["endpoint", model, count] if count in COUNTS:
                counts[model][count] = value.value
    return [Usage(model, materialization.asset_key.path[-1], **found) for model, found in counts.items()]


def usages_of_run(instance: dg.DagsterInstance, run: str) -> list[Usage]:
    """The use of endpoints by every step of `run` that has published its hour so far."""
    records = instance.get_records_for_run(run, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
    found = (record.event_log_entry.asset_materialization for record in records)
    return [usage for materialization in found if materialization for usage in usages_of(materialization)]


def as_metadata(usages: Iterable[Usage]) -> Mapping[str, dg.MetadataValue[Any]]:
    """A table for Dagster's UI, a line each model and step, and the estimated cost of all; nothing for no use."""
    rows = [dg.TableRecord({name: getattr(usage, name) for name in COLUMNS}) for usage in usages]
    if not rows:
        return {}
    types = {"model": "string", "holder": "string"}
    schema = dg.TableSchema([dg.TableColumn(name, types.get(name, "float")) for name in COLUMNS])
    cost = sum(float(row.data["cost_usd"] or 0) for row in rows)
    return {
        "run/endpoints": dg.MetadataValue.table(rows, schema),
        "run/cost_usd": dg.MetadataValue.float(round(cost, 6)),
    }
