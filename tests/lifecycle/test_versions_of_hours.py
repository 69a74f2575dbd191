"""Which version made an hour: told in its files, the same for all of it, and found again when it is an old one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from socialnlp_assets.assets.made_by import versions_of
from socialnlp_assets.assets.models.shelf import Shelf
from socialnlp_assets.partitions import key_of
from socialnlp_assets.resources.build import build_endpoints
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.registry.registry import LakeRegistry, store_files
from socialnlp_assets.resources.registry.versions import Made, State
from tests.cli.conftest import Installation
from tests.lifecycle.conftest import as_csv, make_model, rows
from tests.platform.conftest import HOUR

pytestmark = pytest.mark.slow
WORKFLOW = """\
name: moods
description: One step, so that an hour is quick.
source: {kind: dropped, languages: [en]}
steps:
  classifications: {model: topic}
"""
CATALOGUE = """\
topic:
  description: Good or bad, each alone.
  task: multi-label
  labels: [good, bad]
  embedded: {model: topic}
  training: {hyperparameters: {strength: 5}}
"""


@pytest.fixture
def socialnlp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    (tmp_path / "workflows").mkdir()
    (tmp_path / "models").mkdir()
    (tmp_path / "workflows" / "moods.yaml").write_text(WORKFLOW)
    (tmp_path / "models" / "ours.yaml").write_text(CATALOGUE)
    make_model(tmp_path, rows(60), task="multi-label", model="topic").rename(tmp_path / "models" / "topic")
    monkeypatch.setenv("SOCIALNLP_WORKFLOWS", "x")
    return Installation(tmp_path)


def test_an_hour_says_which_version_made_it_and_is_stale_after_another_was_approved(
    socialnlp: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = {"SOCIALNLP_WORKFLOWS": str(tmp_path / "workflows"), "SOCIALNLP_MODELS": str(tmp_path / "models")}

    def run(*arguments: str) -> str:
        code = socialnlp.here(monkeypatch, *arguments, **settings)
        shown = capfd.readouterr().out
        assert code == 0, shown
        return shown

    lake = socialnlp.lake
    posts = "".join(
        f'{{"message_id": "m{n}", "created_at": "2026-11-20T08:00:0{n}Z", "message": "{text}", "language": "en", '
        f'"social": "TWITTER"}}\n'
        for n, (text, _) in enumerate(rows(6))
    )
    lake.put(f"{Lake.landing_folder('moods', HOUR)}/posts.jsonl", posts.encode())
    run("hours", "run", "moods", key_of(HOUR))
    assert "every hour was made by the versions in service" in run("hours", "stale", "--days", "3660")

    folder = make_model(tmp_path / "second", rows(80, seed=3), task="multi-label", model="topic")
    where, digest, files, size = store_files(lake, "topic", folder)
    made = Made(model="topic", folder=where, digest=digest, files=files, size=size, source="trained")
    registry = LakeRegistry(lake)
    registry.register(made, "training", "passed the gate")
    assert "version 1 is in service" in run("models", "approve", "topic", "1", "--why", "better", "--who", "ada")
    shown = run("hours", "stale", "--days", "3660")
    label = f"1@{digest[:8]}"
    assert re.search(rf"moods {key_of(HOUR)}: topic 0@\w+ → {label}; again: classifications, output, profile", shown)

    run("hours", "stale", "--days", "3660", "--run")
    for path in (Lake.table_path("moods", "classifications", HOUR), next(_output(lake))):
        assert versions_of(lake.read_schema(path)) == {"topic": label}
    assert "every hour was made by the versions in service" in run("hours", "stale", "--days", "3660")
    assert "version 0 is in service again" in run("models", "rollback", "topic", "--why", "complaints", "--who", "ada")
    assert registry.history("topic").versions()[1].state is State.RETIRED


def _output(lake: Lake) -> Iterator[str]:
    return (file.path for file in lake.objects("output/moods") if file.path.endswith(".parquet"))


def test_labels_are_added_and_what_is_worth_labelling_is_suggested(
    socialnlp: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels.csv").write_bytes(as_csv(rows(300)))
    settings = {"SOCIALNLP_WORKFLOWS": str(tmp_path / "workflows"), "SOCIALNLP_MODELS": str(tmp_path / "models")}
    for _ in range(2):
        assert socialnlp.here(monkeypatch, "labels", "add", "labels.csv", "--model", "topic", **settings) == 0
    shown = capfd.readouterr().out
    assert "300 rows added; topic has 300 texts, 0 duplicates" in shown
    assert "labels.csv is there already" in shown
    (tmp_path / "bad.csv").write_text("text,label\nhello,fury\n")
    assert socialnlp.here(monkeypatch, "labels", "add", "bad.csv", "--model", "topic", **settings) == 1
    assert "nothing was added:\nbad.csv:2: no label is called 'fury'" in capfd.readouterr().err
    (tmp_path / "three.csv").write_text("text,label\n" + "hello again,good\n" * 3)
    assert socialnlp.here(monkeypatch, "labels", "remove", "three.csv", "--model", "topic", **settings) == 2
    (name,) = (path.rpartition("/")[2] for path in Shelf(socialnlp.lake, "topic").incoming())
    assert f"topic has no file of labels 'three.csv'; it has {name}" in capfd.readouterr().err
    assert socialnlp.here(monkeypatch, "labels", "remove", name, "--model", "topic", **settings) == 0
    assert socialnlp.here(monkeypatch, "labels", "add", "three.csv", "--model", "topic", **settings) == 0
    shown = capfd.readouterr().out
    assert re.search(r"no model is trained on these: .*socialnlp labels remove \w+-three.csv --model topic", shown)
    assert "train:" not in shown
    assert socialnlp.here(monkeypatch, "labels", "suggest", "topic", **settings) == 1
    assert "no hour that asked topic lies in the lake" in capfd.readouterr().err


def test_what_has_changed_is_trained_by_the_command_that_ci_calls(
    socialnlp: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    root = Path(__file__).parents[2]
    for name in (".github/workflows/models.yml", "deploy/buildspec-models.yml"):
        assert "socialnlp models train --if-changed" in str(yaml.safe_load((root / name).read_text()))
    (tmp_path / "labels.csv").write_bytes(as_csv(rows(400)))
    settings = {"SOCIALNLP_WORKFLOWS": str(tmp_path / "workflows"), "SOCIALNLP_MODELS": str(tmp_path / "models")}
    assert socialnlp.here(monkeypatch, "labels", "add", "labels.csv", "--model", "topic", **settings) == 0
    assert socialnlp.here(monkeypatch, "models", "train", "--if-changed", **settings) == 0
    assert "topic: version 1, pending, macro F1 " in capfd.readouterr().out
    assert socialnlp.here(monkeypatch, "models", "train", "--if-changed", **settings) == 0
    assert "topic: nothing has changed" in capfd.readouterr().out
    assert socialnlp.here(monkeypatch, "models", "show", "topic", "1", **settings) == 0
    assert "# topic, version 1\n\nGood or bad, each alone." in capfd.readouterr().out
    assert socialnlp.here(monkeypatch, "models", "approve", "topic", "1", "--why", "better", **settings) == 0
    swapped = [(text, "bad" if label == "good" else "good") for text, label in rows(400, seed=2)]
    (tmp_path / "bad.csv").write_bytes(as_csv(swapped))
    assert socialnlp.here(monkeypatch, "labels", "add", "bad.csv", "--model", "topic", **settings) == 0
    assert socialnlp.here(monkeypatch, "models", "train", "topic", **settings) == 1
    told = capfd.readouterr()
    assert "topic: the gate has stopped it." in told.out
    assert "Stack Trace" not in told.err
    with build_endpoints(socialnlp.settings) as endpoints:
        endpoints.stop_all()
