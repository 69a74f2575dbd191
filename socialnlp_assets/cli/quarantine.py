"""`socialnlp quarantine`: what steps could not take, and another try."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

import click

if TYPE_CHECKING:
    import dagster as dg

    from socialnlp_assets.assets.quarantine import Choice, Rejected
    from socialnlp_assets.resources.lake import Lake


class Waiting(NamedTuple):
    """A record in quarantine, and where."""

    hour: str
    step: str
    rejected: Rejected


@click.group()
def quarantine() -> None:
    """Records that a step could not take, with the reason."""


def _name(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """One that a workflow may have: there may be records of one whose file has gone."""
    if value and not re.fullmatch(r"[a-z][a-z0-9_]*", value):
        raise click.BadParameter(f"no workflow can be called {value!r}; `socialnlp workflows list` shows them")
    return value


@quarantine.command("list")
@click.option("--workflow", callback=_name, help="Only this workflow's.")
@click.option("--records", is_flag=True, help="Show the records too.")
def list_(workflow: str | None, records: bool) -> None:
    """Show what is in quarantine, by hour and step. An id is that of the message, or file:position."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from socialnlp_assets.assets.quarantine import waiting
    from socialnlp_assets.cli.query import plain
    from socialnlp_assets.partitions import key_of
    from socialnlp_assets.resources.build import build_lake
    from socialnlp_assets.settings import Settings

    lake = build_lake(Settings())
    table = Table("workflow", "hour (UTC)", "step", "id", "reason")
    for name, hour, step, rejected in waiting(lake, workflow):
        for each in rejected:
            why = plain(each.reason) + (f"\n{plain(each.record[:500])}" if records else "")
            table.add_row(name, key_of(hour), step, Text(plain(each.identity)), Text(why))
    if table.row_count:
        # Redirected, it is for a script: wide enough that no cell is broken.
        Console(width=None if Console().is_terminal else 240).print(table)
    click.echo(f"{table.row_count} records in quarantine at {lake.address('quarantine')}")


@quarantine.command()
@click.argument("workflow", callback=_name)
@click.argument("hour")
@click.option("--step", help="Only what this step could not take.")
def show(workflow: str, hour: str, step: str | None) -> None:
    """Show the records of WORKFLOW that wait for HOUR (as `list` writes it), whole, with reason and remedy.

    In SQL they are the table `quarantine`:

    \b
    socialnlp query "SELECT step, message_id, reason FROM quarantine WHERE workflow = 'sprinklr'"
    """
    from socialnlp_assets.cli.query import plain
    from socialnlp_assets.resources.build import build_lake
    from socialnlp_assets.settings import Settings

    held = _waiting(build_lake(Settings()), workflow)
    found = [each for each in held if each.hour == hour and step in (None, each.step)]
    if not found:
        raise click.UsageError(f"nothing of {workflow} is in quarantine for {hour}; see `socialnlp quarantine list`")
    for each in found:
        reason, record = plain(each.rejected.reason), plain(each.rejected.record)
        click.echo(f"{each.step}, {plain(each.rejected.identity)}\n  {reason}\n  {record}\n")


@quarantine.command()
@click.argument("workflow")
@click.argument("hours", nargs=-1)
@click.option("--step", default="", help="Only what this step could not take.")
@click.option("--reason", default="", help="Only records whose reason has this text.")
@click.option("--only", multiple=True, metavar="ID", help="Only the record that `list` calls so; may be said again.")
def replay(workflow: str, hours: tuple[str, ...], step: str, reason: str, only: tuple[str, ...]) -> None:
    """Try records of WORKFLOW again: all in quarantine, or those of HOURS, or those that fit every option.

    An hour runs from the first step that holds some of them on. Landing keeps every message as delivered, so a run
    after a fix takes what it could not take before. What still cannot be taken stays in quarantine with its new
    reason, what was not chosen stays as it is; a file that could not be read as a whole is read again in any case.
    """
    import dagster as dg

    from socialnlp_assets.assets.quarantine import Choice
    from socialnlp_assets.assets.stale import following
    from socialnlp_assets.cli.home import dagster_instance, run_hour
    from socialnlp_assets.definitions import build_definitions
    from socialnlp_assets.resources.build import build_lake
    from socialnlp_assets.settings import Settings
    from socialnlp_assets.workflow import running_workflows

    settings = Settings()
    known = running_workflows(settings)
    if workflow not in known:
        raise click.UsageError(f"no workflow is called {workflow!r}; choose one of {', '.join(known)}")
    steps = {each.name: each for each in known[workflow].all_steps(settings.keep_personal_data)}
    if step and step not in steps:
        raise click.UsageError(f"{workflow} has no step {step!r}; choose one of {', '.join(steps)}")
    choice = Choice(step=step, reason=reason, only=only)
    try:
        tags = choice.tags() if choice != Choice() else {}
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    lake = build_lake(settings)
    chosen = _chosen([each for each in _waiting(lake, workflow) if each.step in steps], hours, choice)
    if not chosen:
        click.echo(f"nothing of {workflow} is in quarantine")
        return
    job = build_definitions(settings).resolve_job_def(workflow)
    failed = []
    with dagster_instance() as instance:
        _refuse_hours_under_way(lake, instance, workflow, {each.hour for each in chosen})
        for hour in sorted({each.hour for each in chosen}):
            tried = [each.step for each in chosen if each.hour == hour]
            assets = [dg.AssetKey([workflow, name]) for name in following(list(steps.values()), set(tried))]
            run = run_hour(job, hour, instance, tags=tags, asset_selection=assets)
            left = sum(each.hour == hour for each in _waiting(lake, workflow))
            click.echo(f"{hour}: {len(tried)} records tried again, {left} in quarantine now, run {run.run_id}")
            failed += [] if run.success else [hour]
    if failed:
        raise click.ClickException(
            f"the runs of {', '.join(failed)} failed, and changed nothing of what they could not publish; "
            "`socialnlp hours list` says why"
        )


def _waiting(lake: Lake, workflow: str) -> list[Waiting]:
    from socialnlp_assets.assets.quarantine import waiting
    from socialnlp_assets.partitions import key_of

    return [
        Waiting(key_of(hour), step, each) for _, hour, step, rejected in waiting(lake, workflow) for each in rejected
    ]


def _chosen(waiting: list[Waiting], hours: Collection[str], choice: Choice) -> list[Waiting]:
    """Those that are to be tried again. Raises click.UsageError for an hour or a record that does not wait."""
    if unknown := sorted(set(hours) - {each.hour for each in waiting}):
        raise click.UsageError(f"nothing of this workflow is in quarantine for {', '.join(unknown)}")
    asked = [each for each in waiting if not hours or each.hour in hours]
    if unknown := sorted(set(choice.only) - {each.rejected.identity for each in asked}):
        raise click.UsageError(f"{', '.join(unknown)}: not in quarantine; `socialnlp quarantine list` shows what is")
    chosen = [each for each in asked if choice.takes(each.step, each.rejected)]
    if asked and not chosen:
        raise click.UsageError("nothing in quarantine fits all of these options; see `socialnlp quarantine list`")
    return chosen


def _refuse_hours_under_way(lake: Lake, instance: dg.DagsterInstance, workflow: str, hours: Collection[str]) -> None:
    """Raises click.UsageError for an hour that a run has or is to take: it would change what was chosen from."""
    from functools import partial

    from socialnlp_assets.assets.inventory import under_way
    from socialnlp_assets.partitions import hour_of
    from socialnlp_assets.resources.hours import has_ended, holder, hour_store

    store, is_over = hour_store(lake), partial(has_ended, instance)
    busy = {hour for name, hour in under_way(instance, hours) if name == workflow}
    busy |= {hour for hour in hours if holder(store, workflow, hour_of(hour), is_over)}
    if busy:
        raise click.UsageError(
            f"a run of {', '.join(sorted(busy))} is under way or in the queue; wait until it has ended"
        )
