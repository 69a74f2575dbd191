"""How a rule, a pure function of a row or of an hour, becomes a metric of Great Expectations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

import pandas as pd
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import (
    BatchExpectation,
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
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

from socialnlp_assets.checks.rules import HOURS, ROWS, OfRow

ANSWERED = "table.answer"  # before the name of an expectation of an hour: its metric


def _holds(rule: OfRow, given: Mapping[str, Any], rows: Iterable[tuple[Any, ...]], index: Any) -> pd.Series[bool]:
    asked = tuple(given[argument] for argument in rule.arguments)
    return pd.Series([bool(rule.holds(*asked, *row)) for row in rows], index=index, dtype=bool)


def of_column(expectation: str) -> str:
    """Register the metric of an expectation of one column: whether a row holds."""
    rule = ROWS[expectation]

    class Metric(ColumnMapMetricProvider):
        condition_metric_name = f"column_values.{expectation}"
        condition_value_keys = rule.arguments

        @column_condition_partial(engine=PandasExecutionEngine)
        def _pandas(cls, column: Any, **given: Any) -> Any:
            return _holds(rule, given, ((value,) for value in column), column.index)

    return Metric.condition_metric_name


def of_pair(expectation: str) -> str:
    """The same of two columns."""
    rule = ROWS[expectation]

    class Metric(ColumnPairMapMetricProvider):
        condition_metric_name = f"column_pair_values.{expectation}"
        condition_domain_keys = ("batch_id", "table", "column_A", "column_B", "row_condition", "condition_parser",
                                 "ignore_row_if")  # fmt: skip
        condition_value_keys = rule.arguments

        @column_pair_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
        def _pandas(cls, column_A: Any, column_B: Any, **given: Any) -> Any:
            return _holds(rule, given, zip(column_A, column_B, strict=True), column_A.index)

    return Metric.condition_metric_name


def of_columns(expectation: str) -> str:
    """The same of several columns, in the order of `column_list`."""
    rule = ROWS[expectation]

    class Metric(MulticolumnMapMetricProvider):
        condition_metric_name = f"multicolumn_values.{expectation}"
        condition_domain_keys = ("batch_id", "table", "column_list", "row_condition", "condition_parser",
                                 "ignore_row_if")  # fmt: skip
        condition_value_keys = rule.arguments

        @multicolumn_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
        def _pandas(cls, column_list: Any, **given: Any) -> Any:
            return _holds(rule, given, column_list.itertuples(index=False, name=None), column_list.index)

    return Metric.condition_metric_name


def of_hour(expectation: str, columns: str = "column_list") -> str:
    """Register the metric of an expectation of an hour: its answer. `columns` is the argument that names them."""
    rule = HOURS[expectation]

    class Metric(TableMetricProvider):
        metric_name = f"{ANSWERED}.{expectation}"
        value_keys = (columns, *rule.arguments)

        @metric_value(engine=PandasExecutionEngine)
        def _pandas(cls, execution_engine: Any, metric_domain_kwargs: Any, metric_value_kwargs: Any, **_: Any) -> Any:
            frame, *_rest = execution_engine.get_compute_domain(
                metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE
            )
            asked = metric_value_kwargs[columns]
            named = [asked] if isinstance(asked, str) else asked
            arguments = {name: metric_value_kwargs[name] for name in rule.arguments}
            return rule.answer(*(frame[name].tolist() for name in named), **arguments)

    return Metric.metric_name


class OfHour(BatchExpectation):
    """An expectation of an hour, whose metric has its answer."""

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: Any = None,  # noqa: ARG002
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        success, observed = metrics[self.metric_dependencies[0]]
        return {"success": success, "result": {"observed_value": observed}}


class OfPair(ColumnPairMapExpectation):
    domain_keys: ClassVar[tuple[str, ...]] = (*ColumnPairMapExpectation.domain_keys, "ignore_row_if")  # type: ignore[assignment]
    ignore_row_if: Literal["both_values_are_missing", "either_value_is_missing", "neither"] = "either_value_is_missing"


class OfColumns(MulticolumnMapExpectation):
    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "any_value_is_missing"
