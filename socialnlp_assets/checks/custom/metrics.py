"""How a pure function of a row becomes a metric of Great Expectations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import pandas as pd
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import (
    ColumnPairMapExpectation,
    MulticolumnMapExpectation,
)
from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import (
    column_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_map_metric_provider import (
    ColumnMapMetricProvider,
)
from great_expectations.expectations.metrics.map_metric_provider.column_pair_condition_partial import (
    column_pair_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_pair_map_metric_provider import (
    ColumnPairMapMetricProvider,
)
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_condition_partial import (
    multicolumn_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_map_metric_provider import (
    MulticolumnMapMetricProvider,
)


def _holds(rows: Sequence[tuple[Any, ...]], holds: Callable[..., bool], index: Any) -> pd.Series[bool]:
    return pd.Series([bool(holds(*row)) for row in rows], index=index, dtype=bool)


def of_column(name: str, holds: Callable[[Any], bool]) -> str:
    """Register the metric `name`: whether a row of one column holds."""

    class Metric(ColumnMapMetricProvider):
        condition_metric_name = f"column_values.{name}"

        @column_condition_partial(engine=PandasExecutionEngine)
        def _pandas(cls, column: Any, **_: Any) -> Any:
            return _holds([(value,) for value in column], holds, column.index)

    return Metric.condition_metric_name


def of_pair(name: str, holds: Callable[..., bool], *arguments: str) -> str:
    """The same of two columns, and of the expectation's `arguments`."""

    class Metric(ColumnPairMapMetricProvider):
        condition_metric_name = f"column_pair_values.{name}"
        condition_domain_keys = ("batch_id", "table", "column_A", "column_B", "row_condition", "condition_parser",
                                 "ignore_row_if")  # fmt: skip
        condition_value_keys = arguments

        @column_pair_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
        def _pandas(cls, column_A: Any, column_B: Any, **given: Any) -> Any:
            asked = tuple(given[argument] for argument in arguments)
            return _holds([(*asked, *row) for row in zip(column_A, column_B, strict=True)], holds, column_A.index)

    return Metric.condition_metric_name


def of_columns(name: str, holds: Callable[..., bool], *arguments: str) -> str:
    """The same of several columns, in the order of `column_list`, and of the expectation's `arguments`."""

    class Metric(MulticolumnMapMetricProvider):
        condition_metric_name = f"multicolumn_values.{name}"
        condition_domain_keys = ("batch_id", "table", "column_list", "row_condition", "condition_parser",
                                 "ignore_row_if")  # fmt: skip
        condition_value_keys = arguments

        @multicolumn_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
        def _pandas(cls, column_list: Any, **given: Any) -> Any:
            asked = tuple(given[argument] for argument in arguments)
            rows = [(*asked, *row) for row in column_list.itertuples(index=False, name=None)]
            return _holds(rows, holds, column_list.index)

    return Metric.condition_metric_name


class OfPair(ColumnPairMapExpectation):
    domain_keys: ClassVar[tuple[str, ...]] = (*ColumnPairMapExpectation.domain_keys, "ignore_row_if")  # type: ignore[assignment]
    ignore_row_if: Literal["both_values_are_missing", "either_value_is_missing", "neither"] = "either_value_is_missing"


class OfColumns(MulticolumnMapExpectation):
    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "any_value_is_missing"
