"""The code location, loaded as Dagster loads it."""

from __future__ import annotations

import os
import subprocess
import sys

import dagster as dg
import pytest

from socialnlp_assets.definitions import build_definitions
from socialnlp_assets.settings import Settings

# What must stay out of the code location: seconds of import, or a connection.
HEAVY = (
    "pandas",
    "great_expectations",
    "boto3",
    "trafilatura",
    "spacy",
    "torch",
    "transformers",
    "moto",
    "dbt",
    "duckdb",
)


@pytest.mark.slow
def test_loading_imports_nothing_heavy_and_opens_no_connection() -> None:
    program = f"""
import socket, subprocess, sys
def refuse(*_, **__): raise AssertionError("the code location must not connect or start anything")
socket.socket.connect = socket.create_connection = refuse
import dagster
subprocess.Popen.__init__ = refuse
import socialnlp_assets.definitions
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert outcome.stdout.strip() == "[]", outcome.stderr


OTHERS = ("mart", "labels", "trained", "evaluation", "versions")  # assets without hours


@pytest.fixture(scope="module")
def repository() -> dg.RepositoryDefinition:
    return build_definitions(Settings()).get_repository_def()


def test_all_jobs_go_together_as_dagsters_code_server_loads_them(repository: dg.RepositoryDefinition) -> None:
    """A job and a step of one name, which Dagster refuses, are found only when all are loaded."""
    assert {"sprinklr", "mart"} <= {job.name for job in repository.get_all_jobs()}


def test_every_workflow_has_its_job_and_its_sensor(repository: dg.RepositoryDefinition) -> None:
    workflows = {"sprinklr", "rwanda", "gmaps_stores", "gmaps_service_points"}
    assert workflows <= set(repository.job_names)
    sensors = {sensor.name: sensor for sensor in repository.sensor_defs}
    for workflow in workflows:
        assert sensors[f"{workflow}_landing"].job_name == workflow
        assert sensors[f"{workflow}_landing"].default_status is dg.DefaultSensorStatus.RUNNING
    assert "endpoint_reaper" in sensors


def test_every_asset_is_described_and_guarded(repository: dg.RepositoryDefinition) -> None:
    graph = repository.asset_graph
    keys = [
        key
        for key in graph.get_all_asset_keys()
        if len(key.path) == 2 and key.path[-1] != "landing" and key.path[0] not in OTHERS
    ]
    assert len(keys) == 12 + 9 + 6 + 6
    for key in keys:
        node = graph.get(key)
        assert node.group_name == key.path[0]
        assert node.description
        assert node.owners
        assert node.kinds
        assert isinstance(node.partitions_def, dg.HourlyPartitionsDefinition)
        schema = node.metadata["dagster/column_schema"]
        assert all(column.description for column in schema.columns)
        checks = {check.name for check in graph.get_check_keys_for_assets({key})}
        assert "contract" in checks
        assert ("plausible" in checks) == (key.path[-1] != "profile")
        for check in graph.get_check_keys_for_assets({key}):
            spec = graph.get_check_spec(check)
            assert spec.blocking
            assert spec.partitions_def == node.partitions_def


def test_columns_say_where_they_come_from(repository: dg.RepositoryDefinition) -> None:
    graph = repository.asset_graph
    lineage = graph.get(dg.AssetKey(["sprinklr", "sentiments"])).metadata["dagster/column_lineage"]
    (source,) = lineage.deps_by_column["sent_positive"]
    assert (source.asset_key, source.column_name) == (dg.AssetKey(["sprinklr", "translations"]), "text_en")
    lineage = graph.get(dg.AssetKey(["sprinklr", "themes"])).metadata["dagster/column_lineage"]
    (source,) = lineage.deps_by_column["theme_economy"]
    assert (source.asset_key, source.column_name) == (dg.AssetKey(["sprinklr", "enrichments"]), "text_enriched")


def test_the_partition_keys_are_utc_hours_without_the_one_under_way(repository: dg.RepositoryDefinition) -> None:
    partitions = repository.asset_graph.get(dg.AssetKey(["sprinklr", "posts"])).partitions_def
    assert isinstance(partitions, dg.HourlyPartitionsDefinition)
    assert partitions.get_first_partition_key() == "2026-01-01-00:00"
    assert partitions.timezone == "UTC"
    assert partitions.end_offset == 0


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"SOCIALNLP_PROFILE": "azure"}, "SettingsError: SOCIALNLP_PROFILE=azure: must be 'embedded' or 'aws'"),
        ({"SOCIALNLP_PROFIL": "aws"}, "there is no such setting; did you mean SOCIALNLP_PROFILE?"),
        ({"SOCIALNLP_WORKFLOWS": "/nowhere"}, "WorkflowError: /nowhere: no such folder; make it or unset"),
    ],
)
@pytest.mark.slow
def test_the_code_location_says_what_is_wrong_with_a_setting(variables: dict[str, str], sentence: str) -> None:
    program = [sys.executable, "-c", "import socialnlp_assets.definitions"]
    outcome = subprocess.run(program, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert outcome.returncode == 1
    assert sentence in outcome.stderr.splitlines()[-1]


def test_a_variable_that_is_empty_is_as_if_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROFILE", "WORKFLOWS", "START", "SOURCES"):
        monkeypatch.setenv(f"SOCIALNLP_{name}", "")
    settings = Settings()
    assert settings.profile == "embedded"
    assert settings.workflows is None
    assert settings.sources is None


def test_a_start_that_is_no_whole_hour_is_refused() -> None:
    with pytest.raises(ValueError, match="must be a whole hour"):
        Settings(start="2026-01-01T00:30")  # type: ignore[arg-type]
