"""`socialnlp backfill`: which hours it asks for, how it is limited, and what it says of how far it is."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources

import dagster as dg
import pytest
import yaml

from socialnlp_assets.cli.backfill import Progress, progress_of
from socialnlp_assets.fakes.samples import sample_hours
from socialnlp_assets.partitions import HOUR as HOURLY
from socialnlp_assets.partitions import floor_hour, key_of
from socialnlp_assets.resources import endpoints
from socialnlp_assets.resources.endpoints.records import Record
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.leases.sqlite import SqliteStore
from tests.cli.conftest import Installation
from tests.cli.terminal import PATIENCE, Terminal
from tests.cli.test_hours import HOUR, LATER, WORKFLOW
from tests.cli.test_ui import free_port
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

    done = key_of(datetime(2026, 11, 20, 8, tzinfo=UTC))

    @dg.asset(key=["sprinklr", "output"], partitions_def=dg.StaticPartitionsDefinition([done]))
    def output() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(metadata={"run/cost_usd": 0.5})  # as `assets/usage.py` tells it

    now = time.time()
    for hour, status in ((8, "FAILURE"), (9, "FAILURE"), (10, "STARTED")):
        key = key_of(datetime(2026, 11, 20, hour, tzinfo=UTC))
        tags = {"dagster/backfill": "abc", "dagster/partition": key}
        instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus(status))
    dg.materialize([output], instance=instance, partition_key=done, tags={"dagster/backfill": "abc"})
    progress = progress_of(instance, "sprinklr", "abc", [str(n) for n in range(8)])
    assert (progress.ended, progress.failed, progress.cost) == (2, ["2026-11-20-09:00"], 0.5)
    assert progress.states["STARTED"] == 1
    told = Progress(8, progress.states, progress.failed, now - 60, progress.cost, now).line()
    assert told == "2 of 8 hours done, 1 of them failed, 1 running, about 0:03:00 and $3.00 left, $0.50 so far"


@pytest.mark.slow
def test_a_backfill_whose_daemon_is_killed_loses_and_doubles_nothing(socialnlp: Installation) -> None:
    """Five hours, one at a time, the third of which is bad. Dagster ends with its daemon, and is started again."""
    workflow, first = (
        "gmaps_stores",
        floor_hour(datetime.now(UTC)) - timedelta(days=4),
    )  # the sensor looks back less far
    hours = [first + n * HOURLY for n in range(5)]
    good = sample_hours(first, len(hours), workflow=workflow, flawed=False)
    for path, data in good.items():
        spoilt = path.startswith(Lake.landing_folder(workflow, hours[2]))
        socialnlp.lake.put(path, b'{"broken": ' if spoilt else data)
    prices = yaml.safe_load(resources.files(endpoints).joinpath("prices.yaml").read_text())
    (socialnlp.folder / "prices.yaml").write_text(yaml.safe_dump(prices | {"local_hour": 3600}))  # a dollar a second
    variables = {"SOCIALNLP_PRICES": str(socialnlp.folder / "prices.yaml"), "SOCIALNLP_WARM_SECONDS": "3000"}
    span = ("--from", key_of(first), "--to", key_of(first + len(hours) * HOURLY))
    watching = Terminal(socialnlp, "backfill", workflow, *span, "--at-most", "1", **variables)
    watching.wait_for("backfill ")  # the home is there
    ui = Terminal(socialnlp, "ui", "--port", str(free_port()), **variables)
    with socialnlp.instance() as instance:
        wait_until(lambda: len(runs(instance, dg.DagsterRunStatus.SUCCESS)) >= 1)
        assert made(socialnlp) == {1}
        socialnlp.kill("dagster._daemon")
        assert ui.end() == 1, ui.shown
        ui = Terminal(socialnlp, "ui", "--port", str(free_port()), **variables)
        assert watching.end() == 1
        assert re.search(r"about \d+:\d\d:\d\d and \$[1-9]\d*\.\d\d left", watching.shown), watching.shown
        assert f"1 hours failed: {key_of(hours[2])}" in " ".join(watching.shown.split())
        assert made(socialnlp) == {2}  # each once by either UI
        done = Counter(run.tags["dagster/partition"] for run in runs(instance, dg.DagsterRunStatus.SUCCESS))
        assert done == {key_of(hour): 1 for hour in hours if hour != hours[2]}
        assert most_at_a_time(instance) == 1
    for path, data in good.items():
        socialnlp.lake.put_if_changed(path, data)
    assert socialnlp("hours", "run", workflow, key_of(hours[2]), **variables).returncode == 0
    again = socialnlp("backfill", workflow, *span, "--skip-unchanged", **variables)
    assert again.stdout == "5 of 5 hours are unchanged and left out\n"
    ui.press_ctrl_c()
    ui.end()
    assert socialnlp.processes() == []
    assert socialnlp("endpoints", "list").stdout == "no endpoints\n"


def runs(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> list[dg.DagsterRun]:
    """Of the backfill; what a schedule builds when it is due is not meant."""
    (found,) = instance.get_backfills()
    wanted = dg.RunsFilter(statuses=[status], tags={"dagster/backfill": found.backfill_id})
    return list(instance.get_runs(wanted))


def made(socialnlp: Installation) -> set[int]:
    """How often each endpoint has been made."""
    return {record.epoch for record in SqliteStore(socialnlp.folder / "state" / "leases.db", Record).records()}


def most_at_a_time(instance: dg.DagsterInstance) -> int:
    (found,) = instance.get_backfills()
    records = instance.get_run_records(dg.RunsFilter(tags={"dagster/backfill": found.backfill_id}))
    spans = [(each.start_time, each.end_time) for each in records if each.start_time and each.end_time]
    return max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.5)
