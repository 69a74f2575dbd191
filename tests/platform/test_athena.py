"""The Athena table of an output, made in moto's Glue, against the files that a run writes."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import duckdb
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer

from socialnlp_assets.resources.athena import PARTITIONS, create_table, hive_type, table_input
from socialnlp_assets.settings import Settings
from socialnlp_assets.workflow import load_workflows
from tests.platform.conftest import Platform, message


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


def test_glue_takes_the_table_of_every_workflow_and_takes_it_again(settings: Settings) -> None:
    glue = boto3.client("glue", endpoint_url=settings.aws_endpoint_url, region_name="us-east-1")
    glue.create_database(DatabaseInput={"Name": "listening"})
    for name, workflow in load_workflows().items():
        definition = table_input(name, workflow.output().table(), f"s3://lake/output/{name}", settings.start)
        assert create_table(definition, "listening", settings)
        assert not create_table(definition, "listening", settings)
        table = glue.get_table(DatabaseName="listening", Name=name)["Table"]
        assert [key["Name"] for key in table["PartitionKeys"]] == ["social", "topic_id", "date", "hour"]
        assert table["Parameters"]["storage.location.template"] == (
            f"s3://lake/output/{name}/social=${{social}}/topic_id=${{topic_id}}/date=${{date}}/hour=${{hour}}/"
        )
        assert all(column["Comment"] for column in table["StorageDescriptor"]["Columns"])


@pytest.mark.slow
def test_the_files_of_a_run_have_just_the_columns_of_the_table(whole_platform: Platform) -> None:
    whole_platform.land([message(1)])
    assert whole_platform.run().success
    schema = load_workflows()["sprinklr"].output().table()
    definition = table_input("sprinklr", schema, "s3://lake/output/sprinklr", whole_platform.settings.start)
    columns = {column["Name"]: column["Type"] for column in definition["StorageDescriptor"]["Columns"]}
    root = Path(whole_platform.settings.lake_uri) / "output" / "sprinklr"
    (file,) = root.rglob("*.parquet")
    written = pq.ParquetFile(file).schema_arrow
    assert {field.name: hive_type(field.type) for field in written} == columns
    assert [part.partition("=")[0] for part in file.relative_to(root).parts[:-1]] == list(PARTITIONS)
    (count,) = duckdb.sql(
        f"SELECT count(*) FROM read_parquet('{root}/**/*.parquet', hive_partitioning=true) WHERE social = 'TWITTER'"
    ).fetchall()
    assert count == (1,)
    shown = read_by_the_readme(root.parents[1])
    assert "TWITTER" in shown


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
