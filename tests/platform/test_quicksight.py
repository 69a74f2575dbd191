"""What a company asks QuickSight for: as the service takes it, and with a query that reads the output."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import duckdb
import pyarrow as pa
import pytest
import sqlglot
from botocore.validate import ParamValidator
from click.testing import CliRunner, Result

from socialnlp_assets.cli.workflows import workflows
from socialnlp_assets.partitions import floor_hour
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.output_table import OutputTable
from socialnlp_assets.resources.output_view import duckdb_sql
from socialnlp_assets.workflow import load_workflows

OWNER = "arn:aws:quicksight:us-east-1:123456789012:user/default/anna"
COLUMNS = load_workflows()["sprinklr"].output().table().arrow
SCHEMA = pa.schema([field.with_nullable(True) for field in COLUMNS])  # most stay empty here


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """Two messages of the last hour, one of which has no topic, and one of half a year before."""
    monkeypatch.setenv("SOCIALNLP_LAKE", str(tmp_path))
    lake = Lake(uri=str(tmp_path))
    now = floor_hour(datetime.now(UTC))
    publish(lake, now, [message("1", ["7", "o'clock"], True), message("2", [], False)])
    publish(lake, now - timedelta(days=180), [message("3", ["7"], True)])
    return lake


def publish(lake: Lake, hour: datetime, rows: list[dict[str, Any]]) -> None:
    OutputTable(lake, "sprinklr").publish(hour, pa.Table.from_pylist(rows, schema=SCHEMA))


def message(key: str, topics: list[str], detected: bool) -> dict[str, Any]:
    return {"message_id": key, "social": "TWITTER", "topic_ids": topics, "language_detected": detected}


def asked(*options: str) -> Result:
    return CliRunner().invoke(workflows, ["quicksight", "sprinklr", "--database", "listening", *options])


@pytest.mark.usefixtures("lake")
def test_quicksight_takes_what_the_command_prints() -> None:
    service = botocore.session.get_session().get_service_model("quicksight")
    requests = json.loads(asked("--owner", OWNER).stdout)
    assert list(requests) == ["CreateDataSource", "CreateDataSet"]
    for operation, request in requests.items():
        shape = service.operation_model(operation).input_shape
        assert ParamValidator().validate(request, shape).generate_report() == ""
    (table,) = requests["CreateDataSet"]["PhysicalTableMap"].values()
    assert table["CustomSql"]["DataSourceArn"] == "arn:aws:quicksight:eu-west-1:123456789012:datasource/socialnlp"
    types = {column["Name"]: column["Type"] for column in table["CustomSql"]["Columns"]}
    allowed = service.shape_for("InputColumnDataType").enum
    assert set(types.values()) <= set(allowed)
    assert [types[name] for name in ("topic_ids", "date", "language_detected")] == ["STRING", "DATETIME", "INTEGER"]


def test_its_query_reads_the_last_days_of_every_channel_and_topic(lake: Lake) -> None:
    (table,) = json.loads(asked("--owner", OWNER).stdout)["CreateDataSet"]["PhysicalTableMap"].values()
    (query,) = sqlglot.transpile(table["CustomSql"]["SqlQuery"], read="athena", write="duckdb")
    assert "'TWITTER'" in query
    # As the folders spell them: DuckDB decodes the third, Athena does not.
    assert all(f"'{topic}'" in query for topic in ("7", "o%27clock", "none"))
    with duckdb.connect() as database:
        database.execute(f"CREATE SCHEMA listening; USE listening; {duckdb_sql(lake, 'sprinklr')}")
        found = database.sql(query)
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    assert list(rows[0]) == [column["Name"] for column in table["CustomSql"]["Columns"]]
    read = {(row["message_id"], row["topic"], row["topic_ids"], row["language_detected"]) for row in rows}
    assert read == {("1", "7", "7, o'clock", 1), ("2", None, "", 0)}


@pytest.mark.usefixtures("lake")
def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is no user or group of QuickSight" in asked("--owner", "anna").output
    monkeypatch.setenv("SOCIALNLP_LAKE", str(tmp_path / "empty"))
    assert "run an hour of it first" in asked("--owner", OWNER).output
