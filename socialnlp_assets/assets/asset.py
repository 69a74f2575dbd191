"""The one place where a step becomes an hourly asset.

Write, audit, publish: the step computes its rows, its checks are evaluated inside the step and recorded before its
output, and only an hour that passes all of them replaces what the lake had.
"""

import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from socialnlp_assets.assets import metadata, usage
from socialnlp_assets.assets.quarantine import quarantine_path, write_quarantine
from socialnlp_assets.assets.step import Hour, Result, Step
from socialnlp_assets.checks import Check, audit, checks_of
from socialnlp_assets.partitions import hour_of
from socialnlp_assets.resources.hours import hour_lease
from socialnlp_assets.resources.lake import Lake


def build_asset(
    step: Step, workflow: str, owners: Sequence[str], partitions: dg.HourlyPartitionsDefinition
) -> dg.AssetsDefinition:
    """The hourly asset `<workflow>/<step>`."""
    key = dg.AssetKey([workflow, step.name])
    schema = step.table()
    checks = checks_of(schema, step.plausible())

    @dg.asset(
        key=key,
        deps=[dg.AssetKey([workflow, name]) for name in step.inputs()],
        partitions_def=partitions,
        group_name=workflow,
        description=step.description(),
        owners=list(owners) or None,
        kinds=set(step.kinds),
        metadata=metadata.of_definition(workflow, step.name, schema, step.lineage()),
        required_resource_keys=set(step.resources),
        output_required=False,
        check_specs=_check_specs(key, checks, partitions),
    )
    def asset(context: dg.AssetExecutionContext) -> Iterator[Any]:
        started = time.monotonic()
        lake: Lake = context.resources.lake
        with hour_lease(context, lake, workflow) as lease:
            hour = Hour(
                workflow,
                step.name,
                hour_of(context.partition_key),
                hour_of(partitions.get_first_partition_key() or ""),
                lake,
                context.log,
                lease.confirm,
                context.resources,
            )
            result = step.compute(hour)
            lease.confirm()
            write_quarantine(lake, workflow, step.name, hour.hour, result.rejected)
            yield from _audited(key, result, checks)
            published = step.publish(hour, result.table)
        seconds = time.monotonic() - started
        counts = metadata.of_hour(result.table, result.accounts(), published.address, published.size, seconds)
        quarantine = lake.address(quarantine_path(workflow, step.name, hour.hour))
        waiting = metadata.of_quarantine(quarantine, [rejected.reason for rejected in result.rejected])
        used = usage.of_run(usage.usages_of_run(context.instance, context.run.run_id)) if step.ends_run else {}
        yield dg.Output(None, metadata={**counts, **waiting, **result.metadata, **published.metadata, **used})

    return asset


def _check_specs(
    key: dg.AssetKey, checks: Sequence[Check], partitions: dg.HourlyPartitionsDefinition
) -> list[dg.AssetCheckSpec]:
    """Blocking and partitioned: an unpartitioned check would let the last hour decide for all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)  # partitioned checks; one-hour runs are what they are for
        return [
            dg.AssetCheckSpec(c.name, asset=key, description=c.description, blocking=True, partitions_def=partitions)
            for c in checks
        ]


def _audited(key: dg.AssetKey, result: Result, checks: Sequence[Check]) -> Iterator[dg.AssetCheckResult]:
    """Record every check; raise `dagster.Failure` when one failed, so that nothing is published."""
    failed: list[str] = []
    for verdict in audit(result.table, result.accounts(), checks, result.evidence):
        yield dg.AssetCheckResult(
            passed=verdict.passed,
            asset_key=key,
            check_name=verdict.check.name,
            description="; ".join(verdict.problems) or None,
            metadata={"expectations": verdict.evaluated, **result.accounts().as_row()},
        )
        if not verdict.passed:
            failed += [f"{verdict.check.name}: {problem}" for problem in verdict.problems or ["nothing was evaluated"]]
    if failed:
        raise dg.Failure(
            f"{key.to_user_string()} was not published; the lake keeps what it had for this hour. " + "; ".join(failed),
            allow_retries=False,
        )
