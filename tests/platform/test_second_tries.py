"""Which failed hours are asked for again, when, and how often."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

import dagster as dg
import pytest

from socialnlp_assets.assets.inventory import failed_hours
from socialnlp_assets.partitions import key_of
from socialnlp_assets.resources.endpoints.backend import EndpointFailed, ModelFailed, Throttled
from socialnlp_assets.resources.endpoints.requester import PredictionFailed
from socialnlp_assets.sensors.second_tries import (
    ENDED_TAG,
    TRY_TAG,
    pause,
    request,
    second_tries_sensor,
    was_down,
)
from socialnlp_assets.workflow import load_workflows
from tests.platform.conftest import HOUR, Platform, message

SPRINKLR = load_workflows()["sprinklr"]


class Down:
    """Endpoints that do not even take an announcement; `error` says why."""

    error: ClassVar[Exception]

    def warm(self, models: list[str], shapes: object = None) -> None:
        del models, shapes
        try:
            raise self.error
        except Throttled as error:
            raise PredictionFailed("gave up") from error


@pytest.fixture
def down(platform: Platform) -> Platform:
    platform.overrides["endpoints"] = Down()
    platform.land([message(1)])
    return platform


def asked(platform: Platform, later: timedelta) -> dg.RunRequest | str:
    """What is made of the one hour that failed, so much later."""
    (hour,) = failed_hours(platform.instance, {"sprinklr": SPRINKLR.assets()}, HOUR)
    (record,) = platform.instance.get_run_records(dg.RunsFilter(run_ids=[hour.run]))
    assert record.end_time
    return request(platform.instance, hour, datetime.fromtimestamp(record.end_time, HOUR.tzinfo) + later)


@pytest.mark.parametrize("error", [EndpointFailed("no capacity"), Throttled("busy")])
def test_what_was_down_is_asked_for_again_after_growing_pauses_and_not_for_ever(
    down: Platform, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(Down, "error", error, raising=False)
    monkeypatch.setattr("socialnlp_assets.sensors.second_tries.MOST_TRIES", 2)
    tags: dict[str, Any] = {"socialnlp/landed": "x", "socialnlp/hour": f"sprinklr:{key_of(HOUR)}"}
    keys = []
    for tries in range(2):
        assert not down.run(tags=tags, asset_selection=[dg.AssetKey(["sprinklr", "posts"])]).success
        assert str(asked(down, pause(tries) - timedelta(seconds=1))).startswith("is asked for again at")
        again = asked(down, pause(tries))
        assert isinstance(again, dg.RunRequest)
        assert (again.job_name, again.partition_key) == ("sprinklr", key_of(HOUR))
        assert again.asset_selection == [dg.AssetKey(["sprinklr", "posts"])]
        assert again.tags == {**tags, TRY_TAG: str(tries + 1)}  # of just these files, as far as the landing sensor goes
        keys.append(again.run_key)
        tags = dict(again.tags)
    assert not down.run(tags=tags, asset_selection=[dg.AssetKey(["sprinklr", "posts"])]).success
    assert asked(down, timedelta(days=1)) == "failed 3 times"
    assert len(set(keys)) == 2
    assert [pause(n) / pause(0) for n in range(4)] == [1, 2, 4, 8]


@pytest.mark.parametrize("error", [ModelFailed("bad model", status=500), ValueError("a mistake")])
def test_what_failed_for_a_reason_of_its_own_is_not_asked_for_again(
    down: Platform, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(Down, "error", error, raising=False)
    assert not down.ingest().success
    assert asked(down, timedelta(days=1)) == "failed for a reason of its own"
    (hour,) = failed_hours(down.instance, {"sprinklr": SPRINKLR.assets()}, HOUR)
    assert str(error) in hour.why  # and not what Dagster says around it
    assert "Error occurred while executing" not in hour.why


@pytest.mark.parametrize(("other", "expected"), [(Throttled("busy"), True), (ValueError("a mistake"), False)])
def test_a_run_was_down_where_every_step_that_failed_was(other: Exception, expected: bool) -> None:
    @dg.op
    def first() -> None:
        raise EndpointFailed("no capacity")

    @dg.op
    def second() -> None:
        raise other

    @dg.job
    def both() -> None:
        first()
        second()

    with dg.DagsterInstance.ephemeral() as instance:
        run = both.execute_in_process(instance=instance, raise_on_error=False).run_id
        assert was_down(instance, run) is expected
        assert not was_down(instance, "another")


def test_the_sensor_asks_for_an_hour_once(down: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Down, "error", EndpointFailed("no capacity"), raising=False)
    monkeypatch.setattr("socialnlp_assets.sensors.second_tries.FIRST_PAUSE", timedelta(0))
    assert not down.ingest().success
    sensor = second_tries_sensor(SPRINKLR)
    with dg.build_sensor_context(instance=down.instance, definitions=down.definitions) as context:
        (again,) = sensor.evaluate_tick(context).run_requests or []
        assert again.partition_key == key_of(HOUR)
        job = down.definitions.resolve_job_def("sprinklr")
        down.instance.create_run_for_job(job, tags=again.tags, status=dg.DagsterRunStatus.STARTED)
        assert not sensor.evaluate_tick(context).run_requests  # it is under way


def test_a_run_that_ended_because_dagster_had_died_is_asked_for_at_once_in_its_backfill(down: Platform) -> None:
    job = down.definitions.resolve_job_def("sprinklr")
    tags = {"dagster/partition": key_of(HOUR), "dagster/backfill": "abc", ENDED_TAG: "Dagster"}
    run = down.instance.create_run_for_job(job, tags=tags)
    down.instance.report_run_canceled(run)
    again = asked(down, timedelta(0))
    assert isinstance(again, dg.RunRequest)
    assert again.tags["dagster/backfill"] == "abc"
    assert ENDED_TAG not in again.tags
    down.instance.report_run_canceled(down.instance.create_run_for_job(job, tags=tags | {ENDED_TAG: ""}))
    assert asked(down, timedelta(days=1)) == "is asked for by others"
