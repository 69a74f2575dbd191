"""A step kind and a source that live in another installed package: they are named in a workflow like ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.packaging.conftest import build_wheel

pytestmark = pytest.mark.slow
SCRIPTS = Path(sys.executable).parent
HOUR = "2026-11-20-08:00"
PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "guestbook"
version = "1"

[project.entry-points."socialnlp_assets.steps"]
lengths = "guestbook:Lengths"

[project.entry-points."socialnlp_assets.sources"]
guestbook = "guestbook:Guestbook"

[tool.setuptools]
py-modules = ["guestbook"]
"""
MODULE = '''\
"""A guest book as a source, and how long its entries are."""

import pyarrow as pa

from socialnlp_assets.assets.step import Result, Step
from socialnlp_assets.landing import Shape, field, fields
from socialnlp_assets.schemas import Column
from socialnlp_assets.sources.source import HourlySource


class Guestbook(HourlySource):
    """What visitors wrote."""

    name = "guestbook"
    shape = Shape(
        fields={
            "message_id": field("entry", convert=fields.identifier, required=True),
            "created_at": field("written", convert=fields.moment, required=True),
            "language": field("language", convert=fields.language),
            "message": field("words", convert=fields.text, required=True, nothing=""),
        },
        complete=lambda row, raw: row.update(social="GUESTBOOK", kind="social"),
        signs=frozenset({"entry", "written"}),
    )

    greeting: str = "Hello"

    def messages(self, hour, fed):
        entry = {"entry": "g1", "written": hour.isoformat(), "language": "en", "words": f"{self.greeting} from us all"}
        return {workflow: [entry] for workflow in fed}

    @staticmethod
    def order(message):
        return message["entry"]


class Lengths(Step):
    """How many words an entry has."""

    name = "lengths"
    kinds = frozenset({"parquet"})
    resources = frozenset({"lake"})
    after = "filtered_text"

    longest: int = 100

    def columns(self):
        return (Column("words", pa.int32(), "words of the text, at most as many as the workflow says"),)

    def compute(self, hour):
        table, texts = self.texts(hour)
        rows = [
            {"message_id": key, "words": min(len(text.split()), self.longest)}
            for key, text in zip(table["message_id"].to_pylist(), texts, strict=True)
        ]
        return Result(pa.Table.from_pylist(rows, schema=self.table().arrow), rows_in=table.num_rows)
'''
WORKFLOW = """\
name: visitors
description: What visitors wrote.
source: {kind: guestbook, languages: [en]}
steps:
  lengths: {longest: 3}
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Where the package is installed beside ours, and a workflow names what it adds."""
    source, workflows = tmp_path / "source", tmp_path / "workflows"
    for folder in (source, workflows, tmp_path / "dagster"):
        folder.mkdir()
    (source / "pyproject.toml").write_text(PYPROJECT)
    (source / "guestbook.py").write_text(MODULE)
    (workflows / "visitors.yaml").write_text(WORKFLOW)
    (tmp_path / "sources.yaml").write_text("guestbook: {greeting: Good morning}\n")
    wheel = build_wheel(source, tmp_path)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "install", "--no-deps"]
    subprocess.run([*pip, "--target", tmp_path / "site", wheel], check=True)
    others = {name: value for name, value in os.environ.items() if not name.startswith("SOCIALNLP_")}
    return others | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(tmp_path / "site"), os.environ.get("PYTHONPATH")])),
        "SOCIALNLP_WORKFLOWS": str(workflows),
        "SOCIALNLP_SOURCES": str(tmp_path / "sources.yaml"),
        "SOCIALNLP_LAKE": str(tmp_path / "lake"),
        "SOCIALNLP_STATE": str(tmp_path / "state"),
        "DAGSTER_HOME": str(tmp_path / "dagster"),
    }


def run(environment: dict[str, str], command: str) -> str:
    program, *arguments = command.split()
    outcome = subprocess.run(
        [SCRIPTS / program, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout


def test_a_workflow_of_a_step_and_a_source_of_another_package_runs(environment: dict[str, str], tmp_path: Path) -> None:
    assert run(environment, f"socialnlp workflows check {tmp_path}/workflows/visitors.yaml") == "1 workflow fit\n"
    run(environment, "socialnlp workflows new other")
    assert "lengths: {longest: 100}" in (tmp_path / "workflows" / "other.yaml").read_text()
    for job in ("pull_guestbook", "visitors"):
        run(environment, f"dg launch --job {job} --partition {HOUR} -m socialnlp_assets.definitions")
    (landed,) = (tmp_path / "lake" / "landing").rglob("guestbook.json")
    assert json.loads(landed.read_text())[0]["words"] == "Good morning from us all"
    (output,) = (tmp_path / "lake" / "output" / "visitors" / "social=GUESTBOOK").rglob("*.parquet")
    assert pq.ParquetFile(output).read(["words"]).to_pylist() == [{"words": 3}]


def test_a_mistake_in_an_option_of_such_a_step_is_told_like_one_of_ours(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "workflows" / "visitors.yaml"
    file.write_text(WORKFLOW.replace("longest", "longst"))
    check = [SCRIPTS / "socialnlp", "workflows", "check", file]
    outcome = subprocess.run(check, env=environment, capture_output=True, text=True, check=False)
    assert outcome.returncode == 1
    assert f"{file}:5: steps.lengths.longst: there is no such field; did you mean `longest`?" in outcome.stderr
