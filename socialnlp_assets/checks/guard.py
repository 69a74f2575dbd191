"""The guard: audits an hour before it is published. Great Expectations evaluates what does not plainly hold.

An expectation that could not be evaluated is a failure, never a pass.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from socialnlp_assets.checks.accounts import Accounts
from socialnlp_assets.checks.digests import digests
from socialnlp_assets.checks.expectation import DIGEST, FEW, READ, Check, Expectation, Level
from socialnlp_assets.checks.shortcut import Rows, plainly_holds
from socialnlp_assets.schemas import KEY

if TYPE_CHECKING:
    import pandas as pd

QUARANTINE = 0.05  # of an hour's rows: more of them rejected, and the hour fails
IN_DETAIL = {"result_format": "COMPLETE", "return_unexpected_index_query": False}


@dataclass(frozen=True)
class Finding:
    """What came of one expectation. `positions` are the rows that do not fit."""

    expectation: Expectation
    level: Level
    observed: str = ""
    bound: str = ""
    positions: tuple[int, ...] = ()

    @property
    def failed(self) -> bool:
        return self.level > Level.PASSED


@dataclass(frozen=True)
class Verdict:
    """What came of one check."""

    check: Check
    findings: tuple[Finding, ...]

    @property
    def level(self) -> Level:
        """That of the worst finding; a check of which nothing could be asked of an hour with rows has failed."""
        return max((finding.level for finding in self.findings), default=Level.ERROR)

    @property
    def passed(self) -> bool:
        return self.level <= Level.PASSED


@dataclass(frozen=True)
class Audit:
    """An hour's verdicts. `rejected` are the rows that must not be published, by position, with what they failed."""

    verdicts: tuple[Verdict, ...]
    rejected: Mapping[int, Sequence[Expectation]]
    frame: pd.DataFrame  # what was looked at: the columns that somebody asked about

    @property
    def passed(self) -> bool:
        """False where nothing may be published."""
        return all(verdict.level < Level.ERROR for verdict in self.verdicts)


def audit(
    table: pa.Table,
    accounts: Accounts,
    checks: Sequence[Check],
    read: pa.Table | None = None,
    quarantine: float = QUARANTINE,
) -> Audit:
    """Evaluate every check on the rows about to be published, beside what the step `read` of the same messages.

    `quarantine` is the share of rows, 0 to 1, that may be rejected, though one row always may unless it is 0.
    """
    frame = _frame(table, read, checks)
    asked = [expectation for check in checks for expectation in check.expectations]
    findings = _evaluate(frame, asked, accounts.as_row())
    rejected: dict[int, list[Expectation]] = {}
    for expectation, finding in findings.items():
        if expectation.rejects and finding.positions:
            for position in finding.positions:
                rejected.setdefault(position, []).append(expectation)
    if len(rejected) > (most := most_rejected(len(frame), quarantine)):
        beyond = f"{most} rows, which go to quarantine"
        findings = {
            e: replace(f, level=Level.ERROR, bound=beyond) if e.rejects and f.failed else f for e, f in findings.items()
        }
        rejected = {}
    verdicts = tuple(Verdict(check, tuple(findings[e] for e in check.expectations)) for check in checks)
    return Audit(verdicts, rejected, frame)


def most_rejected(rows: int, quarantine: float) -> int:
    """How many of `rows` may be rejected: never all of them."""
    return min(rows - 1, max(1, int(quarantine * rows))) if quarantine else 0


def _frame(table: pa.Table, read: pa.Table | None, checks: Sequence[Check]) -> pd.DataFrame:
    """The rows with the values of those columns alone that an expectation reads, of the others whether they are null.

    Great Expectations hashes what it is given, and pickles it where it holds lists: of an hour's texts that is most
    of the memory and the time that a step takes.
    """
    asked = {
        column
        for check in checks
        for expectation in check.expectations
        if not expectation.type.endswith(("_to_not_be_null", "_to_match_ordered_list"))
        for column in expectation.columns()
    }
    columns = dict(zip(table.column_names, table.columns, strict=True))
    made = {name: of for check in checks for e in check.expectations for name, of in e.digests.items()}
    if KEY.name in columns:
        read = table.select([KEY.name]) if read is None else read
        places = pc.index_in(table[KEY.name], value_set=read[KEY.name].combine_chunks())
        beside = [name for name in read.column_names if name == KEY.name or READ + name in asked]
        columns |= {READ + name: read[name].take(places) for name in beside}
    for name, of in made.items():
        if set(of) <= set(table.column_names):
            columns[name] = pa.chunked_array([digests(table.select(list(of)))])
    lean = {name: column if name in asked else _presence(column) for name, column in columns.items()}
    frame: pd.DataFrame = pa.table(lean).to_pandas(split_blocks=True)
    for name, column in lean.items():
        if pa.types.is_nested(column.type):
            frame[name] = [_hashable(value) for value in column.to_pylist()]
    return frame


def _presence(column: pa.ChunkedArray) -> Any:
    return pc.if_else(pc.is_valid(column), True, pa.scalar(None, pa.bool_()))


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(map(_hashable, value.values()))
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


def _evaluate(
    frame: pd.DataFrame, asked: Sequence[Expectation], parameters: Mapping[str, Any]
) -> dict[Expectation, Finding]:
    """What does not plainly hold is asked of Great Expectations, in one validation for all."""
    rows = Rows(frame)
    findings: dict[Expectation, Finding] = {}
    rest: list[Expectation] = []
    for expectation in asked:
        if len(frame) < expectation.least_rows:
            few = f"{expectation.least_rows} rows to ask it of"
            findings[expectation] = Finding(expectation, Level.NOT_ASKED, bound=few)
        elif plainly_holds(rows, expectation.type, _given(_arguments(expectation, frame), parameters)):
            findings[expectation] = _passed(expectation, len(frame), parameters)
        else:
            rest.append(expectation)
    for expectation, result in _validate(frame, rest, parameters).items():
        findings[expectation] = _finding(expectation, result, len(frame), parameters)
    return findings


def _given(arguments: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with the hour's own numbers in them."""
    return {
        name: parameters[value["$PARAMETER"]] if isinstance(value, Mapping) and "$PARAMETER" in value else value
        for name, value in arguments.items()
    }


def _passed(expectation: Expectation, rows: int, parameters: Mapping[str, Any]) -> Finding:
    return Finding(expectation, Level.PASSED, bound=_bound(expectation, rows, parameters))


def _validate(
    frame: pd.DataFrame, asked: Sequence[Expectation], parameters: Mapping[str, Any]
) -> dict[Expectation, Any]:
    """Great Expectations' result of each expectation, with its rows; why there is none where it does not take its
    arguments."""
    if not asked:
        return {}
    from great_expectations import ExpectationSuite
    from great_expectations.compatibility.pydantic import ValidationError
    from great_expectations.exceptions.exceptions import GreatExpectationsError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    from socialnlp_assets.checks import custom  # noqa: F401  registers what is ours

    results: dict[Expectation, Any] = {}
    built = []
    for number, expectation in enumerate(asked):
        meta = {"number": number}
        configuration = ExpectationConfiguration(expectation.type, _arguments(expectation, frame), meta=meta)
        try:
            built.append(configuration.to_domain_obj())
        except (ValidationError, GreatExpectationsError) as error:
            results[expectation] = str(error)
    batch = _batches().get_batch({"dataframe": frame})
    suite = ExpectationSuite(name="audit", expectations=built)
    outcome = batch.validate(suite, result_format=IN_DETAIL, expectation_parameters=dict(parameters))
    return results | {asked[(result.expectation_config.meta or {})["number"]]: result for result in outcome.results}


def _arguments(expectation: Expectation, frame: pd.DataFrame) -> dict[str, Any]:
    """Its arguments for this hour: of an hour of few rows, a share says nothing."""
    arguments = dict(expectation.arguments)
    if "mostly" in arguments:
        arguments["mostly"] = max(0.0, min(arguments["mostly"], 1 - FEW / max(1, len(frame))))
    if expectation.type == "expect_table_columns_to_match_ordered_list":
        arguments["column_list"] = [
            *arguments["column_list"],
            *(c for c in frame.columns if c.startswith((READ, DIGEST))),
        ]
    return arguments


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


def _finding(expectation: Expectation, result: Any, rows: int, parameters: Mapping[str, Any]) -> Finding:
    """What came of one expectation that Great Expectations evaluated; a raised exception is told as such."""
    bound = _bound(expectation, rows, parameters)
    if raised := result if isinstance(result, str) else _exception(result.exception_info or {}):
        return Finding(expectation, Level.ERROR, f"could not be evaluated: {raised}", bound)
    if result.success:
        return _passed(expectation, rows, parameters)
    found = result.result or {}
    if "unexpected_count" not in found:
        return Finding(expectation, expectation.level, str(found.get("observed_value")), bound)
    count = found["unexpected_count"]
    positions = tuple(int(position) for position in found.get("unexpected_index_list") or ())
    level = expectation.level
    if expectation.rejects or (
        expectation.error_beyond is not None and count <= max(FEW, expectation.error_beyond * rows)
    ):
        level = Level.WARNING
    return Finding(expectation, level, f"{count} of {rows} rows do not fit", bound, positions)


def _bound(expectation: Expectation, rows: int, parameters: Mapping[str, Any]) -> str:
    """The bound with the hour's own numbers in it."""
    given = _given(expectation.arguments, parameters)
    return replace(expectation, arguments=given).bound(rows)


def _exception(info: dict[str, Any]) -> str:
    """The message of a raised exception: Great Expectations keeps one, or one a metric."""
    entries = [info] if "raised_exception" in info else [v for v in info.values() if isinstance(v, dict)]
    return "; ".join(dict.fromkeys(str(e.get("exception_message")) for e in entries if e.get("raised_exception")))
