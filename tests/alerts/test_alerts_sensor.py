"""What people are told of an installation: each kind of trouble, once, and its end, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import dagster as dg
import pytest

from socialnlp_assets.alerts import Alerts
from socialnlp_assets.alerts.resource import build_alerts
from socialnlp_assets.assets import usage
from socialnlp_assets.partitions import key_of
from socialnlp_assets.resources.endpoints.metering import Usage
from socialnlp_assets.resources.endpoints.reaper import Removal
from socialnlp_assets.sensors.alerts import alerts_sensor
from socialnlp_assets.workflow import load_workflows
from tests.alerts.test_alerts import receiver
from tests.platform.conftest import HOUR, Platform, message, platform, settings  # noqa: F401  fixtures

SPRINKLR = load_workflows()["sprinklr"]


class Watched:
    """Endpoints of which `stuck` cannot be removed."""

    stuck: ClassVar[list[str]] = []

    def warm(self, models: list[str], shapes: object = None) -> None:
        pass

    def reap(self) -> list[Removal]:
        return [Removal(name, "nobody holds it", False, "AccessDenied") for name in self.stuck]


class Desk:
    """The alerts sensor of a platform, whose channel is a receiver on loopback."""

    def __init__(self, platform: Platform, alerts: Alerts, got: list[Any]) -> None:  # noqa: F811
        self.platform, self.alerts, self.got, self.cursor = platform, alerts, got, ""
        self.sensor = alerts_sensor([SPRINKLR], budget=1.0)

    def tick(self) -> list[tuple[str, str, str]]:
        """(kind, state, first line) of what arrived."""
        resources = {"alerts": self.alerts, "endpoints": Watched()}
        with dg.build_sensor_context(self.platform.instance, cursor=self.cursor, resources=resources) as context:
            result = self.sensor(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor or ""
        got = [request.json() for request in self.got]
        self.got.clear()
        return [(alert["kind"], alert["state"], alert["lines"][0]) for alert in got]


@pytest.fixture
def desk(platform: Platform) -> Iterator[Desk]:  # noqa: F811
    with receiver() as (address, got):
        settings = platform.settings.model_copy(update={"alerts": (f"webhook:{address}/hook",)})
        yield Desk(platform, build_alerts(settings), got)


def posts(**more: Any) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(dg.AssetKey(["sprinklr", "posts"]), partition=key_of(HOUR), **more)


def test_nothing_is_told_where_nothing_is_wrong(desk: Desk) -> None:
    assert desk.tick() == []


def test_a_failed_hour_is_told_with_what_runs_it_again_and_when_it_is_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.platform.land(b'{"content": {"text": "a message without identity"}}')
    assert not desk.platform.ingest().success
    ((kind, state, line),) = desk.tick()
    assert (kind, state) == ("failure", "new")
    assert line.startswith("sprinklr 2026-11-20-08:00: posts: ")
    assert line.endswith("socialnlp hours run sprinklr 2026-11-20-08:00")
    assert desk.tick() == []
    monkeypatch.setattr("socialnlp_assets.alerts.rules.SETTLED", timedelta(0))
    job = desk.platform.definitions.resolve_job_def("sprinklr")
    tags = {"dagster/partition": key_of(HOUR)}
    again = desk.platform.instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)
    assert desk.tick() == []  # it is being run: not over yet
    desk.platform.instance.delete_run(again.run_id)
    desk.platform.land([message(1)])
    assert desk.platform.ingest().success
    assert [(kind, state) for kind, state, _ in desk.tick()] == [("failure", "over")]


def test_a_cancelled_hour_and_a_job_without_hours_are_told(desk: Desk) -> None:
    instance, definitions = desk.platform.instance, desk.platform.definitions
    tags = {"dagster/partition": key_of(HOUR)}
    run = instance.create_run_for_job(definitions.resolve_job_def("sprinklr"), tags=tags)
    instance.report_run_canceled(run)

    @dg.job
    def nightly() -> None:
        pass

    instance.create_run_for_job(nightly, status=dg.DagsterRunStatus.FAILURE)
    told = {kind: line for kind, _, line in desk.tick()}
    assert told["cancellation"].startswith("sprinklr 2026-11-20-08:00: posts: somebody cancelled its run")
    assert told["failure"].startswith("nightly: its last run failed")


def test_a_run_of_assets_without_a_job_is_told_by_their_groups(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socialnlp_assets.alerts.rules.SETTLED", timedelta(0))
    instance = desk.platform.instance
    job = desk.platform.definitions.resolve_implicit_global_asset_job_def()
    both = frozenset({dg.AssetKey(["sprinklr", "posts"]), dg.AssetKey(["rwanda", "posts"])})
    instance.create_run_for_job(job, asset_selection=both, status=dg.DagsterRunStatus.FAILURE)
    ((kind, state, line),) = desk.tick()
    assert (kind, state) == ("failure", "new")
    assert line.startswith("rwanda and sprinklr: its last run failed")
    one = frozenset({dg.AssetKey(["sprinklr", "posts"])})
    instance.create_run_for_job(job, asset_selection=one, status=dg.DagsterRunStatus.SUCCESS)
    assert desk.tick() == []
    instance.create_run_for_job(job, asset_selection=both, status=dg.DagsterRunStatus.SUCCESS)
    assert [(kind, state) for kind, state, _ in desk.tick()] == [("failure", "over")]


def test_an_endpoint_that_stays_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watched, "stuck", ["nlp-translator-1-e1"])
    assert desk.tick() == [
        ("endpoints", "new", "nlp-translator-1-e1: could not be removed: AccessDenied. it costs money")
    ]


def test_money_past_the_budget_is_told(desk: Desk) -> None:
    used = usage.of_step([Usage("translator", "translations", cost_usd=0.75)])
    key = dg.AssetKey(["sprinklr", "translations"])
    for hour in range(2):
        assert desk.tick() == []
        partition = key_of(HOUR + timedelta(hours=hour))
        desk.platform.instance.report_runless_asset_event(
            dg.AssetMaterialization(key, partition=partition, metadata=used)
        )
    ((kind, state, line),) = desk.tick()
    assert (kind, state) == ("budget", "new")
    assert "$1.50 of $1.00 a day spent on endpoints" in line


def test_drift_is_told_until_an_hour_is_like_the_others_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socialnlp_assets.alerts.rules.SETTLED", timedelta(0))
    states = []
    for passed in (False, False, True, True):
        evaluation = dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(["sprinklr", "profile"]),
            check_name="drift",
            passed=passed,
            metadata={},
            severity=dg.AssetCheckSeverity.WARN,
            description="half as many messages",
        )
        desk.platform.instance.report_runless_asset_event(evaluation)
        states += [(kind, state) for kind, state, _ in desk.tick()]
    assert states == [("drift", "new"), ("drift", "over")]


def test_an_hour_that_does_not_come_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.platform.instance.report_runless_asset_event(posts())
    assert desk.tick() == []

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(hours=4, minutes=1)

    monkeypatch.setattr("socialnlp_assets.sensors.alerts.datetime", Later)
    ((kind, state, line),) = desk.tick()
    assert (kind, state) == ("freshness", "new")
    assert line.startswith(f"sprinklr/posts: no hour since {datetime.now(UTC):%Y-%m-%d}")
    assert line.endswith("see whether the source delivers")
