"""`landing`: the raw messages as delivered, pulled from their source an hour at a time or dropped by others.

A source that the sources file configures is pulled by one operation for all the workflows that it feeds, on a
schedule that makes up for what was missed; the landing area of the others is an external asset, which the landing
sensor reports on.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from socialnlp_assets.partitions import hour_of
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.workflow import Workflow

MINUTE = 5  # of the next hour, at which an hour is pulled: sources need a moment to deliver its last messages
MISSED = 24  # hours back in which a tick looks for what was not pulled
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass
class Landing:
    """The landing assets, with the jobs and schedules that pull those of configured sources."""

    assets: list[Any] = field(default_factory=list)
    jobs: list[Any] = field(default_factory=list)
    schedules: list[Any] = field(default_factory=list)


def build_landing(
    workflows: Iterable[Workflow], partitions: dg.HourlyPartitionsDefinition, configured: Iterable[str]
) -> Landing:
    """The landing area of each workflow; `configured` are the source kinds that can be pulled."""
    by_kind: dict[str, list[Workflow]] = {}
    for workflow in workflows:
        by_kind.setdefault(workflow.source.kind, []).append(workflow)
    landing = Landing()
    for kind, fed in by_kind.items():
        specs = [_spec(workflow, partitions) for workflow in fed]
        if kind not in configured:
            landing.assets += specs
            continue
        asset = _pulled(kind, fed, specs)
        job = dg.define_asset_job(f"pull_{kind}", selection=dg.AssetSelection.assets(asset))
        landing.assets.append(asset)
        landing.jobs.append(job)
        landing.schedules.append(_schedule(job, [spec.key for spec in specs], partitions))
    return landing


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
        last = context.instance.get_runs(dg.RunsFilter(job_name=job.name, statuses=ENDED), limit=1)
        works = bool(last) and last[0].status is dg.DagsterRunStatus.SUCCESS
        missing = [key for key in due if key not in pulled and (works or key == due[-1])]
        for key in missing:
            yield dg.RunRequest(run_key=f"{key}, asked at {tick:%Y-%m-%d %H:%M}", partition_key=key)
        if not missing:
            yield dg.SkipReason("every hour has been pulled")

    return pulls


def _spec(workflow: Workflow, partitions: dg.HourlyPartitionsDefinition) -> dg.AssetSpec:
    return dg.AssetSpec(
        dg.AssetKey([workflow.name, "landing"]),
        group_name=workflow.name,
        partitions_def=partitions,
        kinds={"json", "s3"},
        owners=list(workflow.owners),
        description=f"The raw messages as delivered, in files of any accepted format, at landing/{workflow.name}/.",
    )


def _pulled(kind: str, workflows: list[Workflow], specs: list[dg.AssetSpec]) -> dg.AssetsDefinition:
    def pull(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        from socialnlp_assets.resources.sources import pull_hour

        lake: Lake = context.resources.lake
        files = pull_hour(getattr(context.resources, kind), workflows, hour_of(context.partition_key))
        for path, data in files.items():
            changed = lake.put_if_changed(path, data)
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey([path.split("/")[1], "landing"]),
                metadata={"dagster/uri": lake.address(path), "bytes": len(data), "changed": changed},
            )

    decorate: Callable[..., Any] = dg.multi_asset(
        name=f"pull_{kind}", specs=specs, required_resource_keys={"lake", kind}
    )
    asset: dg.AssetsDefinition = decorate(pull)
    return asset
