"""The project of docs/library.md: somebody else's assets and model, and our resource."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = re.compile(r"^`([\w./]+)`\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)
LOOK = """
import json, sys
import dagster as dg
from listening.definitions import endpoints
key = dg.AssetKey("urgent")
with dg.DagsterInstance.get() as instance:
    labels = instance.get_latest_materialization_event(key).asset_materialization.metadata["labels"].value
endpoints.reap()  # what a sensor does
print(json.dumps({"labels": labels, "endpoints": [record.endpoint for record in endpoints.records()]}))
"""


@pytest.mark.slow
def test_another_project_serves_its_own_model_and_leaves_no_endpoint(tmp_path: Path) -> None:
    files = FILE.findall((ROOT / "docs" / "library.md").read_text(encoding="utf-8"))
    assert len(files) == 5
    for name, content in [
        *files,
        ("src/listening/__init__.py", ""),
        ("home/dagster.yaml", "telemetry: {enabled: false}"),
    ]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # So that the endpoint does not outlive the test by a minute.
        path.write_text(content.replace('models="models"', 'models="models", warm_seconds=1'))
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path / "src")]),
        "DAGSTER_HOME": str(tmp_path / "home"),
    }
    checking = {"SOCIALNLP_ENGINES": "listening.engine:Words"}

    def run(*command: str, **variables: str) -> str:
        outcome = subprocess.run(
            command, cwd=tmp_path, env=environment | variables, capture_output=True, text=True, check=False
        )
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        return outcome.stdout

    scripts = Path(sys.executable).parent
    assert "1 model fit: urgency" in run(str(scripts / "socialnlp"), "models", "check", "models", **checking)
    run(str(scripts / "dg"), "launch", "--assets", "urgent")
    time.sleep(1)  # it is warm until then
    assert json.loads(run(sys.executable, "-c", LOOK)) == {"labels": ["urgent", "calm"], "endpoints": []}
    servers = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path / "models") not in servers
