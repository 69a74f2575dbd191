"""A step kind, and the factory that makes an hourly asset of it for a workflow.

Write, audit, publish: the step computes its rows, its checks are evaluated inside the step and recorded
before its output, and only an hour that passes all of them replaces what the lake had. A step module says
what to compute (`Step`); everything an asset needs besides is here, once.
"""

import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import dagster as dg
import pyarrow as pa

from socialnlp_assets.assets import metadata, usage
from socialnlp_assets.assets.quarantine import Rejected, quarantine_path, write_quarantine
from socialnlp_assets.checks import Accounts, Check, audit, checks_of
from socialnlp_assets.partitions import hour_of
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.schemas import Schema
from socialnlp_assets.workflow import Workflow

Lineage = Mapping[str, Sequence[tuple[str, str]]]  # new column → (asset, column) it derives from


@dataclass
class Result:
    """What a step made of an hour."""

    table: pa.Table
    rows_in: int
    dropped: Counter[str] = field(default_factory=Counter)  # by reason
    rejected: list[Rejected] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)

    def accounts(self) -> Accounts:
        return Accounts(self.rows_in, self.table.num_rows, self.dropped, len(self.rejected))


@dataclass(frozen=True)
class Published:
    """Where an hour went, and how many bytes it took."""

    address: str
    size: int
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Hour:
    """One hour of one workflow, as a step sees it."""

    workflow: Workflow
    step: str
    hour: datetime
    partitions: dg.HourlyPartitionsDefinition
    lake: Lake
    resources: Any  # Dagster's, by the names in definitions.py
    log: dg.DagsterLogManager

    def read(self, asset: str, columns: list[str] | None = None) -> pa.Table:
        """What another step published for this hour."""
        return self.lake.read_table(self.lake.table_path(self.workflow.name, asset, self.hour), columns)

    def texts(self) -> tuple[pa.Table, list[str]]:
        """The table of the last step that wrote text, and its texts: what the analyses read."""
        asset, column = text_of(self.workflow)
        table = self.read(asset, ["message_id", column])
        return table, table[column].to_pylist()


@dataclass(frozen=True)
class Step:
    """One step kind. The callables take the workflow, so that one step serves all of them."""

    name: str
    description: str
    kinds: frozenset[str]
    schema: Callable[[Workflow], Schema]
    inputs: Callable[[Workflow], list[str]]  # assets it reads
    lineage: Callable[[Workflow], Lineage]
    compute: Callable[[Hour], Result]
    resources: frozenset[str] = frozenset({"lake", "endpoints"})
    value_sets: Callable[[Workflow], Mapping[str, tuple[str, ...]]] = lambda _: {}
    publish: Callable[[Hour, pa.Table], Published] | None = None  # None: one object, as every asset but `output`
    ends_run: bool = False  # its metadata tells what the run used of its endpoints


TEXT_STEPS = {"enrichments": "text_enriched", "filtered_text": "text_clean", "translations": "text_en"}


def text_of(workflow: Workflow, before: str | None = None) -> tuple[str, str]:
    """The asset and column that hold a workflow's text, at its end or `before` a step."""
    names = list(workflow.steps.named())
    if before is not None:
        names = names[: names.index(before)]
    for asset, column in TEXT_STEPS.items():
        if asset in names:
            return asset, column
    return "posts", "message"


def build_asset(step: Step, workflow: Workflow, partitions: dg.HourlyPartitionsDefinition) -> dg.AssetsDefinition:
    """The hourly asset `<workflow>/<step>`."""
    key = dg.AssetKey([workflow.name, step.name])
    schema = step.schema(workflow)
    checks = checks_of(schema, step.value_sets(workflow))

    @dg.asset(
        key=key,
        deps=[dg.AssetKey([workflow.name, name]) for name in step.inputs(workflow)],
        partitions_def=partitions,
        group_name=workflow.name,
        description=step.description,
        owners=list(workflow.owners) or None,
        kinds=set(step.kinds),
        metadata=metadata.of_definition(workflow, step.name, schema, step.lineage(workflow)),
        required_resource_keys=set(step.resources),
        output_required=False,
        check_specs=_check_specs(key, checks, partitions),
    )
    def asset(context: dg.AssetExecutionContext) -> Iterator[Any]:
        started = time.monotonic()
        hour = Hour(
            workflow,
            step.name,
            hour_of(context.partition_key),
            partitions,
            context.resources.lake,
            context.resources,
            context.log,
        )
        result = step.compute(hour)
        write_quarantine(hour.lake, workflow.name, step.name, hour.hour, result.rejected)
        yield from _audited(key, result, checks)
        published = step.publish(hour, result.table) if step.publish else _publish(hour, result.table)
        seconds = time.monotonic() - started
        counts = metadata.of_hour(result.table, result.accounts(), published.address, published.size, seconds)
        quarantine = hour.lake.address(quarantine_path(workflow.name, step.name, hour.hour))
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


def _publish(hour: Hour, table: pa.Table) -> Published:
    path = hour.lake.table_path(hour.workflow.name, hour.step, hour.hour)
    return Published(hour.lake.address(path), hour.lake.write_table(path, table))


def _audited(key: dg.AssetKey, result: Result, checks: Sequence[Check]) -> Iterator[dg.AssetCheckResult]:
    """Record every check; raise `dagster.Failure` when one failed, so that nothing is published."""
    failed: list[str] = []
    for verdict in audit(result.table, result.accounts(), checks):
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
