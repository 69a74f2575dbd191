"""What must hold of each asset before it is published, as data: Great Expectations' own names and arguments.

Importing Great Expectations takes seconds, so nothing here imports it: check names are needed when the code
location loads, expectations only when a step has rows to audit (`guard.py`).

Every asset has four checks (`schema`, `unique_key`, `row_count`, `conservation`); `values` is there where a
column has a range or a set of values of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from socialnlp_assets.schemas import Schema

Expectation = tuple[str, Mapping[str, Any]]  # Great Expectations' type and its arguments


@dataclass(frozen=True)
class Check:
    """One blocking check. `of` says what the expectations look at: the asset's rows, or the step's accounts."""

    name: str
    description: str
    of: str = "rows"
    expectations: tuple[Expectation, ...] = field(default=())


# Columns with a closed set of values; the workflow's languages are added where it is known.
VALUE_SETS: Mapping[str, tuple[str, ...]] = {
    "source": ("sprinklr", "google_maps"),
    "kind": ("social", "article", "review"),
    "sentiment": ("negative", "neutral", "positive"),
    "emotion": ("joy", "optimism", "anger", "sadness"),
}
# Columns with a range; scores by their names' beginning or end.
RANGES: Mapping[str, tuple[float, float | None]] = {"rating": (1, 5), "author_followers": (0, None)}


def checks_of(schema: Schema, value_sets: Mapping[str, tuple[str, ...]] | None = None) -> tuple[Check, ...]:
    """The checks of an asset with `schema`; `value_sets` adds or replaces closed sets of values."""
    required = [column.name for column in schema.columns if column.required]
    checks = [
        Check(
            "schema",
            "has exactly the columns of its schema, and none of the required ones is null",
            expectations=(
                ("expect_table_columns_to_match_ordered_list", {"column_list": schema.names()}),
                *(("expect_column_values_to_not_be_null", {"column": name}) for name in required),
            ),
        ),
        Check(
            "unique_key",
            f"{schema.key} is there once an hour",
            expectations=(("expect_column_values_to_be_unique", {"column": schema.key}),),
        ),
        Check(
            "row_count",
            "has rows where rows were expected",
            of="accounts",
            expectations=(
                ("expect_column_pair_values_a_to_be_greater_than_b", {
                    "column_A": "rows_out", "column_B": "rows_least", "or_equal": True,
                }),
            ),
        ),
        Check(
            "conservation",
            "rows in = rows out + dropped, by reason, + quarantined",
            of="accounts",
            expectations=(
                ("expect_column_pair_values_to_be_equal", {"column_A": "rows_in", "column_B": "rows_accounted"}),
            ),
        ),
    ]  # fmt: skip
    values = tuple(_value_expectations(schema, {**VALUE_SETS, **(value_sets or {})}))
    if values:
        checks.append(Check("values", "scores, labels and codes lie in their ranges and sets", expectations=values))
    return tuple(checks)


def _value_expectations(schema: Schema, value_sets: Mapping[str, tuple[str, ...]]) -> list[Expectation]:
    found: list[Expectation] = []
    for column in schema.columns:
        name = column.name
        if name in value_sets and column.required:
            found.append(("expect_column_values_to_be_in_set", {"column": name, "value_set": list(value_sets[name])}))
        elif name in RANGES:
            least, most = RANGES[name]
            found.append(
                ("expect_column_values_to_be_between", {"column": name, "min_value": least, "max_value": most})
            )
        elif pa.types.is_floating(column.type) and column.required:
            # Every float column is a score; `output`, where none is required, takes them as they were audited.
            found.append(("expect_column_values_to_be_between", {"column": name, "min_value": 0, "max_value": 1}))
    return found
