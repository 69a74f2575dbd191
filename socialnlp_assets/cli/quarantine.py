"""`socialnlp quarantine`: what steps could not take, and another try."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import pyarrow as pa

    from socialnlp_assets.resources.lake import Lake


@click.group()
def quarantine() -> None:
    """Records that a step could not take, with the reason."""


def held(lake: Lake, workflow: str | None) -> Iterator[tuple[str, str, pa.Table]]:
    """(workflow, hour, records) of everything in quarantine, an hour and a step at a time."""
    from socialnlp_assets.partitions import hour_in_path, key_of

    for file in lake.objects(f"quarantine/{workflow}" if workflow else "quarantine"):
        hour = hour_in_path(file.path)
        if hour is not None:
            yield file.path.split("/")[1], key_of(hour), lake.read_table(file.path)


def _name(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """One that a workflow may have: there may be records of one whose file has gone."""
    if value and not re.fullmatch(r"[a-z][a-z0-9_]*", value):
        raise click.BadParameter(f"no workflow can be called {value!r}; `socialnlp workflows list` shows them")
    return value


@quarantine.command("list")
@click.option("--workflow", callback=_name, help="Only this workflow's.")
@click.option("--records", is_flag=True, help="Show the records too.")
def list_(workflow: str | None, records: bool) -> None:
    """Show what is in quarantine, by hour and step."""
    from rich.console import Console
    from rich.table import Table

    from socialnlp_assets.resources.build import build_lake
    from socialnlp_assets.settings import Settings

    lake = build_lake(Settings())
    table = Table("workflow", "hour (UTC)", "step", "file", "record", "reason")
    for name, hour, rows in held(lake, workflow):
        for row in rows.to_pylist():
            reason = f"{row['reason']}\n{row['record'][:500]}" if records else row["reason"]
            table.add_row(name, hour, row["step"], row["file"] or row["message_id"], str(row["position"]), reason)
    if table.row_count:
        # Redirected, it is for a script: wide enough that no cell is broken.
        Console(width=None if Console().is_terminal else 240).print(table)
    click.echo(f"{table.row_count} records in quarantine at {lake.address('quarantine')}")


@quarantine.command()
@click.argument("workflow")
@click.argument("hour")
@click.option("--step", help="Only what this step could not take.")
def show(workflow: str, hour: str, step: str | None) -> None:
    """Show the records of WORKFLOW that wait for HOUR (as `list` writes it), whole, with reason and remedy.

    They are Parquet files: DuckDB reads them with
    SELECT * FROM read_parquet('<lake>/quarantine/<workflow>/**/*.parquet', hive_partitioning = true).
    """
    from socialnlp_assets.resources.build import build_lake
    from socialnlp_assets.settings import Settings

    found = [
        row
        for name, when, rows in held(build_lake(Settings()), workflow)
        if (name, when) == (workflow, hour)
        for row in rows.to_pylist()
        if step in (None, row["step"])
    ]
    if not found:
        raise click.UsageError(f"nothing of {workflow} is in quarantine for {hour}; see `socialnlp quarantine list`")
    for row in found:
        click.echo(f"{row['step']}, {row['message_id'] or row['file']}\n  {row['reason']}\n  {row['record']}\n")


@quarantine.command()
@click.argument("workflow")
@click.argument("hours", nargs=-1)
def replay(workflow: str, hours: tuple[str, ...]) -> None:
    """Run the HOURS of WORKFLOW again that have records in quarantine (all of them if none is named).

    Landing keeps every message as delivered, so a run after a fix takes what it could not take before. An hour
    that still cannot take a record keeps it in quarantine.
    """

    from socialnlp_assets.cli.home import dagster_instance, run_hour
    from socialnlp_assets.definitions import build_definitions
    from socialnlp_assets.resources.build import build_lake
    from socialnlp_assets.settings import Settings
    from socialnlp_assets.workflow import running_workflows

    settings = Settings()
    known = running_workflows(settings)
    if workflow not in known:
        raise click.UsageError(f"no workflow is called {workflow!r}; choose one of {', '.join(known)}")
    lake = build_lake(settings)
    waiting = sorted({hour for _, hour, _ in held(lake, workflow)})
    if unknown := sorted(set(hours) - set(waiting)):
        raise click.UsageError(f"nothing of {workflow} is in quarantine for {', '.join(unknown)}")
    if not waiting:
        click.echo(f"nothing of {workflow} is in quarantine")
        return
    job = build_definitions(settings).resolve_job_def(workflow)
    failed = []
    with dagster_instance() as instance:
        for hour in hours or waiting:
            before = _count(lake, workflow, hour)
            run = run_hour(job, hour, instance)
            click.echo(f"{hour}: {before} records before, {_count(lake, workflow, hour)} now, run {run.run_id}")
            failed += [] if run.success else [hour]
    if failed:
        raise click.ClickException(f"the runs of {', '.join(failed)} failed; see them in the Dagster UI")


def _count(lake: Lake, workflow: str, hour: str) -> int:
    return sum(rows.num_rows for _, when, rows in held(lake, workflow) if when == hour)
