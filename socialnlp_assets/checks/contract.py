"""The check `contract`: what an asset promises of its columns, keys and counts, all of it from its schema."""

from __future__ import annotations

from collections.abc import Iterator

from socialnlp_assets.checks.expectation import READ, Check, Expectation
from socialnlp_assets.schemas import KEY, Schema

OURS = "the step is at fault, not the hour: nothing was published; mend it, then run the hour again"
MODEL = "the model answers what its task does not allow; look at its latest version, and go back to the one before"


def contract(schema: Schema) -> Check:
    """Columns, key, counts, ranges and closed sets. Its parameters are the step's accounts (`Accounts.as_row`)."""
    return Check(
        "contract",
        "columns, key, counts, ranges and sets are what the asset promises",
        (*_of_table(schema), *_of_counts(schema), *_of_columns(schema)),
    )


def _of_table(schema: Schema) -> Iterator[Expectation]:
    yield Expectation(
        "expect_table_columns_to_match_ordered_list", {"column_list": schema.names()},
        "it has exactly the columns of its schema", OURS,
    )  # fmt: skip
    for column in schema.columns:
        if column.required:
            yield Expectation(
                "expect_column_values_to_not_be_null", {"column": column.name}, f"{column.name} is never null", OURS
            )


def _of_counts(schema: Schema) -> Iterator[Expectation]:
    yield Expectation(
        "expect_column_values_to_be_unique", {"column": schema.key},
        "a message is there once", "an earlier step wrote rows twice: run it again for this hour, then this one",
    )  # fmt: skip
    if schema.key == KEY.name:
        yield Expectation(
            "expect_column_values_to_not_be_null", {"column": READ + schema.key},
            "every row is of a message that the step read", OURS,
        )  # fmt: skip
    yield Expectation(
        "expect_table_row_count_to_equal", {"value": {"$PARAMETER": "rows_left"}},
        "rows in = rows out + dropped, by reason, + quarantined", OURS,
    )  # fmt: skip
    yield Expectation(
        "expect_table_row_count_to_be_between", {"min_value": {"$PARAMETER": "rows_least"}},
        "there are rows where rows were expected",
        "nothing that came in could be taken: the step's failure, in this run's log, tells why of each record; "
        "mend that, and run the hour again",
    )  # fmt: skip


def _of_columns(schema: Schema) -> Iterator[Expectation]:
    for column in schema.columns:
        if column.values:
            yield Expectation(
                "expect_column_values_to_be_in_set", {"column": column.name, "value_set": list(column.values)},
                f"{column.name} is one of its {len(column.values)} values", MODEL,
            )  # fmt: skip
        ends = zip(("min_value", "max_value"), column.between, strict=True)
        if bounds := {name: end for name, end in ends if end is not None}:
            yield Expectation(
                "expect_column_values_to_be_between", {"column": column.name} | bounds,
                f"{column.name} lies in its range", MODEL,
            )  # fmt: skip
