"""The Athena table of an output, made in moto's Glue, against the files that a run writes."""

from __future__ import annotations

import base64
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer

from socialnlp_assets.resources.athena import create_table, hive_type, tables
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.output_view import duckdb_sql
from socialnlp_assets.settings import Settings
from socialnlp_assets.workflow import load_workflows
from tests.platform.conftest import Platform, message

S3_LAKE = Lake(uri="s3://lake")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    yield Settings(lake=str(tmp_path / "lake"), state=tmp_path, aws_region="us-east-1", aws_endpoint_url=address)
    server.stop()


def test_glue_takes_the_tables_and_the_view_of_every_workflow_and_takes_them_again(settings: Settings) -> None:
    glue = boto3.client("glue", endpoint_url=settings.aws_endpoint_url, region_name="us-east-1")
    glue.create_database(DatabaseInput={"Name": "listening"})
    for name, workflow in load_workflows().items():
        for definition in tables(name, workflow.output().table(), S3_LAKE, "listening", settings.start):
            assert create_table(definition, "listening", settings)
            assert not create_table(definition, "listening", settings)
        files, generations, view = (
            glue.get_table(DatabaseName="listening", Name=found)["Table"]
            for found in (f"{name}_files", f"{name}_generations", name)
        )
        assert [key["Name"] for key in files["PartitionKeys"]] == ["social", "topic_id", "date", "hour"]
        assert files["Parameters"]["storage.location.template"] == (
            f"s3://lake/output/{name}/social=${{social}}/topic_id=${{topic_id}}/date=${{date}}/hour=${{hour}}/"
        )
        assert generations["Parameters"]["storage.location.template"] == (
            f"s3://lake/{name}/output/date=${{date}}/hour=${{hour}}/"
        )
        assert all(column["Comment"] for column in files["StorageDescriptor"]["Columns"])
        # As Athena reads a view: what its SQL gives, and under which types, in the order of the table's columns.
        encoded = view["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")
        definition = json.loads(base64.b64decode(encoded))
        assert f"FROM {name}_files" in definition["originalSql"]
        given = [column["name"] for column in definition["columns"]]
        columns = [*files["StorageDescriptor"]["Columns"], *files["PartitionKeys"]]
        assert given == [column["Name"] for column in columns]
        types = dict(zip(given, (column["type"] for column in definition["columns"]), strict=True))
        assert (types["topic_ids"], types["created_at"], types["date"]) == ("array(varchar)", "timestamp(3)", "date")


@pytest.mark.slow
def test_the_files_of_a_run_have_just_the_columns_of_the_tables(whole_platform: Platform) -> None:
    whole_platform.land([message(1)])
    assert whole_platform.run().success
    schema = load_workflows()["sprinklr"].output().table()
    files, generations, _ = tables("sprinklr", schema, S3_LAKE, "listening", whole_platform.settings.start)
    root = Path(whole_platform.settings.lake_uri)
    assert_is_of(files, root / "output" / "sprinklr")
    assert_is_of(generations, root / "sprinklr" / "output")
    with duckdb.connect() as connection:
        connection.execute(duckdb_sql(whole_platform.lake, "sprinklr"))
        assert connection.sql("SELECT count(*) FROM sprinklr WHERE social = 'TWITTER'").fetchall() == [(1,)]
        columns = [name for name, *_ in connection.sql("DESCRIBE sprinklr").fetchall()]
    assert set(columns) == {
        column["Name"] for column in [*files["StorageDescriptor"]["Columns"], *files["PartitionKeys"]]
    }
    assert "TWITTER" in read_by_the_readme(root)


def assert_is_of(table: dict[str, Any], folder: Path) -> None:
    """The one file below `folder` is one of the table's."""
    (file,) = folder.rglob("*.parquet")
    columns = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
    assert {field.name: hive_type(field.type) for field in pq.ParquetFile(file).schema_arrow} == columns
    keys = [part.partition("=")[0] for part in file.relative_to(folder).parts[:-1]]
    assert keys == [key["Name"] for key in table["PartitionKeys"]]


def read_by_the_readme(lake: Path) -> str:
    """What the README's line shows of a lake."""
    readme = Path(__file__).parents[2] / "README.md"
    (line,) = (line for line in readme.read_text(encoding="utf-8").splitlines() if "import duckdb" in line)
    program, *arguments = shlex.split(line)
    assert program == ".venv/bin/python"
    (lake.parent / ".socialnlp").mkdir()
    (lake.parent / ".socialnlp" / "lake").symlink_to(lake)
    done = subprocess.run([sys.executable, *arguments], cwd=lake.parent, capture_output=True, text=True, check=True)
    return done.stdout
