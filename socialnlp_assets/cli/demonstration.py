"""What `socialnlp demo` does: sample hours land, the real sensors find them, every workflow runs on them.

Everything is the platform's own: its sources, assets, checks, sensors and endpoints, on a real Dagster instance
whose history `make ui` shows afterwards. Only the sources' servers and the article pages are stand-ins, on loopback.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import dagster as dg
import yaml

from socialnlp_assets.cli.home import QUIET, dagster_home, dagster_instance, interruptible, run_hour
from socialnlp_assets.cli.report import Report
from socialnlp_assets.definitions import build_definitions
from socialnlp_assets.fakes.pages import serve_articles
from socialnlp_assets.fakes.samples import sample_late_file
from socialnlp_assets.fakes.sources import SampleSources, sample_sources
from socialnlp_assets.files import private_folder, replace_file
from socialnlp_assets.mart.asset import is_installed
from socialnlp_assets.partitions import HOUR, floor_hour, key_of
from socialnlp_assets.report.figures import Period
from socialnlp_assets.report.page import path_of
from socialnlp_assets.resources.build import build_endpoints, build_lake
from socialnlp_assets.settings import Settings
from socialnlp_assets.workflow import load_workflows

NO_COMPUTE_LOGS = {
    "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
}
LOOKBACK_HOURS = 9 * 24  # for the sensors to see the day a week ago


BACK = (timedelta(0), timedelta(days=1), timedelta(weeks=1))  # what the reports of a day and a week compare with


def demonstrate(report: Report, workflows: tuple[str, ...], hours: int, days: int) -> None:
    """Run `hours` sample hours of each of `days` days and show the report; no endpoint is left, whatever happens."""
    last = floor_hour(datetime.now(UTC)) - hours * HOUR
    starts = sorted(last - back for back in BACK[:days])
    with (
        _instance() as instance,
        serve_articles() as pages,
        sample_sources(starts, hours, workflows, pages) as sources,
    ):
        settings = _settings(sources, pages)
        try:
            with interruptible():
                Demonstration(settings, instance, report, workflows, starts, hours).run(sources.dropped, pages)
        finally:
            with _uninterrupted():
                report.removed = _remove_endpoints(settings)
        report.show(build_lake(settings))


def _settings(sources: SampleSources, pages: str) -> Settings:
    """The user's settings, with the stand-ins as sources."""
    os.environ |= {f"SOCIALNLP_SECRET_{name}": value for name, value in sources.secrets.items()}
    file = private_folder(Settings().state) / "demo-sources.yaml"
    replace_file(file, yaml.safe_dump(sources.configuration))
    return Settings(
        article_allowed_hosts=frozenset({urlsplit(pages).netloc}), sources=file, landing_lookback_hours=LOOKBACK_HOURS
    )


class Demonstration:
    """Lands, looks and runs. `report` is told what came of it."""

    def __init__(
        self,
        settings: Settings,
        instance: dg.DagsterInstance,
        report: Report,
        workflows: tuple[str, ...],
        starts: Sequence[datetime],
        hours: int,
    ) -> None:
        self.instance = instance
        self.report = report
        self.workflows = workflows
        self.starts = starts
        self.hours = [start + number * HOUR for start in starts for number in range(hours)]
        self.lake = build_lake(settings)
        self.definitions = build_definitions(settings)
        self.repository = self.definitions.get_repository_def()
        self.cursors: dict[str, str | None] = {}

    def run(self, dropped: dict[str, bytes], pages: str) -> None:
        """Pull and drop the hours' messages and run what landed; then the same for a late file."""
        self._pull()
        self._drop(dropped, "files")
        self._run_what_landed(again=True)
        late: dict[str, bytes] = {}
        for workflow in self.workflows:
            late |= sample_late_file(self.starts[-1], workflow=workflow, articles_at=pages)
        self._drop(late, "late files")
        self._run_what_landed()
        if is_installed():
            self._report()

    def _report(self) -> None:
        """Bring the data mart up to date, and the reports that are made of it; those of the last day are named."""
        self.report.say("the data mart and the reports are being made")
        with interruptible():
            job = self.definitions.resolve_job_def("mart")
            done = job.execute_in_process(instance=self.instance, run_config=QUIET, raise_on_error=False)
        if not done.success:
            self.report.failed += 1
            return
        day = Period.of("day", self.hours[-1])
        self.report.pages = [self.lake.address(path_of(workflow, day, "en")) for workflow in self.workflows]
        self.report.say("the data mart and the reports are made")

    @property
    def _keys(self) -> list[str]:
        return [key_of(hour) for hour in self.hours]

    def _pull(self) -> None:
        """Materialise the landing assets from the stand-ins of Sprinklr and Google."""
        kinds = {kind for workflow in self.workflows for kind in load_workflows()[workflow].source.kinds}
        for kind in sorted(kinds, reverse=True):
            for hour in self._keys:
                if not self._execute(f"pull_{kind}", hour, {}).success:
                    self.report.failed += 1
            self.report.say(f"{len(self.hours)} hours pulled from a stand-in of {kind}")

    def _drop(self, files: dict[str, bytes], what: str) -> None:
        for path, data in files.items():
            self.lake.put_if_changed(path, data)
        self.report.say(f"{len(files)} {what} dropped into {self.lake.address('landing')}")

    def _execute(self, job: str, hour: str, tags: Mapping[str, str]) -> dg.ExecuteInProcessResult:
        return run_hour(self.definitions.resolve_job_def(job), hour, self.instance, tags=tags, run_config=QUIET)

    def _run_what_landed(self, again: bool = False) -> None:
        """One tick of each workflow's sensor, and the runs that they ask for. With `again`, hours that have run
        with the same files before, in an earlier demonstration, run once more."""
        plan: list[tuple[str, str, Mapping[str, str]]] = []
        for workflow in self.workflows:
            requests = [request for request in self._tick(workflow) if request.partition_key in self._keys]
            if again and not requests:
                self.report.say(f"{workflow}: nothing new since the last demonstration; the same hours run again")
                requests = [dg.RunRequest(partition_key=hour) for hour in self._keys]
            plan += [(workflow, str(request.partition_key), request.tags) for request in requests]
        self.report.say(f"the sensors ask for {len(plan)} runs, an hour of a workflow each")
        for number, (workflow, hour, tags) in enumerate(plan, start=1):
            with self.report.running(workflow, hour, f"{number} of {len(plan)}") as running:
                running.result = self._execute(workflow, hour, tags)

    def _tick(self, workflow: str) -> list[dg.RunRequest]:
        sensor = self.definitions.resolve_sensor_def(f"{workflow}_landing")
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursors.get(workflow),
            repository_def=self.repository,
            resources={"lake": self.lake},
        ) as context:
            tick = sensor.evaluate_tick(context)
        self.cursors[workflow] = tick.cursor
        return list(tick.run_requests or [])


@contextmanager
def _instance() -> Iterator[dg.DagsterInstance]:
    """The user's, without what steps print: Dagster would mirror that with processes that Ctrl-C reaches, too."""
    home = dagster_home()
    configuration = yaml.safe_load((home / "dagster.yaml").read_text(encoding="utf-8")) or {}
    replace_file(home / "demo.yaml", yaml.safe_dump(configuration | NO_COMPUTE_LOGS))
    # The progress says what Dagster would; SQLAlchemy has a traceback for each connection that Ctrl-C costs it.
    for name in ("dagster", "sqlalchemy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with dagster_instance("demo.yaml") as instance:
        yield instance


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A second Ctrl-C, or a window that is closed, must not keep us from removing what the first one left."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _remove_endpoints(settings: Settings) -> list[str]:
    endpoints = build_endpoints(settings)
    running = [record.endpoint for record in endpoints.records()]
    endpoints.stop_all()
    return running
