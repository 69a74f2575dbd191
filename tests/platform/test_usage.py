"""What a run used of its endpoints is a table in the metadata of its output."""

from __future__ import annotations

import dagster as dg
import pytest

from socialnlp_assets.assets.usage import of_run, of_step, usages_of, usages_of_run
from socialnlp_assets.resources.endpoints.metering import Usage

TRANSLATIONS = Usage("translator", "translations", texts=10, rows=8, requests=2, endpoint_seconds=4.5, cost_usd=0.25)
ASPECTS = Usage("aspects-stores", "classifications", texts=50, rows=40, requests=5, bytes_sent=900, cost_usd=0.5)


def step_of(usage: Usage) -> dg.AssetsDefinition:
    @dg.asset(key=["demo", usage.holder])
    def step() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(metadata={**of_step([usage]), "rows_in": 3})

    return step


def test_the_use_of_a_run_is_read_back_as_its_steps_told_it() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assets = [step_of(TRANSLATIONS), step_of(ASPECTS)]
        runs = [dg.materialize(assets, instance=instance), dg.materialize(assets[:1], instance=instance)]
        found = [usages_of_run(instance, run.run_id) for run in runs]
    assert sorted(found[0], key=lambda usage: usage.model) == [ASPECTS, TRANSLATIONS]
    assert found[1] == [TRANSLATIONS]


def test_the_table_has_a_line_a_model_and_what_all_cost() -> None:
    metadata = of_run([TRANSLATIONS, ASPECTS])
    table = metadata["run/endpoints"]
    assert isinstance(table, dg.TableMetadataValue)
    lines = {(row.data["model"], row.data["holder"]): row.data for row in table.records}
    assert lines["aspects-stores", "classifications"]["bytes_sent"] == 900
    assert metadata["run/cost_usd"].value == pytest.approx(0.75)


def test_a_step_without_models_used_none() -> None:
    assert usages_of(dg.AssetMaterialization(["demo", "posts"], metadata={"rows_in": 3})) == []
    assert of_run([]) == {}
