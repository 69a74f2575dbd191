"""The output as a table of Athena: a Glue table definition made from the schemas.

Partition projection: Athena works partitions out from the query instead of looking them up, so no crawler
runs and a new hour is there the moment it is written. No list of the values of `social` and `topic_id` is known
beforehand, so a query names those it wants (``injected``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa

from socialnlp_assets.schemas import Schema
from socialnlp_assets.settings import Settings

# Columns that the path holds; in the files they would be told twice.
PARTITIONS = {"social": "string", "topic_id": "string", "date": "date", "hour": "string"}
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


def table_input(workflow: str, schema: Schema, location: str, start: datetime) -> dict[str, Any]:
    """``TableInput`` of Glue's CreateTable for the output of `workflow` at `location` (s3://…/output/<workflow>)."""
    location = location.rstrip("/")
    columns = [
        {"Name": column.name, "Type": hive_type(column.type), "Comment": column.meaning[:255]}
        for column in schema.columns
        if column.name not in PARTITIONS
    ]
    keys = [{"Name": name, "Type": kind} for name, kind in PARTITIONS.items()]
    return {
        "Name": workflow,
        "Description": f"Output of the workflow {workflow}, a row a message and topic",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {
            "classification": "parquet",
            "projection.enabled": "true",
            "projection.social.type": "injected",
            "projection.topic_id.type": "injected",
            "projection.date.type": "date",
            "projection.date.format": "yyyy-MM-dd",
            "projection.date.range": f"{start:%Y-%m-%d},NOW",
            "projection.hour.type": "integer",
            "projection.hour.range": "0,23",
            "projection.hour.digits": "2",
            "storage.location.template": location + "".join(f"/{name}=${{{name}}}" for name in PARTITIONS) + "/",
        },
        "PartitionKeys": keys,
        "StorageDescriptor": {
            "Columns": columns,
            "Location": f"{location}/",
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
        },
    }


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
