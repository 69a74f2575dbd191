"""The landing jobs in Dagster: an hour pulled from stand-ins into a lake, and raw messages removed in time."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from socialnlp_assets.assets import landing
from socialnlp_assets.assets.retention import build_retention, remove_expired
from socialnlp_assets.definitions import build_definitions
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.settings import Settings
from socialnlp_assets.sources.loopback import Faults
from socialnlp_assets.sources.sprinklr.stand_in import KEY, REFRESH_TOKEN, SECRET, FakeSprinklr, many_messages

from .conftest import HOUR

pytestmark = pytest.mark.slow


@pytest.mark.usefixtures("secrets")
def test_an_hour_pulled_twice_changes_nothing_and_shows_no_secret(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with (
        FakeSprinklr(many_messages(200, HOUR)).serve() as url,
        dg.DagsterInstance.local_temp(str(tmp_path)) as instance,
    ):
        file = tmp_path / "sources.yaml"
        file.write_text(f"sprinklr: {{url: '{url}', rows: 50}}")
        settings = Settings(sources=file, lake=str(tmp_path / "lake"), state=tmp_path / "state")
        job = build_definitions(settings).resolve_job_def("pull_sprinklr")
        for expected_change in (True, False):
            run = job.execute_in_process(instance=instance, partition_key="2026-11-20-08:00")
            assert run.success
            events = run.get_asset_materialization_events()
            assert {e.asset_key.to_user_string() for e in events} == {"sprinklr/landing", "rwanda/landing"}  # type: ignore[union-attr]
            assert all(e.materialization.metadata["changed"].value is expected_change for e in events)
            shown = str(instance.all_logs(run.run_id)) + str(capfd.readouterr())
            assert not any(secret in shown for secret in (KEY, SECRET, REFRESH_TOKEN, "sample-access-token"))
    lake = Lake(uri=settings.lake_uri)
    counts = {w: [len(json.loads(lake.get(f.path))) for f in lake.landed(w, HOUR)] for w in ("sprinklr", "rwanda")}
    assert counts == {"sprinklr": [100], "rwanda": [150]}


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("fault", ["half_json", "echo"])
def test_a_pull_that_fails_shows_no_secret_in_logs_errors_or_events(
    fault: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    account = FakeSprinklr([], faults=Faults(rate=1.0, kinds=(fault,)))
    run, events = pull(account, tmp_path)
    assert not run.success
    assert "Sprinklr did not answer" in events
    shown = events + caplog.text + str(capfd.readouterr())
    for secret in (KEY, SECRET, "sample-refresh-token", "sample-access-token"):
        assert secret not in shown


@pytest.mark.usefixtures("secrets")
def test_an_outage_is_asked_about_once_an_hour_and_made_up_for_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landing, "MISSED", 4)
    account = FakeSprinklr(many_messages(8, HOUR), faults=Faults(rate=1.0, kinds=("500",)))
    with account.serve() as url, dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        file = tmp_path / "sources.yaml"
        file.write_text(f"sprinklr: {{url: '{url}', patience_seconds: 0, first_pause_seconds: 0.01}}")
        settings = Settings(sources=file, lake=str(tmp_path / "lake"), state=tmp_path / "state")
        repository = build_definitions(settings).get_repository_def()

        def tick(hour: int) -> list[str]:
            """One tick of the schedule, five minutes into `hour`, and the runs that it asks for."""
            now = HOUR.replace(hour=hour, minute=5)
            with dg.build_schedule_context(instance, now, repository_def=repository) as context:
                requests = repository.get_schedule_def("pull_sprinklr_schedule").evaluate_tick(context).run_requests
            keys = [str(request.partition_key) for request in requests or []]
            job = repository.get_job("pull_sprinklr")
            for key in keys:
                job.execute_in_process(instance=instance, partition_key=key, raise_on_error=False)
            return keys

        assert tick(9) == ["2026-11-20-08:00"]
        assert tick(10) == ["2026-11-20-09:00"]
        account.faults.rate = 0.0
        assert tick(11) == ["2026-11-20-10:00"]
        made_up = tick(12)
        assert made_up == ["2026-11-20-08:00", "2026-11-20-09:00", "2026-11-20-11:00"]
        assert tick(12) == []
    assert len(Lake(uri=settings.lake_uri).landed("sprinklr", HOUR)) == 1


def test_an_hour_that_one_of_its_workflows_lacks_is_pulled_again(tmp_path: Path) -> None:
    """Sprinklr feeds two, and the pull died between them."""
    file = tmp_path / "sources.yaml"
    file.write_text("sprinklr: {}")
    settings = Settings(sources=file, lake=str(tmp_path / "lake"), state=tmp_path / "state")
    repository = build_definitions(settings).get_repository_def()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:

        def asked() -> list[str]:
            now = HOUR.replace(hour=9, minute=5)
            with dg.build_schedule_context(instance, now, repository_def=repository) as context:
                requests = repository.get_schedule_def("pull_sprinklr_schedule").evaluate_tick(context).run_requests
            return [str(request.partition_key) for request in requests or []]

        for workflow in ("rwanda", "sprinklr"):
            assert asked() == ["2026-11-20-08:00"]
            landed = dg.AssetMaterialization(dg.AssetKey([workflow, "landing"]), partition="2026-11-20-08:00")
            instance.report_runless_asset_event(landed)
        assert asked() == []


@pytest.mark.usefixtures("secrets")
def test_a_pull_that_is_given_up_says_what_to_do(tmp_path: Path) -> None:
    run, events = pull(FakeSprinklr([], faults=Faults(rate=1.0, kinds=("500",))), tmp_path)
    assert not run.success
    assert "run the hour again later" in events


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("trouble", ["inactive", "wrong secret", "no secret"])
def test_what_somebody_must_change_is_not_tried_again(
    trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = FakeSprinklr([], active=trouble != "inactive")
    if trouble == "wrong secret":
        monkeypatch.setenv("SOCIALNLP_SECRET_SPRINKLR_SECRET", "wrong-api-secret-0002")
    elif trouble == "no secret":
        monkeypatch.delenv("SOCIALNLP_SECRET_SPRINKLR_KEY")
    run, _ = pull(account, tmp_path)
    assert not run.success
    assert account.calls <= 2


def pull(account: FakeSprinklr, folder: Path) -> tuple[dg.ExecuteInProcessResult, str]:
    """Pull the hour without patience; also everything that Dagster recorded of it."""
    with account.serve() as url, dg.DagsterInstance.local_temp(str(folder)) as instance:
        file = folder / "sources.yaml"
        file.write_text(f"sprinklr: {{url: '{url}', patience_seconds: 0, first_pause_seconds: 0.01}}")
        settings = Settings(sources=file, lake=str(folder / "lake"), state=folder / "state")
        job = build_definitions(settings).resolve_job_def("pull_sprinklr")
        run = job.execute_in_process(instance=instance, partition_key="2026-11-20-08:00", raise_on_error=False)
        return run, str(instance.all_logs(run.run_id))


def test_configured_sources_are_pulled_on_a_schedule_that_runs(tmp_path: Path) -> None:
    file = tmp_path / "sources.yaml"
    file.write_text("sprinklr: {}\ngoogle_maps: {}\n")
    repository = build_definitions(Settings(sources=file, state=tmp_path)).get_repository_def()
    pulls = {schedule.job_name: schedule for schedule in repository.schedule_defs if "pull" in schedule.job_name}
    assert set(pulls) == {"pull_sprinklr", "pull_google_maps"}
    for schedule in pulls.values():
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
        assert schedule.cron_schedule == "5 * * * *"
    repository = build_definitions(Settings(state=tmp_path)).get_repository_def()
    assert not [schedule.job_name for schedule in repository.schedule_defs if "pull" in schedule.job_name]


PUTTING = """
import resource, signal, sys
from socialnlp_assets.resources.lake import Lake
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the system ends whoever writes more to a file than this
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
Lake(uri=sys.argv[1]).put(sys.argv[2], b"[" + b" " * (2 * int(sys.argv[3])) + b"]")
"""


def test_a_landing_file_that_is_half_written_is_never_seen(tmp_path: Path) -> None:
    lake, half = Lake(uri=str(tmp_path)), 1 << 20
    path = f"{lake.landing_folder('sprinklr', HOUR)}/sprinklr.json"
    lake.put(path, b"[]")
    writer = subprocess.run([sys.executable, "-c", PUTTING, str(tmp_path), path, str(half)], check=False)
    assert writer.returncode == -signal.SIGXFSZ
    assert half in [file.stat().st_size for file in (tmp_path / path).parent.glob("*")]  # the disk has it
    assert [(file.path, file.size) for file in lake.objects("landing")] == [(path, 2)]  # the lake has not
    assert len(lake.landed("sprinklr", HOUR)) == 1


def test_raw_messages_are_removed_when_their_time_is_over(tmp_path: Path) -> None:
    lake, now = Lake(uri=str(tmp_path)), datetime(2026, 11, 20, 12, tzinfo=UTC)
    kept, expired = "date=2026-10-21/hour=12", "date=2026-10-21/hour=11"
    for folder in (kept, expired):
        for path in ("landing/sprinklr/{}/a.json", "quarantine/sprinklr/posts/{}/part.parquet", "sprinklr/posts/{}/p"):
            lake.put(path.format(folder), b"x")
    lake.put("landing/sprinklr/notes.txt", b"of no hour")
    assert dict(remove_expired(lake, 30, now)) == {"landing": 1, "quarantine": 1}
    assert sorted(f.path for area in ("landing", "quarantine") for f in lake.objects(area)) == [
        f"landing/sprinklr/{kept}/a.json",
        "landing/sprinklr/notes.txt",
        f"quarantine/sprinklr/posts/{kept}/part.parquet",
    ]
    assert lake.exists(f"sprinklr/posts/{expired}/p")
    assert dict(remove_expired(lake, 30, now)) == {"landing": 0, "quarantine": 0}


def test_the_retention_job_says_what_it_removed(tmp_path: Path) -> None:
    lake = Lake(uri=str(tmp_path))
    long_ago = datetime.now(UTC) - timedelta(days=8)
    lake.put(f"landing/rwanda/{long_ago:date=%Y-%m-%d/hour=%H}/a.json", b"[]")
    job, schedule = build_retention(7)
    run = job.execute_in_process(resources={"lake": lake})
    assert run.success
    assert not list(lake.objects("landing"))
    assert schedule.cron_schedule == "30 3 * * *"
