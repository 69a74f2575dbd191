"""What a run used of its endpoints, by step: put on record with each step's materialisation, and read back from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from socialnlp_assets.resources.endpoints.metering import COUNTS, Usage

FIRST = ("model", "holder", "cost_usd", "endpoint_seconds")  # what is seen without scrolling
COLUMNS = (*FIRST, *(name for name in COUNTS if name not in FIRST))
SCHEMA = dg.TableSchema(
    [dg.TableColumn(name, "string" if name in ("model", "holder") else "float") for name in COLUMNS]
)
OF_STEP = "endpoints"  # the entry in a step's metadata


def of_step(usages: Iterable[Usage]) -> Mapping[str, dg.MetadataValue[Any]]:
    """Metadata of a step: a table with a line for each model that it used, and what they cost; nothing for no use."""
    usages = list(usages)
    return {"cost_usd": _cost(usages), OF_STEP: _table(usages)} if usages else {}


def of_run(usages: Iterable[Usage]) -> Mapping[str, dg.MetadataValue[Any]]:
    """Metadata of a run's last step: a table with a line for each model and step, and the estimated cost of all;
    nothing for no use."""
    usages = list(usages)
    return {"run/endpoints": _table(usages), "run/cost_usd": _cost(usages)} if usages else {}


def _cost(usages: Iterable[Usage]) -> dg.FloatMetadataValue:
    """USD; a number of its own, which Dagster plots."""
    return dg.MetadataValue.float(round(sum((usage.cost_usd for usage in usages), start=0.0), 6))


def _table(usages: Iterable[Usage]) -> dg.TableMetadataValue:
    records = [usage.as_record() for usage in usages]
    rows = [dg.TableRecord({name: record[name] for name in COLUMNS}) for record in records]
    return dg.MetadataValue.table(rows, SCHEMA)


def usages_of(materialization: dg.AssetMaterialization) -> list[Usage]:
    """The use of each model that a step has put on record."""
    table = materialization.metadata.get(OF_STEP)
    if not isinstance(table, dg.TableMetadataValue):
        return []
    return [Usage.of_record(record.data) for record in table.records]


def usages_of_run(instance: dg.DagsterInstance, run: str) -> list[Usage]:
    """The use of endpoints by every step of `run` that has published its hour so far."""
    records = instance.get_records_for_run(run, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
    found = (record.event_log_entry.asset_materialization for record in records)
    return [usage for materialization in found if materialization for usage in usages_of(materialization)]
