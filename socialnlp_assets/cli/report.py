"""What a demonstration shows: a line a run while it goes on, then short tables."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Column, Table

from socialnlp_assets.resources.endpoints.metering import Usage, usage_table

MOST_HOURS = 3  # that a line of 80 characters has room for
STAND_IN = "translations/stand_in"  # the name of the metadata of an hour that a stand-in translated

if TYPE_CHECKING:
    import dagster as dg

    from socialnlp_assets.resources.lake import Lake


@dataclass
class Running:
    """One run under way."""

    workflow: str
    hour: str
    result: dg.ExecuteInProcessResult | None = None


@dataclass
class Report:
    """Gathers runs; `show` prints the tables."""

    console: Console
    removed: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)  # where the reports of the day lie
    failed: int = 0
    started: float = field(default_factory=time.monotonic)
    checks: dict[bool, int] = field(default_factory=lambda: defaultdict(int))
    problems: list[str] = field(default_factory=list)
    usage: list[Usage] = field(default_factory=list)
    # (workflow, asset) → hour → the metadata of its last materialisation
    assets: dict[tuple[str, str], dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))

    def say(self, text: str) -> None:
        self.console.print(f"[dim]{time.monotonic() - self.started:6.1f} s[/]  {text}", highlight=False, soft_wrap=True)

    @contextmanager
    def running(self, workflow: str, hour: str, which: str) -> Iterator[Running]:
        """Shows that a run is under way; at its end says what came of it."""
        run = Running(workflow, hour)
        began = time.monotonic()
        with self.console.status(f"run {which}: {workflow} {hour}"):
            yield run
        assert run.result is not None
        self._gather(run)
        done = len(run.result.get_asset_materialization_events())
        ends = [self.assets[workflow, asset].get(hour, {}) for asset in ("posts", "output")]
        rows = f"{ends[0].get('rows_in', '?')} messages → {ends[1].get('rows_out', 'no')} rows"
        took = f"{time.monotonic() - began:.1f} s"
        failed = "" if run.result.success else " [red]failed[/]"
        self.say(f"{workflow} {hour[5:10]} {hour[11:]}  {rows}, {done} assets, {took}{failed}")

    def _gather(self, run: Running) -> None:
        from socialnlp_assets.assets.usage import usages_of  # with Dagster, which the command's help does without

        assert run.result is not None
        self.failed += not run.result.success
        for event in run.result.get_asset_materialization_events():
            metadata = {name: value.value for name, value in event.materialization.metadata.items()}
            workflow, asset = event.materialization.asset_key.path
            self.assets[workflow, asset][run.hour] = metadata
            self.usage += usages_of(event.materialization)
        for check in run.result.get_asset_check_evaluations():
            self.checks[check.passed] += 1
            if not check.passed:
                self.problems.append(f"{check.asset_key.to_user_string()} {check.check_name}: {check.description}")
        for event in run.result.all_events:
            if event.is_step_failure:
                error = event.step_failure_data.error
                cause = (error.cause or error) if error else None
                self.problems.append(f"{event.step_key}: {cause.message.strip()[:300] if cause else event.message}")

    def show(self, lake: Lake) -> None:
        """The tables, and where the results lie."""
        self._show_assets()
        self._show_endpoints()
        passed, failed = self.checks[True], self.checks[False]
        self.console.print(f"checks: {passed} passed, {failed} failed" + "".join(f"\n  {p}" for p in self.problems))
        self._show_query(lake)

    def _show_assets(self) -> None:
        """A row an asset; a value an hour, of the last ones: rows in→out, dropped, held in quarantine, seconds."""
        hours = sorted({hour for runs in self.assets.values() for hour in runs})[-MOST_HOURS:]
        headings = [*(f"{hour[5:10]}\n{hour[11:]}" for hour in hours), "dropped", "held", "seconds"]
        self.console.print(
            "Rows in→out of the last hours; then what was dropped, held in quarantine, and took, hour by hour."
        )
        for workflow in dict.fromkeys(name for name, _ in self.assets):
            # Columns keep their cells, so each table has its own.
            figures = [Column(heading, justify="right", no_wrap=True) for heading in headings]
            table = Table(
                Column(workflow, no_wrap=True), *figures, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
            )
            for (name, asset), runs in self.assets.items():
                if name == workflow:
                    cells = [f"{runs[h]['rows_in']}→{runs[h]['rows_out']}" if h in runs else "" for h in hours]
                    values = [
                        _by_hour(runs, hours, figure) for figure in ("rows_dropped", "rows_quarantined", "seconds")
                    ]
                    table.add_row(asset, *cells, *values)
            self.console.print(table)
            self._show_stand_in(workflow)

    def _show_stand_in(self, workflow: str) -> None:
        """Where a stand-in translated: how many messages, how many of them doubtful, and what brings the real one."""
        hours = self.assets.get((workflow, "translations"), {}).values()
        if told := next((hour[STAND_IN] for hour in hours if STAND_IN in hour), ""):
            translated, doubtful = (
                sum(hour[f"translations/{name}"] for hour in hours) for name in ("translated", "doubtful")
            )
            self.console.print(f"translations: {translated}, of which {doubtful} are doubtful. {told}\n")

    def _show_endpoints(self) -> None:
        self.console.print(usage_table(self.usage))
        self.console.print(f"endpoints: {len(self.removed)} removed at the end, none is left")

    def _show_query(self, lake: Lake) -> None:
        workflow = next(iter(self.assets), ("sprinklr", ""))[0]
        query = (
            f"FROM '{lake.address(f'output/{workflow}')}/**/*.parquet' SELECT social, sentiment, count(*) GROUP BY ALL"
        )
        self.console.print(f"results: {lake.address('output')}; to read them:", soft_wrap=True, highlight=False)
        command = f'  {sys.executable} -c "import duckdb; duckdb.sql(\\"{query}\\").show()"'
        self.console.print(command, soft_wrap=True, highlight=False, markup=False)
        if self.pages:
            self.console.print("reports of the day, to open in a browser (those of the week lie beside, in ../week/):")
        for page in self.pages:
            self.console.print(f"  {page}", soft_wrap=True, highlight=False)
        self.console.print("to see the assets, checks and runs: make ui")


def _by_hour(runs: dict[str, Any], hours: list[str], name: str) -> str:
    """The values of the hours, one beside another."""
    values = [runs[hour][name] for hour in hours if hour in runs]
    return " ".join(f"{value:.1f}" if isinstance(value, float) else str(value) for value in values)
