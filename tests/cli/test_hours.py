"""`socialnlp hours`: what waits is listed with its reason, and runs again from what it lacks."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from socialnlp_assets.resources.lake import Lake
from tests.cli.conftest import Installation
from tests.platform.conftest import message

HOUR = datetime(2026, 11, 20, 8, tzinfo=UTC)
LATER = datetime(2026, 11, 20, 9, tzinfo=UTC)
# Without models: nothing but what is told and run is tried here.
WORKFLOW = """\
name: press
description: Articles, and no model.
source: {kind: sprinklr, languages: [en]}
steps:
  enrichments:
"""


@pytest.fixture
def press(socialnlp: Installation) -> dict[str, str]:
    folder = socialnlp.folder / "workflows"
    folder.mkdir()
    (folder / "press.yaml").write_text(WORKFLOW)
    return {"SOCIALNLP_WORKFLOWS": str(folder)}


def test_no_hour_waits_at_first(
    socialnlp: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert socialnlp.here(monkeypatch, "hours", "list") == 0
    assert capfd.readouterr().out == "no hour waits\n"
    assert socialnlp.here(monkeypatch, "hours", "list", "--workflow", "nowhere") == 2
    assert "no workflow is called 'nowhere'; choose one of" in capfd.readouterr().err


def test_what_a_command_writes_is_for_its_user_alone(socialnlp: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    home = socialnlp.folder / "dagster"
    home.mkdir()
    home.chmod(0o755)  # as an earlier version made it
    (home / "dagster.yaml").touch()
    socialnlp.lake.put("landing/press/batch.json", b"[]")
    assert socialnlp.here(monkeypatch, "hours", "list") == 0
    assert (home / "dagster.yaml").read_text().startswith("# The instance")  # an empty one was no configuration
    kept = [path for path in socialnlp.folder.rglob("*") if not path.is_relative_to(socialnlp.folder / "lake")]
    assert {path.name for path in kept} >= {"dagster", "dagster.yaml", "runs.db"}
    assert [path for path in kept if path.stat().st_mode & 0o007] == []
    assert (socialnlp.folder / "lake").stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_hours_are_listed_with_what_runs_them_again_and_that_does(
    socialnlp: Installation,
    press: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = Lake.landing_folder("press", HOUR)
    socialnlp.lake.put(f"{folder}/batch.json", b'{"content": {"text": "a message without identity"}}')
    socialnlp.lake.put(f"{Lake.landing_folder('press', LATER)}/batch.json", b"[]")
    assert socialnlp.here(monkeypatch, "hours", "run", "press", "2026-11-20-08:00", **press) == 1
    assert "2026-11-20-08:00 failed; `socialnlp hours list` says why" in capfd.readouterr().err
    assert socialnlp.here(monkeypatch, "hours", "list", **press) == 0
    first, second, last = capfd.readouterr().out.splitlines()[1:]
    assert first.split()[:4] == ["press", "2026-11-20-08:00", "failed", "posts"]
    assert "press/posts was not published" in first
    assert first.endswith("socialnlp hours run press 2026-11-20-08:00")
    assert second.split()[1:5] == ["2026-11-20-09:00", "never", "run", "posts"]
    assert last == "2 hours wait"
    socialnlp.lake.put(f"{folder}/batch.json", json.dumps([message(1)]).encode())
    assert socialnlp.here(monkeypatch, "hours", "run", "press", **press) == 0
    told = capfd.readouterr().out
    assert "2026-11-20-08:00: press, run " in told
    assert "2026-11-20-09:00: press, run " in told
    assert socialnlp.here(monkeypatch, "hours", "list", **press) == 0
    assert capfd.readouterr().out == "no hour waits\n"
    assert socialnlp.lake.read_table(Lake.table_path("press", "posts", HOUR)).num_rows == 1
    assert socialnlp.here(monkeypatch, "hours", "run", "press", "2026-11-20-08:00", **press) == 2
    assert "of press, these do not wait: 2026-11-20-08:00" in capfd.readouterr().err
