"""Which version of each model made the rows of an hour: in the metadata of its file, and on the asset's page.

Not a column: an hour is made by one version of each model (`Endpoints.version`), so a column would say the same in
every row, and readers of the promised columns would meet new ones. DuckDB shows it with
``parquet_kv_metadata('…/part.parquet')``. What a step reads was made by models, too: their versions are handed on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pyarrow as pa

KEY = b"socialnlp.models"


def mark(table: pa.Table, versions: Mapping[str, str]) -> pa.Table:
    """`table`, with the label of the version of each model that made it."""
    if not versions:
        return table
    kept = dict(table.schema.metadata or {})
    return table.replace_schema_metadata(kept | {KEY: json.dumps(dict(sorted(versions.items()))).encode()})


def versions_of(schema: pa.Schema) -> dict[str, str]:
    """Model → label, as `mark` wrote them; nothing for a table of before."""
    found = (schema.metadata or {}).get(KEY)
    return dict(json.loads(found)) if found else {}
