"""`planted-faults`: corruptions of real hours, and which check catches each. Then clean hours, of which none may warn.

An hour is a sample of what the real models made of many messages (`hours.py`); a corruption changes what one step is
about to publish, and the step's own checks are asked, as they are before each publication; then the check `drift`,
beside two days of clean hours.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import click
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from benchmarks.hours import HOUR, Pool, pool
from socialnlp_assets.assets.asset import checks_of
from socialnlp_assets.assets.profile import SKETCH, Profiled, as_table, copied_from, profile_of, sketch
from socialnlp_assets.assets.step import Result
from socialnlp_assets.checks import Checks, Level, Verdict, audit
from socialnlp_assets.checks.drift import drift
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.workflow import load_workflows

ROWS = 120
CLEAN, TRAILING = 168, 48
Rows = list[dict[str, object]]
Results = Mapping[str, Result]


@dataclass(frozen=True)
class Fault:
    """One corruption: what it is, of which step, and how."""

    name: str
    step: str
    corrupt: Callable[[Result], Result]
    workflow: str = "sprinklr"


def each(change: Callable[[dict[str, object], int], dict[str, object]]) -> Callable[[Result], Result]:
    """Change every row, given its number."""
    return lambda result: _with_rows(result, [row | change(row, n) for n, row in enumerate(result.table.to_pylist())])


def some(count: int, change: Callable[[dict[str, object]], dict[str, object]]) -> Callable[[Result], Result]:
    """Change the first `count` rows with long values."""

    def corrupt(result: Result) -> Result:
        rows = result.table.to_pylist()
        longest = sorted(range(len(rows)), key=lambda n: -len(str(rows[n])))[:count]
        return _with_rows(result, [row | change(row) if n in longest else row for n, row in enumerate(rows)])

    return corrupt


def shifted(*columns: str) -> Callable[[Result], Result]:
    """Give each row the values of the row before; of all columns but the key where none is named."""

    def corrupt(result: Result) -> Result:
        rows = result.table.to_pylist()
        names = columns or [name for name in result.table.column_names if name != "message_id"]
        return _with_rows(
            result, [row | {name: rows[n - 1][name] for name in names} for n, row in enumerate(rows)]
        )  # fmt: skip

    return corrupt


def exchanged(share: float, *columns: str) -> Callable[[Result], Result]:
    """Give some rows the values of other rows; of all columns but the key where none is named."""

    def corrupt(result: Result) -> Result:
        rows, rng = result.table.to_pylist(), np.random.default_rng(1)
        names = columns or [name for name in result.table.column_names if name != "message_id"]
        chosen = rng.choice(len(rows), int(share * len(rows)), replace=False).tolist()
        values = [{name: rows[n][name] for name in names} for n in chosen]
        for n, value in zip(chosen, [*values[1:], *values[:1]], strict=True):
            rows[n] = rows[n] | value
        return _with_rows(result, rows)

    return corrupt


def lists(**changes: Callable[[list[object]], list[object]]) -> Callable[[Result], Result]:
    """Change columns of lists in every row."""
    return each(lambda row, _: {name: change(list(row[name])) for name, change in changes.items()})  # type: ignore[call-overload]


def text(column: str, change: Callable[[str], str]) -> Callable[[Result], Result]:
    """Change a text in every row; in `translations`, in those that were translated."""
    return each(lambda row, _: {column: change(str(row[column]))} if row.get("translated", True) else {})


def swapped(one: str, other: str) -> Callable[[Result], Result]:
    return each(lambda row, _: {one: row[other], other: row[one]})


def rows(change: Callable[[Rows], Rows]) -> Callable[[Result], Result]:
    return lambda result: _with_rows(result, change(result.table.to_pylist()))


def read(column: str) -> Callable[[Result], list[object]]:
    """What the step read, in the order of its rows."""

    def found(result: Result) -> list[object]:
        assert result.read is not None
        by_key = dict(zip(result.read["message_id"].to_pylist(), result.read[column].to_pylist(), strict=True))
        return [by_key[key] for key in result.table["message_id"].to_pylist()]

    return found


def from_read(column: str, target: str, change: Callable[[str, str], str]) -> Callable[[Result], Result]:
    """Make `target` of what the step read in `column` and of what it wrote."""

    def corrupt(result: Result) -> Result:
        texts = read(column)(result)
        return _with_rows(
            result,
            [
                row | {target: change(str(text), str(row[target]))}
                for row, text in zip(result.table.to_pylist(), texts, strict=True)
            ],
        )

    return corrupt


def _with_rows(result: Result, changed: Rows) -> Result:
    fields = [field.with_nullable(True) for field in result.table.schema]
    return replace(result, table=pa.Table.from_pylist(changed, schema=pa.schema(fields)))


def without(column: str) -> Callable[[Result], Result]:
    return lambda result: replace(result, table=result.table.drop_columns([column]))


def verdicts_of(source: Pool, name: str, result: Result) -> tuple[Verdict, ...]:
    """What a step's checks say of what it is about to publish."""
    checks = checks_of(source.steps[name], Checks())
    return audit(result.table, result.accounts(), checks, result.read).verdicts


def profiled(source: Pool, hour: Results) -> Profiled:
    steps = [step for name, step in source.steps.items() if name != "output"]
    return profile_of(steps, {name: result.table for name, result in hour.items()})


def drifts(now: Profiled, trailing: list[Profiled]) -> Verdict:
    before = {HOUR + timedelta(hours=n): profile for n, profile in enumerate(trailing)}
    when = HOUR + timedelta(hours=len(trailing))
    return drift(when, {measure: mix for measure, mix in now.items() if measure != SKETCH}, before)


def planted_faults() -> None:
    from benchmarks.faults import FAULTS

    rng = np.random.default_rng(2)
    sources = {name: pool(name) for name in dict.fromkeys(fault.workflow for fault in FAULTS)}
    trailing = {
        name: [profiled(source, source.hour(rng.poisson(ROWS), rng)) for _ in range(TRAILING)]
        for name, source in sources.items()
    }
    table = Table("workflow", "step", "corruption", "caught by", "as")
    caught = 0
    for fault in FAULTS:
        source = sources[fault.workflow]
        hour = source.hour(ROWS, rng)
        hour[fault.step] = fault.corrupt(hour[fault.step])
        found = [v for v in verdicts_of(source, fault.step, hour[fault.step]) if not v.passed]
        if not found:
            found = [v for v in [drifts(profiled(source, hour), trailing[fault.workflow])] if not v.passed]
        caught += bool(found)
        level = max((verdict.level for verdict in found), default=Level.PASSED)
        names = ", ".join(verdict.check.name for verdict in found) or "[red]nothing[/red]"
        table.add_row(fault.workflow, fault.step, fault.name, names, {Level.ERROR: "error"}.get(level, "warning"))
    Console(width=140).print(table)
    source = sources["sprinklr"]
    warned = 0
    for _ in range(CLEAN):
        hour = source.hour(rng.poisson(ROWS), rng)
        found = [v for name, result in hour.items() for v in verdicts_of(source, name, result) if not v.passed]
        if not found and (last := drifts(profiled(source, hour), trailing["sprinklr"])) and not last.passed:
            found = [last]
        for verdict in found:
            click.echo(f"a clean hour warned: {[f.expectation.says for f in verdict.findings if f.failed]}", err=True)
        warned += bool(found)
    click.echo(f"caught {caught} of {len(FAULTS)}; clean hours that warned: {warned} of {CLEAN}")


def again(result: Result) -> Result:
    """Yesterday's hour, which its profile remembers, is delivered again."""
    texts = result.table["message"].to_pylist()
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(uri=folder)
        schema = load_workflows()["sprinklr"].all_steps()[-1].table()
        profile = as_table({SKETCH: dict.fromkeys(sketch(texts), 1.0)}, schema)
        lake.write_table(lake.table_path("sprinklr", "profile", HOUR - timedelta(days=1)), profile)
        like = copied_from(lake, "sprinklr", HOUR, texts)
    assert result.read is not None
    place = result.read.column_names.index("copied_from")
    column = pa.array([like] * result.read.num_rows, pa.string())
    return replace(result, read=result.read.set_column(place, "copied_from", column))


def half(result: Result) -> Result:
    keys = result.table["message_id"].to_pylist()[::2]
    kept = result.table.filter(pc.is_in(result.table["message_id"], value_set=pa.array(keys)))
    return replace(result, table=kept, rows_in=kept.num_rows)
