"""`socialnlp backfill`: hours of a workflow run anew, as one backfill of Dagster's, watched from the command line."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import dagster as dg

    from socialnlp_assets.settings import Settings
    from socialnlp_assets.workflow import Workflow

POLL = 2.0  # seconds
HEARD = timedelta(minutes=2)  # since a daemon that lives was heard last: it says so every 30 s
AT_MOST_TAG = "socialnlp/at_most"  # limited by its value, in dagster.yaml
TIMES = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d-%H:%M"])


@click.command()
@click.argument("workflow")
@click.option("--from", "since", type=TIMES, required=True, help="The first hour, UTC: 2026-11-20 or 2026-11-20-08:00.")
@click.option("--to", "until", type=TIMES, required=True, help="The hour after the last.")
@click.option("--at-most", type=click.Choice(["1", "2", "4", "8"]), default="2", show_default=True, help="At a time.")
@click.option("--skip-unchanged", is_flag=True, help="Leave out hours whose files, code and models are as they were.")
@click.option("--detach", is_flag=True, help="Only ask for it; the daemon runs it, and the UI shows it.")
def backfill(workflow: str, since: datetime, until: datetime, at_most: str, skip_unchanged: bool, detach: bool) -> None:
    """Run hours of WORKFLOW anew, as a backfill that `socialnlp ui` runs and shows. Ctrl-C leaves it to it."""
    from socialnlp_assets.cli.home import dagster_instance
    from socialnlp_assets.partitions import HOUR, hourly_partitions, key_of
    from socialnlp_assets.settings import Settings
    from socialnlp_assets.workflow import running_workflows

    settings, workflows = Settings(), running_workflows(Settings())
    if workflow not in workflows:
        raise click.UsageError(f"no workflow is called {workflow!r}; choose one of {', '.join(workflows)}")
    first, last = key_of(since.replace(tzinfo=UTC)), key_of(until.replace(tzinfo=UTC) - HOUR)
    known = hourly_partitions(settings.start).get_partition_keys()
    hours = [hour for hour in known if first <= hour <= last]
    if not hours:
        raise click.UsageError(
            f"no hour from {first} to {last} is a partition; those go from {known[0]} to {known[-1]}"
        )
    with dagster_instance() as instance:
        _require_limit(instance, at_most)
        skipped = _unchanged(settings, instance, workflows[workflow], hours) if skip_unchanged else set()
        if skipped:
            click.echo(f"{len(skipped)} of {len(hours)} hours are unchanged and left out")
        if not (wanted := [hour for hour in hours if hour not in skipped]):
            return
        id = _ask(settings, instance, workflows[workflow], wanted, at_most)
        click.echo(f"backfill {id}: {len(wanted)} hours of {workflow}, at most {at_most} at a time")
        if not _daemon_lives(instance):
            click.echo("no daemon runs on this instance: the backfill waits until `socialnlp ui` is started")
        if detach:
            return
        try:
            progress = _watch(instance, workflow, id, wanted)
        except KeyboardInterrupt:
            click.echo("the backfill goes on; the UI shows it, and can cancel it")
            raise
    if progress.failed:
        some = ", ".join(progress.failed[:5]) + (" …" if len(progress.failed) > 5 else "")
        raise click.ClickException(
            f"{len(progress.failed)} hours failed: {some}; `socialnlp hours list` says why, and what runs each again"
        )


def _require_limit(instance: dg.DagsterInstance, at_most: str) -> None:
    queue = instance.get_concurrency_config().run_queue_config
    limits = (queue.tag_concurrency_limits if queue else None) or []
    if not any(limit["key"] == AT_MOST_TAG and limit.get("value") == at_most for limit in limits):
        raise click.ClickException(
            f"{instance.root_directory}/dagster.yaml does not limit backfills yet; add to tag_concurrency_limits:\n"
            f'      - {{key: {AT_MOST_TAG}, value: "{at_most}", limit: {at_most}}}'
        )


def _unchanged(
    settings: Settings, instance: dg.DagsterInstance, workflow: Workflow, hours: Collection[str]
) -> set[str]:
    """Those of `hours` that would come out the same, and do not wait for anything."""
    from socialnlp_assets.assets.inventory import waiting_hours
    from socialnlp_assets.assets.versions import unchanged_hours
    from socialnlp_assets.resources.build import build_endpoints, build_lake

    lake, steps = build_lake(settings), workflow.all_steps(settings.keep_personal_data)
    with build_endpoints(settings) as endpoints:
        same = unchanged_hours(instance, lake, endpoints, workflow.name, steps, workflow.checks, hours)
    assets = {workflow.name: workflow.assets()}
    return same - {each.hour for each in waiting_hours(instance, lake, assets, settings.start, datetime.now(UTC))}


def _ask(settings: Settings, instance: dg.DagsterInstance, workflow: Workflow, hours: list[str], at_most: str) -> str:
    """Put the backfill on record, for the daemon to run; its id."""
    import dagster as dg
    from dagster._core.execution.backfill import PartitionBackfill
    from dagster._core.utils import make_new_backfill_id

    from socialnlp_assets.definitions import build_definitions

    asked = PartitionBackfill.from_asset_partitions(
        backfill_id=make_new_backfill_id(),
        asset_graph=build_definitions(settings).get_repository_def().asset_graph,
        partition_names=hours,
        asset_selection=[dg.AssetKey([workflow.name, asset]) for asset in workflow.assets()],
        backfill_timestamp=time.time(),
        tags={AT_MOST_TAG: at_most, "dagster/priority": "-1"},  # hours that have just landed go first
        dynamic_partitions_store=instance,
        all_partitions=False,
        title=f"{workflow.name}, {hours[0]} to {hours[-1]}",
        description=None,
        run_config=None,
    )
    instance.add_backfill(asked)
    return str(asked.backfill_id)


def _daemon_lives(instance: dg.DagsterInstance) -> bool:
    heartbeat = instance.get_daemon_heartbeats().get("BACKFILL")
    return heartbeat is not None and time.time() - heartbeat.timestamp < HEARD.total_seconds()


@dataclass(frozen=True)
class Progress:
    """How far a backfill is. Times in seconds since 1970, money in USD."""

    hours: int
    states: Counter[str]  # of the last run of each hour that has one: success, failure, canceled, or another
    failed: list[str]
    began: float | None  # the first run
    cost: float  # of the hours that are done
    now: float

    @property
    def ended(self) -> int:
        return self.states["SUCCESS"] + self.states["FAILURE"] + self.states["CANCELED"]

    def line(self) -> str:
        """Where it stands, and what is left, as the hours so far were."""
        parts = [f"{self.ended} of {self.hours} hours done"]
        if self.failed:
            parts.append(f"{len(self.failed)} of them failed")
        if running := self.states["STARTED"] + self.states["STARTING"]:
            parts.append(f"{running} running")
        if self.began and self.ended and self.ended < self.hours:
            left = self.hours - self.ended
            seconds = (self.now - self.began) / self.ended * left
            succeeded = self.states["SUCCESS"]
            money = self.cost / succeeded * left if succeeded else 0.0
            parts.append(f"about {timedelta(seconds=round(seconds))} and ${money:.2f} left")
        return ", ".join([*parts, f"${self.cost:.2f} so far"])


def progress_of(instance: dg.DagsterInstance, workflow: str, id: str, hours: Collection[str]) -> Progress:
    """How far the backfill `id` of `hours` is."""
    import dagster as dg

    records = instance.get_run_records(dg.RunsFilter(tags={"dagster/backfill": id}))  # the newest come first
    last: dict[str, dg.RunRecord] = {}
    for record in records:
        last.setdefault(record.dagster_run.tags.get("dagster/partition", ""), record)
    began = [record.start_time for record in records if record.start_time]
    failed = sorted(h for h, r in last.items() if r.dagster_run.status is dg.DagsterRunStatus.FAILURE)
    return Progress(
        len(hours),
        Counter(record.dagster_run.status.value for record in last.values()),
        failed,
        min(began, default=None),
        sum(_costs(instance, workflow, {record.dagster_run.run_id for record in records}, min(began, default=None))),
        time.time(),
    )


def _costs(instance: dg.DagsterInstance, workflow: str, runs: Collection[str], began: float | None) -> Iterator[float]:
    """What each of `runs` whose output is published cost."""
    import dagster as dg

    if began is None:
        return
    wanted = dg.AssetRecordsFilter(dg.AssetKey([workflow, "output"]), after_timestamp=began)
    page: Any = instance.fetch_materializations(wanted, 1000)
    while page.records:
        for record in page.records:
            cost = record.asset_materialization.metadata.get("run/cost_usd")
            if record.run_id in runs and cost:
                yield cost.value
        if not page.has_more:
            return
        page = instance.fetch_materializations(wanted, 1000, page.cursor)


def _watch(instance: dg.DagsterInstance, workflow: str, id: str, hours: Collection[str]) -> Progress:
    """Show how far it is until it has ended: on a terminal in one line, else a line each tenth."""
    from rich.console import Console

    console, told = Console(highlight=False, markup=False), -1
    status = console.status("waiting for the daemon") if console.is_terminal else None
    with status or nullcontext():
        while True:
            found = instance.get_backfill(id)
            progress = progress_of(instance, workflow, id, hours)
            ended = found is None or found.status.value not in ("REQUESTED", "CANCELING", "FAILING")
            tenth = 10 * progress.ended // progress.hours
            if status:
                status.update(progress.line())
            if ended or (not status and tenth > told and 0 < progress.ended < progress.hours):
                told = tenth
                console.print(progress.line(), soft_wrap=True)
            if ended:
                if found and found.status.value not in ("COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED"):
                    raise click.ClickException(f"the backfill is {found.status.value.lower()}; the UI says why")
                return progress
            time.sleep(POLL)
