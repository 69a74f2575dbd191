"""`landing`: the raw messages as delivered, pulled from their source an hour at a time or dropped by others.

A source that the sources file configures is pulled by one operation for all the workflows that it feeds, on a
schedule that makes up for what was missed. The landing area of a workflow that nobody pulls for is an external asset,
which the landing sensor reports on; so is that of one that several sources are pulled for, each of which has an asset
of its own beside it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from socialnlp_assets.partitions import hour_of
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.sources.source import Source, SourceOptions

MINUTE = 5  # of the next hour, at which an hour is pulled: sources need a moment to deliver its last messages
MISSED = 24  # hours back in which a tick looks for what was not pulled
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass
class Landing:
    """The landing assets, with the jobs and schedules that pull those of configured sources."""

    assets: list[Any] = field(default_factory=list)
    jobs: list[Any] = field(default_factory=list)
    schedules: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Fed:
    """A workflow, as far as its landing area goes."""

    options: SourceOptions
    owners: tuple[str, ...] = ()


def build_landing(
    workflows: Mapping[str, Fed], partitions: dg.HourlyPartitionsDefinition, configured: Mapping[str, Source]
) -> Landing:
    """The landing area of each workflow; `configured` are the sources that can be pulled, by name."""
    pulls = {name: [kind for kind in fed.options.kinds if kind in configured] for name, fed in workflows.items()}
    landing = Landing()
    for name, kinds in pulls.items():
        if len(kinds) != 1:
            landing.assets.append(_spec(name, workflows[name], partitions, deps=[_key(name, kinds, k) for k in kinds]))
    for kind, source in configured.items():
        fed = {name: workflows[name] for name, kinds in pulls.items() if kind in kinds}
        if not fed:
            continue
        keys = {name: _key(name, pulls[name], kind) for name in fed}
        asset = _pulled(source, fed, keys, partitions)
        # One pull of a source at a time: they share its rate limit, and what it remembers (see tag_concurrency_limits).
        tags = {"socialnlp/hour": f"pull_{kind}"}
        job = dg.define_asset_job(f"pull_{kind}", selection=dg.AssetSelection.assets(asset), tags=tags)
        landing.assets.append(asset)
        landing.jobs.append(job)
        landing.schedules.append(_schedule(job, list(keys.values()), partitions))
    return landing


def _key(workflow: str, kinds: Sequence[str], kind: str) -> dg.AssetKey:
    """The asset that a source is pulled into: the landing area itself where it is the only one."""
    return dg.AssetKey([workflow, "landing" if list(kinds) == [kind] else f"landing_{kind}"])


def _schedule(
    job: Any, keys: Sequence[dg.AssetKey], partitions: dg.HourlyPartitionsDefinition
) -> dg.ScheduleDefinition:
    """Pulls the hour that has just ended, and, unless the last pull failed, all that were missed: because the source
    or the daemon was down. Waiting is left to the schedule, so that an outage holds no run's place."""

    @dg.schedule(
        name=f"{job.name}_schedule",
        job=job,
        cron_schedule=f"{MINUTE} * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Pulls each hour, and those of the last {MISSED} that were missed.",
    )
    def pulls(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        tick = context.scheduled_execution_time
        due = partitions.get_partition_keys(current_time=tick)[-MISSED:]
        pulled = set.intersection(*(set(context.instance.get_materialized_partitions(key)) for key in keys))
        last = context.instance.get_run_records(dg.RunsFilter(job_name=job.name, statuses=ENDED), limit=1)
        works = bool(last) and last[0].dagster_run.status is dg.DagsterRunStatus.SUCCESS
        missing = [key for key in due if key not in pulled and (works or key == due[-1])]
        for key in missing:
            yield dg.RunRequest(run_key=f"{key}, asked at {tick:%Y-%m-%d %H:%M}", partition_key=key)
        if not missing:
            yield dg.SkipReason("every hour has been pulled")

    return pulls


def _spec(
    workflow: str,
    fed: Fed,
    partitions: dg.HourlyPartitionsDefinition,
    key: dg.AssetKey | None = None,
    deps: Sequence[dg.AssetKey] = (),
) -> dg.AssetSpec:
    return dg.AssetSpec(
        key or dg.AssetKey([workflow, "landing"]),
        deps=deps,
        group_name=workflow,
        partitions_def=partitions,
        kinds={"json", "s3"},
        owners=list(fed.owners),
        description=f"The raw messages as delivered, in files of any accepted format, at landing/{workflow}/.",
    )


def _pulled(
    source: Source, fed: Mapping[str, Fed], keys: Mapping[str, dg.AssetKey], partitions: dg.HourlyPartitionsDefinition
) -> dg.AssetsDefinition:
    options = {name: workflow.options for name, workflow in fed.items()}
    kind = source.name

    def pull(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        lake: Lake = context.resources.lake
        puller: Source = getattr(context.resources, kind)
        for landed in puller.pull(lake, hour_of(context.partition_key), options):
            for problem in landed.problems:
                context.log.warning(f"{landed.workflow}: {problem}")
            metadata: dict[str, Any] = {
                "dagster/uri": lake.address(landed.path),
                "messages": landed.messages,
                "bytes": landed.size,
                "changed": landed.changed,
            }
            if landed.problems:
                metadata["problems"] = list(landed.problems)
            yield dg.MaterializeResult(asset_key=keys[landed.workflow], metadata=metadata)

    decorate: Callable[..., Any] = dg.multi_asset(
        name=f"pull_{kind}",
        specs=[_spec(name, fed[name], partitions, key=key) for name, key in keys.items()],
        required_resource_keys={"lake", kind},
    )
    asset: dg.AssetsDefinition = decorate(pull)
    return asset
