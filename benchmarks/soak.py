"""A week of arrivals on virtual time, with faults: every hour must come out right, and nothing may be left.

Hours land on S3 (moto's server) and are told by SQS; Dagster's sensors and the schedule of a source ask for runs, which
run in this process, one after the other; endpoints are made on the SageMaker of the tests. Real are the steps, the
sensors, the leases, the lake and Dagster; a minute of waiting takes no time. SOCIALNLP_BENCH_HOURS sets the number of
hours (168).
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
from rich.console import Console
from rich.table import Table

from benchmarks.soak_plan import FAULTS, LATEST, WORKFLOW, Plan, plan_of, tone_of
from benchmarks.soak_world import START, World, new_world
from socialnlp_assets.assets.inventory import waiting_hours
from socialnlp_assets.assets.landing import MINUTE
from socialnlp_assets.cli.home import QUIET
from socialnlp_assets.partitions import HOUR, floor_hour, hour_of, key_of
from socialnlp_assets.resources.hours import has_ended, holder, hour_store

TICK = timedelta(minutes=20)
DRAINED = timedelta(hours=LATEST + 5)  # after the last hour: until the last file has come, and every try was made
SENSORS = (f"{WORKFLOW}_landing", f"{WORKFLOW}_second_tries", "endpoint_reaper")


@dataclass
class Outcome:
    """What the soak came to; `problems` says in words what is not right."""

    hours: int
    faults: Counter[str]
    runs: Counter[str] = field(default_factory=Counter)  # by who asked, and how they ended
    failed_ticks: int = 0
    endpoints_made: int = 0
    cursor: int = 0  # characters of the longest
    virtual: timedelta = timedelta()
    real: float = 0.0  # seconds
    problems: list[str] = field(default_factory=list)


def soak(folder: Path, hours: int, seed: int = 1) -> Outcome:
    """Let `hours` land in an installation in `folder`, with faults drawn from `seed`."""
    began = time.perf_counter()
    plan = plan_of([START + n * HOUR for n in range(hours)], seed)
    outcome = Outcome(hours, plan.faults)
    with new_world(folder, plan.messages) as world:
        runs = Runs(world, outcome, plan.hours)
        due, end = list(plan.events), plan.hours[-1] + HOUR + DRAINED
        while world.clock.now() < end:
            world.clock.advance(TICK.total_seconds())
            while due and due[0].at <= world.clock.now():
                due.pop(0).do(world)
            runs.tick()
        outcome.virtual = world.clock.now() - START
        outcome.endpoints_made = len(world.sagemaker.called("CreateEndpoint"))
        outcome.problems = [*_wrong(world, plan), *_left(world, plan)]
    outcome.real = time.perf_counter() - began
    return outcome


class Runs:
    """What Dagster's daemon does: ticks, and the runs that they ask for, each in turn."""

    def __init__(self, world: World, outcome: Outcome, hours: Sequence[datetime]) -> None:
        self._world, self._outcome, self._hours = world, outcome, set(hours)
        self._cursors: dict[str, str | None] = dict.fromkeys(SENSORS)
        self._scheduled = world.clock.now()
        self._pulled: set[datetime] = set()
        self._keys: set[str] = set()

    def tick(self) -> None:
        world = self._world
        at = floor_hour(world.clock.now()) + timedelta(minutes=MINUTE)
        if self._scheduled < at <= world.clock.now():
            self._scheduled = at
            schedule = world.repository.get_schedule_def("pull_sprinklr_schedule")
            with dg.build_schedule_context(world.instance, at, repository_def=world.repository) as context:
                asked = schedule.evaluate_tick(context).run_requests or []
            # Once it has been asked for all of them, the source is switched off: an hour without messages is an hour.
            requests = asked if self._hours - self._pulled else []
            self._run_all("pull", "pull_sprinklr", requests)
        for name in SENSORS:
            sensor, cursor = world.repository.get_sensor_def(name), self._cursors[name]
            with (
                dg.build_sensor_context(
                    world.instance, cursor, repository_def=world.repository, resources=world.resources
                ) as context,
                self._counted_failure(),
            ):
                result = sensor.evaluate_tick(context)
                self._cursors[name] = result.cursor
                self._outcome.cursor = max(self._outcome.cursor, len(result.cursor or ""))
                self._run_all(name.removeprefix(f"{WORKFLOW}_"), WORKFLOW, result.run_requests or [])

    @contextmanager
    def _counted_failure(self) -> Iterator[None]:
        """A tick that fails is told, and the next one goes on: as in Dagster."""
        try:
            yield
        except dg.Failure:
            self._outcome.failed_ticks += 1

    def _run_all(self, who: str, job: str, requests: Sequence[dg.RunRequest]) -> None:
        for request in requests:
            if request.run_key in self._keys:  # as the daemon does
                continue
            self._keys.add(str(request.run_key))
            ended = self._world.repository.get_job(job).execute_in_process(
                partition_key=request.partition_key,
                instance=self._world.instance,
                tags=dict(request.tags),
                asset_selection=list(request.asset_selection) if request.asset_selection else None,
                run_config=QUIET,
                raise_on_error=False,
            )
            self._outcome.runs[f"{who}, {'succeeded' if ended.success else 'failed'}"] += 1
            if who == "pull" and ended.success:
                self._pulled.add(hour_of(str(request.partition_key)))
            with self._counted_failure():
                self._world.after_run(ended)


def _wrong(world: World, plan: Plan) -> list[str]:
    """Hours whose output is not what it must be."""
    wrong = []
    found = world.output()
    for hour in plan.hours:
        rows = found.get(hour, [])
        ids = Counter(id for id, _ in rows)
        lacking, strange = plan.expected[hour] - set(ids), set(ids) - plan.expected[hour]
        twice = [id for id, count in ids.items() if count > 1]
        untrue = [id for id, tone in rows if tone != tone_of(id)]
        if lacking or strange or twice or untrue:
            wrong.append(f"{key_of(hour)}: lacks {lacking}, has {strange}, {twice} twice, {untrue} wrong")
    return wrong


def _left(world: World, plan: Plan) -> list[str]:
    """What is there though nobody needs it any more."""
    sagemaker, lake = world.sagemaker, world.lake
    store, over = hour_store(lake), partial(has_ended, world.instance)
    assets = {WORKFLOW: world.workflow.assets()}
    left: Mapping[str, Sequence[object]] = {
        "endpoints": [*sagemaker.existing(), *sagemaker.scalable, *world.endpoints.records()],
        "models": list(sagemaker.model_entities),
        "configurations": list(sagemaker.configs),
        "messages in the queue": world.waiting() * ["?"],
        "hours taken": [each for hour in plan.hours if (each := holder(store, WORKFLOW, hour, over))],
        "markers of moved messages": list(lake.objects(lake.moved_folder(WORKFLOW))),
        "hours that wait": waiting_hours(world.instance, lake, assets, START, world.clock.now()),
        "runs under way": world.instance.get_run_ids(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])),
    }
    return [f"{len(each)} {what} left: {each[:3]}" for what, each in left.items() if each]


def report() -> None:
    """A week, and a table of what it came to. Raises RuntimeError where anything is not right."""
    # What the servers and the ticks tell, line by line, is for nobody.
    with TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        outcome = soak(Path(folder), int(os.environ.get("SOCIALNLP_BENCH_HOURS", "168")))
    table = Table("", "", box=None, show_header=False)
    table.add_row("hours", str(outcome.hours))
    for fault in FAULTS:
        table.add_row(f"  {fault}", str(outcome.faults[fault]))
    for what, count in sorted(outcome.runs.items()):
        table.add_row(f"runs by {what}", str(count))
    table.add_row("ticks that failed", str(outcome.failed_ticks))
    table.add_row("endpoints made", str(outcome.endpoints_made))
    table.add_row("longest cursor", f"{outcome.cursor:,} characters")
    table.add_row("time", f"{outcome.virtual.total_seconds() / 3600:.0f} virtual hours in {outcome.real:.0f} s")
    table.add_row("hours wrong, things left", str(len(outcome.problems)))
    Console().print(table)
    if outcome.problems:
        raise RuntimeError("\n".join(outcome.problems))
