"""The hours that wait for somebody: each that failed, was cancelled, is incomplete or never ran, and no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from socialnlp_assets.assets.inventory import Lack, WaitingHour, waiting_hours
from socialnlp_assets.partitions import HOUR as AN_HOUR
from socialnlp_assets.partitions import floor_hour, key_of
from socialnlp_assets.sensors import HOURS, hours_inventory
from socialnlp_assets.workflow import load_workflows
from tests.platform.conftest import HOUR, Platform, message

SPRINKLR = load_workflows()["sprinklr"]
ASSETS = SPRINKLR.assets()
BROKEN = b'{"content": {"text": "a message without identity"}}'


def waiting(platform: Platform) -> list[WaitingHour]:
    assets = {"sprinklr": ASSETS}
    return waiting_hours(platform.instance, platform.lake, assets, platform.settings.start, datetime.now(UTC))


def publish(platform: Platform, assets: list[str], hour: datetime = HOUR) -> None:
    """As some run does that is not the workflow's own."""
    for asset in assets:
        event = dg.AssetMaterialization(dg.AssetKey(["sprinklr", asset]), partition=key_of(hour))
        platform.instance.report_runless_asset_event(event)


def new_run(platform: Platform, hour: datetime = HOUR) -> str:
    """A run of the hour that has not begun."""
    definition = platform.definitions.resolve_job_def("sprinklr")
    tags = {"dagster/partition": key_of(hour)}
    return platform.instance.create_run_for_job(definition, tags=tags).run_id


def cancel(platform: Platform, run: str) -> None:
    found = platform.instance.get_run_by_id(run)
    assert found
    platform.instance.report_run_canceled(found)


def test_nothing_waits_where_nothing_has_landed(platform: Platform) -> None:
    assert waiting(platform) == []


def test_files_that_no_run_has_taken_wait(platform: Platform) -> None:
    platform.land([message(1)])
    (found,) = waiting(platform)
    assert (found.workflow, found.hour, found.lack) == ("sprinklr", key_of(HOUR), Lack.NEVER_RUN)
    assert found.assets == tuple(ASSETS)
    assert found.since == HOUR + AN_HOUR
    assert found.command == "socialnlp hours run sprinklr 2026-11-20-08:00"


def test_an_hour_that_is_not_over_or_has_no_partition_does_not_wait(platform: Platform) -> None:
    platform.land([message(1)], hour=floor_hour(datetime.now(UTC)))
    platform.land([message(1)], hour=platform.settings.start - AN_HOUR)
    assert waiting(platform) == []


@pytest.mark.slow
def test_a_failed_hour_waits_with_its_reason_until_it_is_made_up_for(platform: Platform) -> None:
    platform.land(BROKEN)
    failed = platform.ingest()
    assert not failed.success
    (found,) = waiting(platform)
    assert (found.lack, found.step, found.run) == (Lack.FAILED, "posts", failed.run_id)
    assert "posts was not published" in found.why
    assert "\n" not in found.why
    record = platform.instance.get_run_records(dg.RunsFilter(run_ids=[failed.run_id]))[0]
    assert found.since == record.create_timestamp
    platform.land([message(1)])
    assert platform.ingest().success
    (found,) = waiting(platform)
    assert (found.lack, found.assets) == (Lack.INCOMPLETE, tuple(ASSETS[1:]))
    publish(platform, ASSETS[1:])
    assert waiting(platform) == []


def test_a_failure_after_an_hour_was_complete_waits(platform: Platform) -> None:
    publish(platform, ASSETS)
    platform.land(BROKEN)
    assert not platform.ingest().success
    (found,) = waiting(platform)
    assert found.assets == ("posts",)  # the rest is as it was


def test_a_cancelled_hour_waits_for_what_its_run_did_not_publish(platform: Platform) -> None:
    run = new_run(platform)
    cancel(platform, run)
    publish(platform, ["posts", "keywords"])
    (found,) = waiting(platform)
    assert (found.lack, found.step, found.run) == (Lack.CANCELLED, "translations", run)
    assert found.assets == tuple(asset for asset in ASSETS if asset not in ("posts", "keywords"))


def test_an_hour_whose_run_is_under_way_does_not_wait(platform: Platform) -> None:
    platform.land([message(1)])
    run = new_run(platform)
    assert waiting(platform) == []
    cancel(platform, run)
    assert [each.lack for each in waiting(platform)] == [Lack.CANCELLED]


@pytest.mark.slow
def test_the_counts_are_those_of_the_runs_and_the_lake(platform: Platform) -> None:
    hours = [HOUR + n * AN_HOUR for n in range(6)]
    for hour in hours[:2]:
        platform.land(BROKEN, hour=hour)
        platform.ingest(hour=hour)
    for hour in hours[2:4]:
        cancel(platform, new_run(platform, hour))
    platform.land([message(1)], hour=hours[4])
    publish(platform, ["posts"], hours[5])
    found = {lack: [each.hour for each in waiting(platform) if each.lack is lack] for lack in Lack}
    for lack, status in ((Lack.FAILED, dg.DagsterRunStatus.FAILURE), (Lack.CANCELLED, dg.DagsterRunStatus.CANCELED)):
        runs = platform.instance.get_runs(dg.RunsFilter(statuses=[status]))
        assert found[lack] == sorted(run.tags["dagster/partition"] for run in runs)
    assert found[Lack.NEVER_RUN] == [key_of(hours[4])]
    assert found[Lack.INCOMPLETE] == [key_of(hours[5])]


def test_an_hour_that_could_not_be_pulled_waits(platform: Platform, tmp_path: Path) -> None:
    sources = tmp_path / "sources.yaml"
    sources.write_text("sprinklr: {api: v2}\n", encoding="utf-8")
    platform.settings = platform.settings.model_copy(update={"sources": sources})
    platform.overrides["sprinklr"] = object()  # nothing that could be asked
    job = platform.definitions.resolve_job_def("pull_sprinklr")
    failed = job.execute_in_process(partition_key=key_of(HOUR), instance=platform.instance, raise_on_error=False)
    assert not failed.success
    (found,) = waiting(platform)
    assert (found.workflow, found.assets, found.run) == ("sprinklr", ("landing",), failed.run_id)
    publish(platform, ["landing"])
    assert waiting(platform) == []


def test_an_hour_of_years_ago_is_not_forgotten(platform: Platform) -> None:
    old = platform.settings.start + timedelta(hours=3)
    publish(platform, ["posts"], old)
    assert [each.hour for each in waiting(platform)] == [key_of(old)]


def test_the_table_is_told_when_it_changes_and_only_then(platform: Platform) -> None:
    sensor = hours_inventory([SPRINKLR], platform.settings.start)

    def tick(cursor: str | None) -> dg.SensorResult:
        with dg.build_sensor_context(
            instance=platform.instance, cursor=cursor, resources={"lake": platform.lake}
        ) as context:
            result = sensor(context)
        assert isinstance(result, dg.SensorResult)
        return result

    platform.land([message(1)])
    first = tick(None)
    (event,) = first.asset_events
    assert isinstance(event, dg.AssetMaterialization)
    assert event.asset_key == HOURS.key
    assert event.metadata["waiting"].value == event.metadata["never_run"].value == 1
    (row,) = event.metadata["hours"].value.records  # type: ignore[union-attr]
    assert row.data["run again"] == "socialnlp hours run sprinklr 2026-11-20-08:00"
    assert tick(first.cursor).asset_events == []
    publish(platform, ASSETS)
    (event,) = tick(first.cursor).asset_events
    assert event.metadata["waiting"].value == 0
