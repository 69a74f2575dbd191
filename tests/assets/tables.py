"""Tables of an hour of which a test writes the columns that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from socialnlp_assets.schemas import BOOL, FLOAT, INT, TEXT, TIME, Schema
from tests.platform.conftest import HOUR

ANY = {TEXT: "", BOOL: False, INT: 0, FLOAT: 0.0, TIME: HOUR}


def table(schema: Schema, **columns: Sequence[Any]) -> pa.Table:
    """The columns that are named; the others are null where they may be, and of like values where not."""
    rows = len(columns[schema.key])
    rest = {column.name: [ANY.get(column.type, []) if column.required else None] * rows for column in schema.columns}
    return pa.table({field.name: pa.array((rest | columns)[field.name], field.type) for field in schema.arrow})
