"""`socialnlp backfill`: which hours it asks for, how it is limited, and what it says of how far it is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
import yaml

from socialnlp_assets.cli.backfill import Progress, progress_of
from socialnlp_assets.partitions import key_of
from socialnlp_assets.resources.lake import Lake
from tests.cli.conftest import Installation
from tests.cli.test_hours import HOUR, LATER, WORKFLOW
from tests.platform.conftest import message

THIRD = LATER + timedelta(hours=1)


@pytest.fixture
def instance(socialnlp: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    assert socialnlp.here(monkeypatch, "hours", "list") == 0  # which makes the home
    with dg.DagsterInstance.from_config(str(socialnlp.folder / "dagster")) as instance:
        yield instance


@pytest.fixture
def workflows(socialnlp: Installation) -> dict[str, str]:
    folder = socialnlp.folder / "workflows"
    folder.mkdir()
    (folder / "press.yaml").write_text(WORKFLOW)
    return {"SOCIALNLP_WORKFLOWS": str(folder)}


def ask(
    socialnlp: Installation,
    monkeypatch: pytest.MonkeyPatch,
    workflows: dict[str, str],
    *more: str,
) -> int:
    hours = ("--from", f"{HOUR:%Y-%m-%dT%H:%M}", "--to", key_of(THIRD + timedelta(hours=1)))
    return socialnlp.here(monkeypatch, "backfill", "press", *hours, "--detach", *more, **workflows)


def asked(instance: dg.DagsterInstance) -> set[str]:
    """The hours of the newest backfill."""
    newest = instance.get_backfills(limit=1)[0]
    assert newest.asset_backfill_data
    wanted = newest.asset_backfill_data.target_subset.get_partitions_subset(dg.AssetKey(["press", "posts"]))
    return set(wanted.get_partition_keys())


@pytest.mark.slow
def test_hours_that_would_come_out_the_same_are_left_out_on_request(
    socialnlp: Installation,
    instance: dg.DagsterInstance,
    workflows: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for number, hour in enumerate((HOUR, LATER)):
        raw = message(number, channelCreatedTime=int(hour.timestamp() * 1000))
        socialnlp.lake.put(f"{Lake.landing_folder('press', hour)}/a.json", json.dumps([raw]).encode())
    assert socialnlp.here(monkeypatch, "hours", "run", "press", **workflows) == 0
    capfd.readouterr()
    assert ask(socialnlp, monkeypatch, workflows, "--skip-unchanged") == 0
    said = capfd.readouterr().out
    assert "2 of 3 hours are unchanged and left out" in said
    assert "no daemon runs on this instance" in said
    assert asked(instance) == {key_of(THIRD)}
    socialnlp.lake.put(f"{Lake.landing_folder('press', LATER)}/late.json", b"[]")
    assert ask(socialnlp, monkeypatch, workflows, "--skip-unchanged") == 0
    assert asked(instance) == {key_of(LATER), key_of(THIRD)}
    assert ask(socialnlp, monkeypatch, workflows) == 0
    assert asked(instance) == {key_of(HOUR), key_of(LATER), key_of(THIRD)}
    (newest,) = instance.get_backfills(limit=1)
    assert newest.tags == {"socialnlp/at_most": "2", "dagster/priority": "-1"}
    # Other code, as after an upgrade: every hour comes out differently.
    monkeypatch.setattr("socialnlp_assets.assets.versions.code_version", lambda *_: "other")
    assert ask(socialnlp, monkeypatch, workflows, "--skip-unchanged") == 0
    assert asked(instance) == {key_of(HOUR), key_of(LATER), key_of(THIRD)}


def test_what_cannot_be_asked_is_told(
    socialnlp: Installation,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert socialnlp.here(monkeypatch, "backfill", "nowhere", "--from", "2026-11-20", "--to", "2026-11-21") == 2
    assert "no workflow is called 'nowhere'" in capfd.readouterr().err
    assert socialnlp.here(monkeypatch, "backfill", "sprinklr", "--from", "2020-11-20", "--to", "2020-11-21") == 2
    assert "no hour from 2020-11-20-00:00 to 2020-11-20-23:00 is a partition" in capfd.readouterr().err
    home = socialnlp.folder / "dagster" / "dagster.yaml"
    configuration = yaml.safe_load(home.read_text())
    configuration["concurrency"]["runs"]["tag_concurrency_limits"] = []  # as an earlier version wrote it
    home.write_text(yaml.safe_dump(configuration))
    assert socialnlp.here(monkeypatch, "backfill", "sprinklr", "--from", "2026-11-20", "--to", "2026-11-21") == 1
    assert '- {key: socialnlp/at_most, value: "2", limit: 2}' in capfd.readouterr().err
    assert instance.get_backfills() == []


def test_progress_counts_the_last_run_of_each_hour_and_what_it_cost(instance: dg.DagsterInstance) -> None:
    @dg.job
    def job() -> None:
        pass

    now = time.time()
    for hour, status in ((8, "FAILURE"), (8, "SUCCESS"), (9, "FAILURE"), (10, "STARTED")):
        key = key_of(datetime(2026, 11, 20, hour, tzinfo=UTC))
        tags = {"dagster/backfill": "abc", "dagster/partition": key}
        instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus(status))
    progress = progress_of(instance, "sprinklr", "abc", [str(n) for n in range(8)])
    assert (progress.ended, progress.failed) == (2, ["2026-11-20-09:00"])
    assert progress.states["STARTED"] == 1
    told = Progress(8, progress.states, progress.failed, now - 60, 0.5, now).line()
    assert told == "2 of 8 hours done, 1 of them failed, 1 running, about 0:03:00 and $3.00 left, $0.50 so far"
