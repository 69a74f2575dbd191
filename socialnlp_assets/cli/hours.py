"""`socialnlp hours`: the hours that wait for somebody, and another try."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import dagster as dg

    from socialnlp_assets.assets.inventory import WaitingHour
    from socialnlp_assets.assets.stale import StaleHour
    from socialnlp_assets.settings import Settings
    from socialnlp_assets.workflow import Workflow


@click.group()
def hours() -> None:
    """Hours that failed, were cancelled, are incomplete or never ran; hours that an older model made."""


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
    """Run the HOURS of WORKFLOW that wait (all of them if none is named), each from what it lacks. What a replay had
    chosen from quarantine stays chosen."""
    import dagster as dg

    from socialnlp_assets.assets.quarantine import CHOICE
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
            before = instance.get_run_by_id(waiting[hour].run) if waiting[hour].run else None
            tags = {name: value for name, value in (before.tags if before else {}).items() if name == CHOICE}
            for job, assets in _jobs(known[workflow], waiting[hour]):
                keys = [dg.AssetKey([workflow, asset]) for asset in assets] or None
                ended = run_hour(definitions.resolve_job_def(job), hour, instance, asset_selection=keys, tags=tags)
                click.echo(f"{hour}: {job}, run {ended.run_id} {'succeeded' if ended.success else 'failed'}")
                if not ended.success:
                    failed.append(hour)
                    break
    if failed:
        raise click.ClickException(f"{', '.join(failed)} failed; `socialnlp hours list` says why")


@hours.command()
@click.option("--workflow", help="Only this workflow's.")
@click.option("--days", type=click.IntRange(1, 3660), default=30, show_default=True, help="How far to look back.")
@click.option("--run", "again", is_flag=True, help="Make them anew: of each hour what has changed, and what follows.")
def stale(workflow: str | None, days: int, again: bool) -> None:
    """Hours that an older version of a model made, and what making them anew would cost."""
    from socialnlp_assets.assets.stale import cost_of, stale_hours
    from socialnlp_assets.cli.home import dagster_instance
    from socialnlp_assets.resources.build import build_endpoints, build_lake
    from socialnlp_assets.settings import Settings

    settings = Settings()
    workflows = _workflows(settings, workflow)
    since = datetime.now(UTC) - timedelta(days=days)
    with dagster_instance() as instance, build_endpoints(settings) as endpoints:
        lake, version = build_lake(settings), endpoints.version_label
        found = [
            hour
            for name, each in workflows.items()
            for hour in stale_hours(lake, name, each.all_steps(settings.keep_personal_data), version, since)
        ]
        cost = 0.0
        for hour in found:
            cost += cost_of(instance, hour)
            made = ", ".join(f"{model} {before} → {now}" for model, (before, now) in hour.models.items())
            click.echo(f"{hour.workflow} {hour.hour}: {made}; again: {', '.join(hour.assets)}")
        if not found:
            click.echo("every hour was made by the versions in service")
            return
        click.echo(f"{len(found)} hours; they cost {cost:.4f} USD the last time")
        if again:
            _run_again(settings, instance, found)


def _run_again(settings: Settings, instance: dg.DagsterInstance, stale: list[StaleHour]) -> None:
    import dagster as dg

    from socialnlp_assets.cli.home import run_hour
    from socialnlp_assets.definitions import build_definitions

    definitions = build_definitions(settings)
    failed = []
    for hour in stale:
        keys = [dg.AssetKey([hour.workflow, asset]) for asset in hour.assets]
        job = definitions.resolve_job_def(hour.workflow)
        ended = run_hour(job, hour.hour, instance, asset_selection=keys)
        click.echo(f"{hour.workflow} {hour.hour}: run {ended.run_id} {'succeeded' if ended.success else 'failed'}")
        failed += [] if ended.success else [hour.hour]
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
