"""The one place where a step becomes an hourly asset.

Write, audit, publish: the step computes its rows, its checks are evaluated inside the step, and only an hour that
passes all of them replaces what the lake had, its quarantine too.
"""

import json
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import dagster as dg

from socialnlp_assets.assets import metadata, usage, versions
from socialnlp_assets.assets.made_by import mark
from socialnlp_assets.assets.quarantine import Rejected, held_in_run, quarantine_path, write_quarantine
from socialnlp_assets.assets.step import Hour, Result, Step
from socialnlp_assets.checks import Audit, Check, Checks, Level, audit, contract
from socialnlp_assets.checks.report import as_table, sentence
from socialnlp_assets.partitions import hour_of
from socialnlp_assets.resources.hours import hour_lease
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.schemas import KEY

NOTHING: Any = dg.Nothing  # of another type, the I/O manager writes a file for None, and tells of it in two events


def build_asset(
    step: Step,
    workflow: str,
    owners: Sequence[str],
    partitions: dg.HourlyPartitionsDefinition,
    strictness: Checks = Checks(),  # noqa: B008  it cannot be changed
    shapes: Mapping[str, str] = MappingProxyType({}),
) -> dg.AssetsDefinition:
    """The hourly asset `<workflow>/<step>`; `shapes` are those of its endpoints, where not the catalogue's."""
    key = dg.AssetKey([workflow, step.name])
    schema = step.table()
    checks = checks_of(step, strictness)

    @dg.asset(
        key=key,
        deps=[dg.AssetKey([workflow, name]) for name in step.inputs()],
        partitions_def=partitions,
        group_name=workflow,
        description=metadata.description(step),
        owners=list(owners) or None,
        kinds=set(step.kinds),
        metadata=metadata.of_definition(workflow, step.name, schema, step.lineage()),
        required_resource_keys=set(step.resources),
        output_required=False,
        dagster_type=NOTHING,
        code_version=versions.code_version(step, strictness),
        freshness_policy=_freshness(step),
        check_specs=_check_specs(key, [*checks, *step.own_checks()], partitions),
    )
    def asset(context: dg.AssetExecutionContext) -> Iterator[Any]:
        started = time.monotonic()
        lake: Lake = context.resources.lake
        when = hour_of(context.partition_key)
        quarantine = quarantine_path(workflow, step.name, when)
        with hour_lease(context, lake, workflow) as lease:
            hour = Hour(
                workflow,
                step.name,
                when,
                hour_of(partitions.get_first_partition_key() or ""),
                lake,
                context.log,
                lease.confirm,
                context.resources,
                lambda: usage.usages_of_run(context.instance, context.run.run_id),
                shapes=shapes,
                held=held_in_run(lake, quarantine, step.name, context.run.tags),
            )
            result, found = computed(step, hour, checks, strictness.quarantine)
            if not found.passed:
                yield from _recorded(key, found, result.rejected)
            made_by = hour.made_by | _versions(step, hour)
            published = step.publish(hour, mark(result.table, made_by))
            # Afterwards, so that an hour that cannot be published leaves it as it was. A process that dies in between
            # leaves an hour that counts as not computed: the run that makes up for it writes it.
            write_quarantine(lake, workflow, step.name, when, result.rejected)
        seconds = time.monotonic() - started
        counts = metadata.of_hour(result.table, result.accounts(), published.address, published.size, seconds)
        waiting = metadata.of_quarantine(lake.address(quarantine), [rejected.reason for rejected in result.rejected])
        used = usage.of_run(hour.used()) if step.ends_run else {}
        models = {versions.MODELS: dg.MetadataValue.json(made_by)} if made_by else {}
        labels = metadata.of_labels(result.table, step.columns())
        told = {**counts, **waiting, **labels, **result.metadata, **published.metadata, **models, **used}
        yield dg.Output(None, metadata=told)
        yield from _recorded(key, found)  # after it: Dagster shows an hour's results as of what it had when they came

    return asset


def _versions(step: Step, hour: Hour) -> dict[str, str]:
    """The version of each model that the step has asked."""
    models = step.models()
    asked = hour.endpoints.asked if models else {}
    return {model: asked[model] for model in models if model in asked}


def _freshness(step: Step) -> dg.FreshnessPolicy | None:
    """When Dagster says of an asset that its next hour has not arrived."""
    if step.late_after is None:
        return None
    return dg.FreshnessPolicy.time_window(fail_window=2 * step.late_after, warn_window=step.late_after)


def computed(step: Step, hour: Hour, checks: Sequence[Check], quarantine: float) -> tuple[Result, Audit]:
    """What a step makes of an hour, audited: without the rows that stay in quarantine, and without those that may not
    be published, which it rejects."""
    result = without_held(step.compute(hour), hour.held)
    found = audit(result.table, result.accounts(), checks, result.read, quarantine)
    found = replace(found, verdicts=(*found.verdicts, *result.verdicts))
    return (_without_rejected(result, found) if found.passed else result), found


def checks_of(step: Step, strictness: Checks) -> list[Check]:
    """The checks that its rows must pass."""
    plausible = strictness.plausible(step.name, step.plausible())
    return [contract(step.table()), *([plausible] if plausible else [])]


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


def _recorded(key: dg.AssetKey, found: Audit, rejected: Sequence[Rejected] = ()) -> Iterator[dg.AssetCheckResult]:
    """Record every check; raise `dagster.Failure` when one found an error, so that nothing is published. It tells why
    records could not be taken, too, for they reach no quarantine then."""
    failed: list[str] = []
    for verdict in found.verdicts:
        told = sentence(verdict, len(found.rejected))
        yield dg.AssetCheckResult(
            passed=verdict.passed,
            severity=dg.AssetCheckSeverity.ERROR if verdict.level is Level.ERROR else dg.AssetCheckSeverity.WARN,
            asset_key=key,
            check_name=verdict.check.name,
            description=told or None,
            metadata={"expectations": as_table(verdict, found.frame)},
        )
        if verdict.level is Level.ERROR:
            failed.append(f"{verdict.check.name}: {told}")
    if failed:
        reasons = [item.reason for item in rejected]
        if reasons:
            failed.append(f"{len(reasons)} records could not be taken, the first for this: {reasons[0]}")
        raise dg.Failure(
            f"{key.to_user_string()} was not published. " + " ".join(failed),
            metadata=metadata.of_failure(reasons),
            allow_retries=False,
        )


def without_held(result: Result, held: Mapping[str, Rejected]) -> Result:
    """The rows of messages that do not stay in quarantine; those that do are rejected as they were."""
    if not held or KEY.name not in result.table.column_names:
        return result
    keys = result.table[KEY.name].to_pylist()
    kept = [position for position, key in enumerate(keys) if key not in held]
    rejected = [held.get(each.identity, each) for each in result.rejected]
    return replace(
        result, table=result.table.take(kept), rejected=[*rejected, *(held[key] for key in keys if key in held)]
    )


def _without_rejected(result: Result, found: Audit) -> Result:
    """The rows that may be published; the others are rejected, each with what it failed and the values that failed."""
    if not found.rejected:
        return result
    rejected = list(result.rejected)
    for position, failed in sorted(found.rejected.items()):
        columns = dict.fromkeys(column for expectation in failed for column in expectation.columns())
        row = {column: found.frame[column].iloc[position] for column in columns}
        reason = "; ".join(f"not so: {expectation.says} ({expectation.remedy})" for expectation in failed)
        key = result.table["message_id"][position].as_py()
        rejected.append(Rejected(reason, json.dumps(row, ensure_ascii=False, default=str), message_id=key))
    kept = [position for position in range(result.table.num_rows) if position not in found.rejected]
    return replace(result, table=result.table.take(kept), rejected=rejected)
