"""The guard: audits an hour with Great Expectations before it is published.

An expectation that could not be evaluated is a failure, never a pass.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from socialnlp_assets.checks.accounts import Accounts
from socialnlp_assets.checks.expectations import Check

if TYPE_CHECKING:
    import pandas as pd

MOST_EXAMPLES = 5


@dataclass(frozen=True)
class Verdict:
    """What came of one check; `problems` has a line for each expectation that failed."""

    check: Check
    evaluated: int
    problems: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return self.evaluated > 0 and not self.problems


def audit(
    table: pa.Table, accounts: Accounts, checks: Sequence[Check], evidence: Mapping[str, Sequence[Any]] | None = None
) -> Iterator[Verdict]:
    """Evaluate every check on the rows about to be published, on the accounts of the step, and on its evidence: a
    value a row in columns that are not published."""
    import pandas as pd

    row = accounts.as_row()
    frames = {
        "rows": _lean(table, checks).to_pandas(split_blocks=True),
        "accounts": pd.DataFrame([row | {"rows_least": int(accounts.rows_expected)}]),
        "evidence": pd.DataFrame(dict(evidence or {})),
    }
    for of, frame in frames.items():
        if found := [check for check in checks if check.of == of]:
            yield from _evaluate(frame, found)


def _lean(table: pa.Table, checks: Sequence[Check]) -> pa.Table:
    """`table` with the values of those columns alone that an expectation reads; of the others, whether they are null.

    Great Expectations hashes what it is given, and pickles it where it holds lists: of an hour's texts that is
    most of the memory and the time that a step takes.
    """
    read = {
        arguments.get("column")
        for check in checks
        for kind, arguments in check.expectations
        if kind != "expect_column_values_to_not_be_null"
    }
    columns = [
        column if name in read else pc.if_else(pc.is_valid(column), True, pa.scalar(None, pa.bool_()))
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    return pa.table(columns, names=table.column_names)


def _evaluate(frame: pd.DataFrame, checks: Sequence[Check]) -> Iterator[Verdict]:
    """One validation of `frame` for all of `checks`: Great Expectations then shares what they have in common."""
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    suite = ExpectationSuite(name="audit")
    for check in checks:
        for kind, arguments in check.expectations:
            configuration = ExpectationConfiguration(type=kind, kwargs=dict(arguments), meta={"check": check.name})
            suite.add_expectation_configuration(configuration)
    batch = _batches().get_batch({"dataframe": frame})
    # Whether all holds costs less than half of what does not hold, and nearly always all does.
    outcome = batch.validate(suite, result_format="BOOLEAN_ONLY")
    if not outcome.success:
        detail = {"result_format": "SUMMARY", "partial_unexpected_count": MOST_EXAMPLES}
        outcome = batch.validate(suite, result_format=detail)
    for check in checks:
        results = [r for r in outcome.results if (r.expectation_config.meta or {}).get("check") == check.name]
        yield Verdict(check, len(results), [_problem(result) for result in results if not result.success])


@cache
def _batches() -> Any:
    """A batch definition over whole data frames, in a context that keeps nothing and reports to nobody."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("audit").add_dataframe_asset("hour")
    return asset.add_batch_definition_whole_dataframe("hour")


def _problem(result: Any) -> str:
    """One failed expectation in one line; raised exceptions are told as such."""
    configuration = result.expectation_config
    arguments = {k: v for k, v in configuration.kwargs.items() if k != "batch_id"}
    what = f"{configuration.type}({', '.join(f'{k}={v!r}' for k, v in arguments.items())})"
    raised = _exception(result.exception_info or {})
    if raised:
        return f"{what} could not be evaluated: {raised}"
    found = result.result or {}
    if "unexpected_count" in found:
        examples = ", ".join(map(repr, found.get("partial_unexpected_list", [])))
        return f"{what}: {found['unexpected_count']} of {found['element_count']} do not fit, such as {examples}"[:500]
    return f"{what}: found {found.get('observed_value')!r}"[:500]


def _exception(info: dict[str, Any]) -> str:
    """The message of a raised exception: Great Expectations keeps one, or one a metric."""
    entries = [info] if "raised_exception" in info else [v for v in info.values() if isinstance(v, dict)]
    return "; ".join(str(e.get("exception_message")) for e in entries if e.get("raised_exception"))
