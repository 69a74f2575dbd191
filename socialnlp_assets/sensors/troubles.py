"""What is wrong now, by kind. `alerts.py` tells of it; each kind is one function here and one line in its list."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from socialnlp_assets.alerts import Trouble
from socialnlp_assets.assets.inventory import Lack, failed_hours, under_way
from socialnlp_assets.assets.usage import usages_of
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.workflow import Workflow

REMEMBERED = timedelta(days=7)  # failures before are in the inventory, and nobody is told of them again
ASSET_JOB = "__ASSET_JOB"  # Dagster's, of runs of assets that no job was named for
PAGE = 1000  # events in one answer of Dagster's storage
FAILURE, CANCELLATION, FRESHNESS, DRIFT, ENDPOINTS, BUDGET = KINDS = (
    "failure",
    "cancellation",
    "freshness",
    "drift",
    "endpoints",
    "budget",
)


@dataclass(frozen=True)
class Look:
    """What troubles are found in."""

    instance: dg.DagsterInstance
    endpoints: Endpoints
    workflows: Collection[Workflow]
    budget: float | None  # USD a day
    now: datetime

    def find(self, kind: str) -> list[Trouble]:
        """The troubles of one kind."""
        found: dict[str, Iterator[Trouble]] = {
            FAILURE: self._failures(),
            CANCELLATION: self._hours(CANCELLATION, Lack.CANCELLED),
            FRESHNESS: self._late(),
            DRIFT: self._drift(),
            ENDPOINTS: self._endpoints(),
            BUDGET: self._budget(),
        }
        return list(found[kind])

    def being_mended(self, told: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those, by kind and about, whose hour runs again or is to: not over, and not to be told again."""
        hours = {about.rpartition(" ")[2] for kind, about in told if kind in (FAILURE, CANCELLATION) and " " in about}
        running = {f"{workflow} {hour}" for workflow, hour in under_way(self.instance, hours)}
        return {(kind, about) for kind, about in told if about in running}

    def _hours(self, kind: str, lack: Lack) -> Iterator[Trouble]:
        assets = {workflow.name: workflow.assets() for workflow in self.workflows}
        for hour in failed_hours(self.instance, assets, self.now - REMEMBERED):
            if hour.lack is lack:
                yield Trouble(kind, f"{hour.workflow} {hour.hour}", f"{hour.step}: {hour.why}", hour.command)

    def _failures(self) -> Iterator[Trouble]:
        """Hours that failed, and jobs without hours, such as the mart's, whose last run failed."""
        yield from self._hours(FAILURE, Lack.FAILED)
        ended = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS]
        failed = self.instance.get_runs(
            dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=self.now - REMEMBERED), limit=PAGE
        )
        for name, run in sorted({_name(run): run for run in failed if "dagster/partition" not in run.tags}.items()):
            runs = self.instance.get_runs(dg.RunsFilter(job_name=run.job_name, statuses=ended), limit=PAGE)
            last = next((each for each in runs if _name(each) == name), run)
            if last.status is dg.DagsterRunStatus.FAILURE:
                yield Trouble(FAILURE, name, f"its last run failed: {last.run_id}", "the UI says why")

    def _late(self) -> Iterator[Trouble]:
        for workflow in self.workflows:
            for step in workflow.all_steps():
                key = dg.AssetKey([workflow.name, step.name])
                last = self.instance.get_latest_materialization_event(key) if step.late_after else None
                if not last or not step.late_after:
                    continue
                since = datetime.fromtimestamp(last.timestamp, UTC)
                if self.now - since > 2 * step.late_after:
                    why = f"no hour since {since:%Y-%m-%d %H:%M}"
                    yield Trouble(FRESHNESS, key.to_user_string(), why, "see whether the source delivers")

    def _drift(self) -> Iterator[Trouble]:
        for workflow in self.workflows:
            key = dg.AssetCheckKey(dg.AssetKey([workflow.name, "profile"]), "drift")
            last = self.instance.get_latest_asset_check_evaluation_record(key)
            evaluation = last.event.asset_check_evaluation if last and last.event else None
            if last and evaluation and not evaluation.passed:
                hour = last.partition or "the last hour"
                yield Trouble(DRIFT, workflow.name, f"{hour}: {evaluation.description or 'not like those before'}")

    def _endpoints(self) -> Iterator[Trouble]:
        for removal in self.endpoints.reap():  # as the reaper does, and cron: safe to repeat
            if removal.error:
                yield Trouble(ENDPOINTS, removal.endpoint, f"could not be removed: {removal.error}", "it costs money")

    def _budget(self) -> Iterator[Trouble]:
        if self.budget is None:
            return
        spent = sum(self._costs(self.now.replace(hour=0, minute=0, second=0, microsecond=0)))
        if spent > self.budget:
            why = f"${spent:.2f} of ${self.budget:.2f} a day spent on endpoints"
            yield Trouble(BUDGET, f"{self.now:%Y-%m-%d}", why, "`socialnlp endpoints list` shows what runs")

    def _costs(self, since: datetime) -> Iterator[float]:
        """What each step that was published since then used of its endpoints, USD."""
        for workflow in self.workflows:
            for step in workflow.all_steps():
                if not step.models():
                    continue
                key = dg.AssetKey([workflow.name, step.name])
                wanted = dg.AssetRecordsFilter(key, after_timestamp=since.timestamp())
                page = self.instance.fetch_materializations(wanted, PAGE)
                while page.records:
                    for record in page.records:
                        if event := record.asset_materialization:
                            yield sum(usage.cost_usd for usage in usages_of(event))
                    if not page.has_more:
                        break
                    page = self.instance.fetch_materializations(wanted, PAGE, page.cursor)


def _name(run: dg.DagsterRun) -> str:
    """The job of a run; where it has none of its own, the groups of its assets: mart and report."""
    if run.job_name != ASSET_JOB:
        return run.job_name
    return " and ".join(sorted({key.path[0] for key in run.asset_selection or ()})) or ASSET_JOB
