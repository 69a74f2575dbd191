"""What must hold of each asset before it is published, as data: Great Expectations' own names and arguments.

Importing Great Expectations takes seconds, so nothing here imports it: check names are needed when the code
location loads, expectations only when a step has rows to audit (`guard.py`).

Every asset has four checks (`schema`, `unique_key`, `row_count`, `conservation`); `values` is there where a column has
a range or a closed set, `plausible` where its step says what its rows must mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from socialnlp_assets.schemas import Schema

Expectation = tuple[str, Mapping[str, Any]]  # Great Expectations' type and its arguments


@dataclass(frozen=True)
class Check:
    """One blocking check. `of` says what the expectations look at: the asset's rows, the step's accounts, or its
    evidence, which has a value a row and is not published."""

    name: str
    description: str
    of: str = "rows"
    expectations: tuple[Expectation, ...] = field(default=())


def checks_of(schema: Schema, plausible: tuple[Expectation, ...] = ()) -> tuple[Check, ...]:
    """The checks of an asset with `schema`; `plausible` is what its step expects of its evidence."""
    checks = [
        Check(
            "schema",
            "has exactly the columns of its schema, and none of the required ones is null",
            expectations=(
                ("expect_table_columns_to_match_ordered_list", {"column_list": schema.names()}),
                *(("expect_column_values_to_not_be_null", {"column": c.name}) for c in schema.columns if c.required),
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
    if values := tuple(_of_columns(schema)):
        checks.append(Check("values", "scores, labels and codes lie in their ranges and sets", expectations=values))
    if plausible:
        checks.append(Check("plausible", "what the rows say can be so", "evidence", plausible))
    return tuple(checks)


def _of_columns(schema: Schema) -> Iterator[Expectation]:
    for column in schema.columns:
        if column.values:
            yield "expect_column_values_to_be_in_set", {"column": column.name, "value_set": list(column.values)}
        least, most = column.between
        if (least, most) != (None, None):
            yield "expect_column_values_to_be_between", {"column": column.name, "min_value": least, "max_value": most}
