"""What Dagster's UI shows of an asset: columns, lineage, counts and a small preview."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg
import pyarrow as pa

from socialnlp_assets import markdown
from socialnlp_assets.assets.step import Step
from socialnlp_assets.checks import Accounts
from socialnlp_assets.schemas import Column, Schema

PREVIEW_ROWS, PREVIEW_CHARACTERS = 3, 200
REASONS, REASON_CHARACTERS = 5, 300
FAILURE_ROWS = 50  # reasons that a failed step tells: nowhere else are there more


def description(step: Step) -> str:
    """What a step's asset is, and what it is made of."""
    read = {source for name, sources in step.lineage().items() if name != step.table().key for source in sources}
    made = [f"from `{column}` of `{asset}`" for asset, column in read] if len(read) == 1 else []
    if models := [f"`{model}`" for model in step.models()]:
        made.append(f"by the model{'s' if len(models) > 1 else ''} {', '.join(models)}")
    return "\n\n".join([step.description(), *([f"Made {' '.join(made)}."] if made else [])])


def of_definition(
    workflow: str, asset: str, schema: Schema, lineage: Mapping[str, Sequence[tuple[str, str]]]
) -> dict[str, Any]:
    """Column schema and column lineage; every asset's key derives from the key of the step before."""
    columns = [
        dg.TableColumn(
            c.name,
            str(c.type),
            description=c.meaning,
            constraints=dg.TableColumnConstraints(nullable=not c.required, unique=c.name == schema.key),
        )
        for c in schema.columns
    ]
    deps = {
        column: [dg.TableColumnDep(dg.AssetKey([workflow, source]), name) for source, name in sources]
        for column, sources in lineage.items()
    }
    found: dict[str, Any] = {
        "dagster/column_schema": dg.TableSchema(columns),
        "dagster/table_name": f"{workflow}.{asset}",
    }
    return found | ({"dagster/column_lineage": dg.TableColumnLineage(deps)} if deps else {})


def of_hour(table: pa.Table, accounts: Accounts, address: str, size: int, seconds: float) -> dict[str, Any]:
    """Counts, place, time and a preview of what was published."""
    return {
        "dagster/partition_row_count": table.num_rows,
        "dagster/uri": address,
        "rows_in": accounts.rows_in,
        "rows_out": accounts.rows_out,
        "rows_dropped": accounts.rows_dropped,
        "rows_quarantined": accounts.quarantined,
        "dropped": dg.MetadataValue.json(dict(sorted(accounts.dropped.items()))),
        "bytes": size,
        "seconds": round(seconds, 3),
        "preview": dg.MetadataValue.md(preview(table)),
    }


def of_labels(table: pa.Table, columns: Iterable[Column]) -> dict[str, float]:
    """The share of the rows that have each label: of columns whose values are a closed set, and of those that are true
    or false. Dagster plots them hour by hour, as every number."""
    found: dict[str, float] = {}
    for column in columns if table.num_rows else ():
        if column.values or (column.required and pa.types.is_boolean(column.type)):
            counts = Counter(table[column.name].to_pylist())
            shares = {value: round(counts[value] / table.num_rows, 4) for value in column.values or (True,)}
            found |= {f"share/{column.name}" + (f"/{v}" if v is not True else ""): share for v, share in shares.items()}
    return found


def of_quarantine(address: str, reasons: Sequence[str]) -> dict[str, Any]:
    """Where the records lie that a step could not take, and why, for as many as a glance takes in."""
    if not reasons:
        return {}
    lines = _lines(reasons, REASONS, "`socialnlp quarantine list`")
    return {"quarantine": dg.MetadataValue.path(address), "quarantined": dg.MetadataValue.md(lines)}


def of_failure(reasons: Sequence[str]) -> dict[str, Any]:
    """Why a step that failed could not take records, which are in no quarantine: they are where it read them."""
    if not reasons:
        return {}
    lines = _lines(reasons, FAILURE_ROWS, "run the hour again when these are mended")
    return {"rows_not_taken": len(reasons), "not_taken": dg.MetadataValue.md(lines)}


def _lines(reasons: Sequence[str], most: int, where_more: str) -> str:
    lines = [f"- {markdown.plain(reason, REASON_CHARACTERS)}" for reason in reasons[:most]]
    if len(reasons) > most:
        lines.append(f"- and {len(reasons) - most} more: {where_more}")
    return "\n".join(lines)


def preview(table: pa.Table) -> str:
    """The first rows as a Markdown table that shows what people wrote, and nothing that they meant a browser to do. A
    line is a column, for hours have up to sixty of them, and few rows say what they are like."""
    rows = table.slice(0, PREVIEW_ROWS).to_pylist()
    lines = [[name, *(row[name] for row in rows)] for name in table.column_names]
    return markdown.table(["column", *(f"row {n + 1}" for n in range(len(rows)))], lines, PREVIEW_CHARACTERS)
