"""The models of the mart as assets, its tests as their checks.

One step builds them all, for dbt does: whatever hours have changed since the last time, of every workflow. So a late
hour, a backfill and a build that failed need nothing of their own. Nothing is partitioned: a model is one table.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa

from socialnlp_assets.mart.automation import When, mart_automation, when_output_changes
from socialnlp_assets.mart.build import Build, Mart, Outcome
from socialnlp_assets.mart.lineage import lineage_of
from socialnlp_assets.mart.models import Model, models
from socialnlp_assets.mart.stage import columns_of
from socialnlp_assets.resources.lake import Lake

if TYPE_CHECKING:  # loading the code location need not wait for it
    import duckdb

GROUP = "mart"
COLUMNS = """
SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_catalog = 'mart'
"""


def is_installed() -> bool:
    """Whether the extra `mart` is there; told without importing dbt, which takes seconds."""
    return find_spec("dbt") is not None


def build_mart(
    outputs: Mapping[str, pa.Schema],
    folder: Path,
    own: Path | None,
    lookback: timedelta,
    beside: Iterable[dg.AssetKey] = (),
) -> tuple[dg.AssetsDefinition, Any, dg.SensorDefinition]:
    """The assets `mart/<model>` over the output of each workflow, the job that builds them, and the sensor that asks
    for them when an hour of the `lookback` is published. Both take the assets `beside` them, too."""
    found = models(own)
    when = when_output_changes(lookback)
    specs = [_spec(model, outputs, when) for model in found.values()]
    checks = [
        dg.AssetCheckSpec(name, asset=_key(model.name), description=f"dbt's test {kind}")
        for model in found.values()
        for name, kind in model.checks.items()
    ]
    mart = Mart(folder, own)

    @dg.multi_asset(
        name="build_mart", specs=specs, check_specs=checks, required_resource_keys={"lake"}, can_subset=False
    )
    def assets(context: dg.AssetExecutionContext) -> Iterator[Any]:
        lake: Lake = context.resources.lake
        build = mart.update(lake, outputs)
        context.log.info("%d hours of the output have changed", len(build.hours))
        yield from _results(mart, build, found, outputs)

    keys = [*(spec.key for spec in specs), *beside]
    job = dg.define_asset_job(
        "mart",
        selection=dg.AssetSelection.assets(*keys),
        description="Brings the mart to what the output is now.",
    )
    return assets, job, mart_automation(keys)


def _key(model: str) -> dg.AssetKey:
    return dg.AssetKey([GROUP, model])


def _spec(model: Model, outputs: Mapping[str, pa.Schema], when: When) -> dg.AssetSpec:
    of_output = [dg.AssetKey([workflow, "output"]) for workflow in outputs] if model.reads_output else []
    columns = [dg.TableColumn(name, description=meaning) for name, meaning in model.columns.items()]
    return dg.AssetSpec(
        _key(model.name),
        deps=[*of_output, *map(_key, model.refs)],
        description=model.description,
        group_name=GROUP,
        kinds={"dbt", "duckdb"},
        metadata={"dagster/column_schema": dg.TableSchema(columns), "dagster/table_name": model.name},
        automation_condition=when if of_output else None,  # the others are built with them
    )


def _results(
    mart: Mart, build: Build, found: Mapping[str, Model], outputs: Mapping[str, pa.Schema]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """What was built, then what was tested; raises `dagster.Failure` where anything has failed."""
    owners = {test: model.name for model in found.values() for test in model.checks}
    with mart.open() as database:
        for outcome in build.outcomes:
            if outcome.name in found and outcome.is_good:
                yield _materialized(database, outcome, len(build.hours), outputs)
    for outcome in build.outcomes:
        if outcome.name in owners and outcome.status != "skipped":
            yield dg.AssetCheckResult(
                passed=outcome.is_good,
                asset_key=_key(owners[outcome.name]),
                check_name=outcome.name,
                description=outcome.message or None,
            )
    if build.problems:
        raise dg.Failure("the mart was not brought up to date: " + "; ".join(build.problems), allow_retries=False)


def _materialized(
    database: "duckdb.DuckDBPyConnection", outcome: Outcome, hours: int, outputs: Mapping[str, pa.Schema]
) -> dg.MaterializeResult[None]:
    (rows,) = database.execute(f'SELECT count(*) FROM "{outcome.name}"').fetchone() or (0,)
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in database.execute(COLUMNS).fetchall():
        tables.setdefault(table, {})[column] = kind
    deps = {
        column: [dep for table, name in found for dep in _deps(table, name, outputs)]
        for column, found in lineage_of(outcome.sql, tables).items()
    }
    return dg.MaterializeResult(
        asset_key=_key(outcome.name),
        metadata={
            "dagster/row_count": rows,
            "dagster/column_lineage": dg.TableColumnLineage(deps),
            "hours_added": hours,
            "seconds": round(outcome.seconds, 3),
        },
    )


def _deps(table: str, column: str, outputs: Mapping[str, pa.Schema]) -> Iterator[dg.TableColumnDep]:
    """The columns of assets that a column of a table stands for: what is staged derives from the outputs."""
    if table != "message":
        yield dg.TableColumnDep(_key(table), column)
        return
    for workflow, schema in outputs.items():
        staged = columns_of(schema).get(column)
        for source in staged.sources if staged else ():
            yield dg.TableColumnDep(dg.AssetKey([workflow, "output"]), source)
