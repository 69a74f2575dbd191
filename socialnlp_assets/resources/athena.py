"""The output in Athena: Glue's definitions of its tables and its view, made from the schemas.

Partition projection: Athena works partitions out from the query instead of looking them up, so no crawler
runs and a new hour is there the moment it is written. No list of the values of `social` and `topic_id` is known
beforehand, so a query names those it wants (``injected``), as the folders spell them: the table of generations has
the list.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.output_table import FILE_COLUMNS, LEDGER_COLUMNS
from socialnlp_assets.resources.output_view import select_sql
from socialnlp_assets.schemas import Column, Schema
from socialnlp_assets.settings import Settings

# Columns that the path holds; in the files they would be told twice.
PARTITIONS = {"social": "string", "topic_id": "string", "date": "date", "hour": "string"}
TIME = {"date": "date", "hour": "string"}  # of the ledgers: one an hour
_TYPES = {pa.string(): "string", pa.int64(): "bigint", pa.float64(): "double", pa.bool_(): "boolean"}


def hive_type(kind: pa.DataType) -> str:
    """Arrow's type as Athena spells it. Raises ValueError for one that the platform does not use."""
    if pa.types.is_timestamp(kind):
        return "timestamp"
    if pa.types.is_list(kind):
        return f"array<{hive_type(kind.value_type)}>"
    try:
        return _TYPES[kind]
    except KeyError:
        raise ValueError(f"no Athena type for {kind}; add it to athena._TYPES") from None


def tables(workflow: str, schema: Schema, lake: Lake, database: str, start: datetime) -> list[dict[str, Any]]:
    """``TableInput``s of Glue's CreateTable for the output of `workflow`, in the order to make them: its files, its
    generations, and the view, called as the workflow, that joins them."""
    columns = _columns(column for column in (*schema.columns, *FILE_COLUMNS) if column.name not in PARTITIONS)
    files, ledgers = lake.address(f"output/{workflow}"), lake.address(f"{workflow}/output")
    what = f"Output of the workflow {workflow}, a row a message and topic"
    return [
        _table(f"{workflow}_files", f"{what}; read it through {workflow}", columns, PARTITIONS, files, start),
        _table(
            f"{workflow}_generations",
            f"Which files of {workflow} count",
            _columns(LEDGER_COLUMNS),
            TIME,
            ledgers,
            start,
        ),
        _view(workflow, what, [*columns, *_keys(PARTITIONS)], database),
    ]


def _columns(columns: Iterable[Column]) -> list[dict[str, str]]:
    return [{"Name": c.name, "Type": hive_type(c.type), "Comment": c.meaning[:255]} for c in columns]


def _keys(partitions: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Type": kind} for name, kind in partitions.items()]


def _table(
    name: str, what: str, columns: list[dict[str, str]], partitions: Mapping[str, str], location: str, start: datetime
) -> dict[str, Any]:
    projections = {
        "social": {"type": "injected"},
        "topic_id": {"type": "injected"},
        "date": {"type": "date", "format": "yyyy-MM-dd", "range": f"{start:%Y-%m-%d},NOW"},
        "hour": {"type": "integer", "range": "0,23", "digits": "2"},
    }
    return {
        "Name": name,
        "Description": what,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {
            "classification": "parquet",
            "projection.enabled": "true",
            **{f"projection.{key}.{k}": v for key in partitions for k, v in projections[key].items()},
            "storage.location.template": location + "".join(f"/{key}=${{{key}}}" for key in partitions) + "/",
        },
        "PartitionKeys": _keys(partitions),
        "StorageDescriptor": {
            "Columns": columns,
            "Location": f"{location}/",
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
        },
    }


def _view(name: str, what: str, columns: list[dict[str, str]], database: str) -> dict[str, Any]:
    """A view as Athena's own CREATE VIEW leaves it in Glue: its definition in Base64 within a comment."""
    definition = {
        "originalSql": select_sql(name),
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": column["Name"], "type": _sql_type(column["Type"])} for column in columns],
    }
    encoded = base64.b64encode(json.dumps(definition).encode()).decode()
    return {
        "Name": name,
        "Description": what,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "ViewOriginalText": f"/* Presto View: {encoded} */",
        "ViewExpandedText": "/* Presto View */",
        "StorageDescriptor": {"Columns": columns, "SerdeInfo": {}},
    }


def _sql_type(hive: str) -> str:
    """A type of Hive's as SQL spells it."""
    if hive.startswith("array<"):
        return f"array({_sql_type(hive[len('array<') : -1])})"
    return {"string": "varchar", "timestamp": "timestamp(3)"}.get(hive, hive)


def create_table(definition: dict[str, Any], database: str, settings: Settings) -> bool:
    """Create the table in a Glue database, or replace it: True when it is new. The schema may have grown since."""
    import boto3

    glue = boto3.client("glue", region_name=settings.aws_region, endpoint_url=settings.aws_endpoint_url)
    try:
        glue.create_table(DatabaseName=database, TableInput=definition)
    except glue.exceptions.AlreadyExistsException:
        glue.update_table(DatabaseName=database, TableInput=definition)
        return False
    return True
