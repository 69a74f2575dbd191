"""`socialnlp hours`: the hours that wait for somebody, and another try."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import dagster as dg

    from socialnlp_assets.assets.inventory import WaitingHour
    from socialnlp_assets.settings import Settings
    from socialnlp_assets.workflow import Workflow


@click.group()
def hours() -> None:
    """Hours that failed, were cancelled, are incomplete or never ran."""


@hours.command("list")
@click.option("--workflow", help="Only this workflow's.")
def list_(workflow: str | None) -> None:
    """Show them: since when, at which step, why, and what runs them again."""
    from rich.console import Console
    from rich.table import Table

    from socialnlp_assets.assets.inventory import COLUMNS
    from socialnlp_assets.cli.home import dagster_instance
    from socialnlp_assets.settings import Settings

    settings = Settings()
    workflows = _workflows(settings, workflow)
    with dagster_instance() as instance:
        waiting = _waiting(settings, instance, workflows)
    table = Table(*COLUMNS, box=None, pad_edge=False)
    for each in waiting:
        table.add_row(*each.as_row().values())
    if waiting:
        # Redirected, it is for a script: wide enough that no cell is broken.
        Console(width=None if Console().is_terminal else 400, markup=False).print(table)
    click.echo(f"{len(waiting)} hours wait" if waiting else "no hour waits")


@hours.command()
@click.argument("workflow")
@click.argument("hours", nargs=-1)
def run(workflow: str, hours: tuple[str, ...]) -> None:
    """Run the HOURS of WORKFLOW that wait (all of them if none is named), each from what it lacks."""
    import dagster as dg

    from socialnlp_assets.cli.home import dagster_instance, run_hour
    from socialnlp_assets.definitions import build_definitions
    from socialnlp_assets.settings import Settings

    settings = Settings()
    known = _workflows(settings, workflow)
    failed = []
    with dagster_instance() as instance:
        waiting = {each.hour: each for each in _waiting(settings, instance, known)}
        if unknown := sorted(set(hours) - set(waiting)):
            raise click.UsageError(f"of {workflow}, these do not wait: {', '.join(unknown)}; hours list shows which do")
        definitions = build_definitions(settings)
        for hour in hours or sorted(waiting):
            for job, assets in _jobs(known[workflow], waiting[hour]):
                keys = [dg.AssetKey([workflow, asset]) for asset in assets] or None
                ended = run_hour(definitions.resolve_job_def(job), hour, instance, asset_selection=keys)
                click.echo(f"{hour}: {job}, run {ended.run_id} {'succeeded' if ended.success else 'failed'}")
                if not ended.success:
                    failed.append(hour)
                    break
    if failed:
        raise click.ClickException(f"{', '.join(failed)} failed; `socialnlp hours list` says why")


def _jobs(workflow: Workflow, waiting: WaitingHour) -> list[tuple[str, list[str]]]:
    """What to run for an hour, one after the other: (job, its assets; none means all)."""
    from socialnlp_assets.assets.inventory import LANDING

    lacking = [asset for asset in waiting.assets if asset != LANDING]
    pull: list[tuple[str, list[str]]] = [(f"pull_{workflow.source.kind}", [])] if LANDING in waiting.assets else []
    return [*pull, *([(workflow.name, lacking)] if lacking else [])]


def _workflows(settings: Settings, only: str | None) -> dict[str, Workflow]:
    from socialnlp_assets.workflow import running_workflows

    known = running_workflows(settings)
    if only is None:
        return known
    if only not in known:
        raise click.UsageError(f"no workflow is called {only!r}; choose one of {', '.join(known)}")
    return {only: known[only]}


def _waiting(settings: Settings, instance: dg.DagsterInstance, workflows: dict[str, Workflow]) -> list[WaitingHour]:
    from socialnlp_assets.assets.inventory import waiting_hours
    from socialnlp_assets.resources.build import build_lake

    assets = {name: workflow.assets() for name, workflow in workflows.items()}
    return waiting_hours(instance, build_lake(settings), assets, settings.start, datetime.now(UTC))
