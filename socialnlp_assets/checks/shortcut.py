"""Whether an expectation holds for certain, told without Great Expectations: its handling of one expectation costs ten
times what the rows do, and nearly all expectations of nearly all hours hold.

The shortcut only ever says yes. What fails, what cannot be evaluated, what has an argument that is not known here, is
Great Expectations' to tell, with its counts and rows. What is said here agrees with it: tests/checks/test_shortcut.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from socialnlp_assets.checks.rules import HOURS, ROWS, OfHour, OfRow

if TYPE_CHECKING:
    import pandas as pd

Mask = npt.NDArray[np.bool_]  # one value a row
COLUMNS = ("column", "column_A", "column_B", "column_list")


class Rows:
    """An hour's rows, each column read once for all expectations."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._missing: dict[str, Mask] = {}
        self._values: dict[str, list[Any]] = {}

    def __len__(self) -> int:
        return len(self.frame)

    def missing(self, column: str) -> Mask:
        if column not in self._missing:
            self._missing[column] = self.frame[column].isna().to_numpy(bool)
        return self._missing[column]

    def values(self, column: str) -> list[Any]:
        if column not in self._values:
            self._values[column] = self.frame[column].tolist()
        return self._values[column]

    def series(self, column: str) -> pd.Series[Any]:
        """The values that are there."""
        missing = self.missing(column)
        return self.frame[column][~missing] if missing.any() else self.frame[column]


def plainly_holds(rows: Rows, expectation: str, arguments: Mapping[str, Any]) -> bool:
    """True where the expectation of this name holds for certain, with arguments that have the hour's own numbers."""
    try:
        if rule := ROWS.get(expectation):
            return _of_row(rows, rule, arguments)
        if question := HOURS.get(expectation):
            return _of_hour(rows, question, arguments)
        known = THEIRS.get(expectation)
        return known is not None and known(rows, **arguments)
    except Exception:  # whatever it is, Great Expectations meets it, too, and tells it
        return False


def _of_row(rows: Rows, rule: OfRow, arguments: Mapping[str, Any]) -> bool:
    given = {**rule.defaults, **arguments}
    columns = _columns(given)
    missing = [rows.missing(column) for column in columns]
    left_out = _left_out(given.pop("ignore_row_if", "any_value_is_missing"), missing)
    asked = tuple(given.pop(argument) for argument in rule.arguments)
    mostly = given.pop("mostly", 1.0)
    if given:
        return False
    values: Iterator[tuple[Any, ...]] = zip(*map(rows.values, columns), strict=True)
    if left_out.any():
        values = (row for row, out in zip(values, left_out.tolist(), strict=True) if not out)
    considered = len(rows) - int(left_out.sum())
    bad = sum(not rule.holds(*asked, *row) for row in values)
    return _enough(considered, bad, mostly)


def _of_hour(rows: Rows, question: OfHour, arguments: Mapping[str, Any]) -> bool:
    given = {**question.defaults, **arguments}
    columns = _columns(given)
    if set(given) != set(question.arguments):
        return False
    return bool(question.answer(*map(rows.values, columns), **given)[0])


def _columns(given: dict[str, Any]) -> list[str]:
    """The columns that the arguments name, taken out of these."""
    found: list[str] = []
    for name in COLUMNS:
        if name in given:
            named = given.pop(name)
            found += [named] if isinstance(named, str) else named
    return found


def _left_out(ignored: str, missing: Sequence[Mask]) -> Mask:
    """The rows that are not asked. A single column is always asked of its values alone."""
    if ignored in ("never", "neither"):
        return np.zeros_like(missing[0])
    how = np.logical_and if ignored in ("both_values_are_missing", "all_values_are_missing") else np.logical_or
    return reduce(how, missing)


def _enough(considered: int, bad: int, mostly: float = 1.0) -> bool:
    """Whether so many bad rows are few enough."""
    return not considered or (considered - bad) / considered >= mostly


# Great Expectations' own, each with the arguments that are known here.


def _not_null(rows: Rows, column: str, mostly: float = 1.0) -> bool:
    return _enough(len(rows), int(rows.missing(column).sum()), mostly)


def _null(rows: Rows, column: str, mostly: float = 1.0) -> bool:
    return _enough(len(rows), len(rows) - int(rows.missing(column).sum()), mostly)


def _unique(rows: Rows, column: str) -> bool:
    return bool(rows.series(column).is_unique)


def _in_set(rows: Rows, column: str, value_set: Sequence[Any], mostly: float = 1.0) -> bool:
    series = rows.series(column)
    return _enough(len(series), len(series) - int(series.isin(value_set).sum()), mostly)


def _between(
    rows: Rows, column: str, min_value: float | None = None, max_value: float | None = None, mostly: float = 1.0
) -> bool:
    series = rows.series(column)
    if series.dtype.kind not in "if" or (min_value is None and max_value is None):
        return False
    values = series.to_numpy()
    low = True if min_value is None else values >= min_value
    high = True if max_value is None else values <= max_value
    return _enough(len(values), len(values) - int(np.sum(np.logical_and(low, high))), mostly)


def _regex(rows: Rows, column: str, regex: str, mostly: float = 1.0) -> bool:
    found, missing = re.compile(regex).search, rows.missing(column).tolist()
    values = [value for value, out in zip(rows.values(column), missing, strict=True) if not out]
    return _enough(len(values), sum(found(value) is None for value in values), mostly)


def _pair_equal(rows: Rows, column_A: str, column_B: str, mostly: float = 1.0) -> bool:
    equal = (rows.frame[column_A] == rows.frame[column_B]).to_numpy(bool)
    missing = rows.missing(column_A) & rows.missing(column_B)
    return _enough(len(rows) - int(missing.sum()), int((~equal & ~missing).sum()), mostly)


def _column_names(rows: Rows, column_list: Sequence[str]) -> bool:
    return list(rows.frame.columns) == list(column_list)


def _count(rows: Rows, value: int) -> bool:
    return len(rows) == value


def _count_between(rows: Rows, min_value: int | None = None, max_value: int | None = None) -> bool:
    low, high = (min_value is None or len(rows) >= min_value), (max_value is None or len(rows) <= max_value)
    return low and high and not min_value is max_value is None


THEIRS: dict[str, Callable[..., bool]] = {
    "expect_column_values_to_not_be_null": _not_null,
    "expect_column_values_to_be_null": _null,
    "expect_column_values_to_be_unique": _unique,
    "expect_column_values_to_be_in_set": _in_set,
    "expect_column_values_to_be_between": _between,
    "expect_column_values_to_match_regex": _regex,
    "expect_column_pair_values_to_be_equal": _pair_equal,
    "expect_table_columns_to_match_ordered_list": _column_names,
    "expect_table_row_count_to_equal": _count,
    "expect_table_row_count_to_be_between": _count_between,
}
