"""A workflow as a component of somebody else's `dg` project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
DG = Path(sys.executable).with_name("dg")
PYPROJECT = """\
[project]
name = "theirs"
version = "0.1"

[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "theirs"
code_location_target_module = "theirs.definitions"
"""
DEFINITIONS = """\
from pathlib import Path
import dagster as dg

@dg.definitions
def defs():
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
"""
Dg = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "theirs"
    (folder / "theirs" / "defs").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / "theirs" / "__init__.py").touch()
    (folder / "theirs" / "defs" / "__init__.py").touch()
    (folder / "theirs" / "definitions.py").write_text(DEFINITIONS)
    return folder


@pytest.fixture
def dg(project: Path, unpacked: Path) -> Dg:
    """Runs `dg` in the project, with our wheel and the project itself installed."""
    (project / "home").mkdir()
    ours = {"SOCIALNLP_STATE": str(project / "state"), "DAGSTER_HOME": str(project / "home"), "COLUMNS": "200"}
    others = {name: value for name, value in os.environ.items() if not name.startswith("SOCIALNLP_")}
    environment = others | ours | {"PYTHONPATH": f"{unpacked}{os.pathsep}{project}"}

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [DG, *arguments], cwd=project, env=environment | variables, capture_output=True, text=True, check=False
        )

    return run


RESOURCES = """\
import dagster as dg
from socialnlp_assets.resources.lake import Lake

@dg.definitions
def resources():
    return dg.Definitions(resources={"lake": Lake(uri="FOLDER/their-lake")})
"""
POST = {
    "messageId": "m1",
    "message": "Great service, the power was back in minutes",
    "createdTime": 1795162200000,
    "channelType": "TWITTER",
    "topicIds": [1],
    "language": "en",
}


def names(listed: str) -> dict[str, set[str]]:
    """What `dg list defs --json` shows: the names of the definitions of each kind."""
    shown: dict[str, list[dict[str, str]]] = json.loads(listed)
    return {
        kind: {one.get("name") or one["asset_key"] for one in shown[kind]}
        for kind in ("assets", "jobs", "resources", "sensors")
    }


def test_a_component_is_found_scaffolded_checked_and_listed(project: Path, dg: Dg) -> None:
    assert "socialnlp_assets.ListeningWorkflow" in dg("list", "components").stdout
    for name in ("france", "spain"):
        assert dg("scaffold", "defs", "socialnlp_assets.ListeningWorkflow", name).returncode == 0
    assert "name: france" in (project / "theirs" / "defs" / "france" / "defs.yaml").read_text(encoding="utf-8")
    checked = dg("check", "defs")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "All definitions loaded successfully" in checked.stdout
    found = names(dg("list", "defs", "--json").stdout)
    assert {"france", "spain", "retention", "mart"} == found["jobs"]
    assert {"report/france", "report/spain", "mart/fact_message", "mart/story"} <= found["assets"]
    assert {"france_landing", "spain_landing", "endpoint_reaper"} <= found["sensors"]
    assert {"lake", "endpoints", "articles", "secrets"} <= found["resources"]


def test_a_mistake_is_told_with_file_line_and_remedy(project: Path, dg: Dg) -> None:
    dg("scaffold", "defs", "socialnlp_assets.ListeningWorkflow", "france")
    file = project / "theirs" / "defs" / "france" / "defs.yaml"
    text = file.read_text(encoding="utf-8").replace("    keywords:", "    keywrds:")
    file.write_text(text, encoding="utf-8")
    line = next(number for number, row in enumerate(text.splitlines(), 1) if "keywrds" in row)
    told = dg("check", "defs")
    assert told.returncode == 1
    assert (
        f"{file}:{line}: steps.keywrds: there is no such field; did you mean `keywords`?" in told.stdout + told.stderr
    )


def test_an_hour_runs_in_the_lake_that_the_project_defines(project: Path, dg: Dg) -> None:
    dg("scaffold", "defs", "socialnlp_assets.ListeningWorkflow", "spain")
    (project / "theirs" / "defs" / "resources.py").write_text(RESOURCES.replace("FOLDER", str(project)))
    landing = project / "their-lake" / "landing" / "spain" / "date=2026-11-20" / "hour=08"
    landing.mkdir(parents=True)
    (landing / "batch.json").write_text(json.dumps([POST]))
    ran = dg("launch", "--job", "spain", "--partition", "2026-11-20-08:00", SOCIALNLP_WARM_SECONDS="0")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert list((project / "their-lake" / "output" / "spain").rglob("*.parquet"))
