"""What asks for the mart and the reports, and when: by the clock of a day in the past, on a real instance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from socialnlp_assets.definitions import build_definitions
from socialnlp_assets.partitions import key_of
from socialnlp_assets.settings import Settings
from tests.mart.conftest import HOUR

OUTPUT = dg.AssetKey(["sprinklr", "output"])
MART = dg.AssetKey(["mart", "fact_message"])
REPORT = dg.AssetKey(["report", "gmaps_stores"])
BEGIN = HOUR + timedelta(hours=2, minutes=1)


class Daemon:
    """Evaluates the conditions tick by tick, as Dagster's daemon does."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self.definitions, self.instance = definitions, instance
        self.cursor: Any = None
        self.tick(0)

    def tick(self, minute: int) -> set[str]:
        """What it asks for so many minutes after `BEGIN`."""
        now = BEGIN + timedelta(minutes=minute)
        found = dg.evaluate_automation_conditions(
            self.definitions, self.instance, evaluation_time=now, cursor=self.cursor
        )
        self.cursor = found.cursor
        return {key.to_user_string() for key in (MART, REPORT) if found.get_num_requested(key)}

    def publish(self, hour: datetime) -> None:
        event = dg.AssetMaterialization(OUTPUT, partition=key_of(hour))
        self.instance.report_runless_asset_event(event)


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    pytest.importorskip("dbt", reason="extra mart")
    return build_definitions(Settings(), {"lake": "none: every build fails"})


@pytest.fixture
def daemon(definitions: dg.Definitions) -> Iterator[Daemon]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Daemon(definitions, instance)


BOTH = {"mart/fact_message", "report/gmaps_stores"}


def test_new_output_asks_for_the_mart_and_the_reports_once(daemon: Daemon) -> None:
    daemon.publish(HOUR)
    assert daemon.tick(1) == set()  # what else is published in these minutes goes into the same build
    daemon.publish(HOUR - timedelta(hours=1))
    assert daemon.tick(20) == BOTH
    assert [daemon.tick(minute) for minute in (21, 40, 60)] == [set()] * 3


def test_nothing_new_asks_for_nothing(daemon: Daemon) -> None:
    assert [daemon.tick(minute) for minute in (20, 40, 60)] == [set()] * 3


def test_an_hour_that_is_published_anew_asks_again(daemon: Daemon) -> None:
    daemon.publish(HOUR)
    assert daemon.tick(20) == BOTH
    daemon.publish(HOUR)  # after it was asked for: the build may have passed over it
    assert [daemon.tick(minute) for minute in (21, 22)] == [set()] * 2
    assert daemon.tick(40) == BOTH
    assert [daemon.tick(minute) for minute in (41, 42, 60)] == [set()] * 3


def test_an_hour_that_fails_a_check_is_not_published_and_asks_for_nothing(daemon: Daemon) -> None:
    failed = dg.AssetCheckEvaluation(
        asset_key=OUTPUT, check_name="contract", passed=False, metadata={}, blocking=True, partition=key_of(HOUR)
    )
    daemon.instance.report_runless_asset_event(failed)
    assert daemon.tick(20) == set()
    daemon.publish(HOUR - timedelta(hours=1))  # and holds up no other hour
    assert daemon.tick(40) == BOTH


def test_an_hour_before_the_lookback_waits_for_the_next_build(daemon: Daemon) -> None:
    daemon.publish(HOUR - timedelta(hours=72))
    assert daemon.tick(20) == set()
    daemon.publish(HOUR - timedelta(hours=70))
    assert daemon.tick(40) == BOTH


def test_a_build_that_failed_is_asked_for_again(daemon: Daemon) -> None:
    daemon.publish(HOUR)
    assert daemon.tick(20) == BOTH
    job = daemon.definitions.resolve_job_def("mart")
    assert not job.execute_in_process(instance=daemon.instance, raise_on_error=False).success
    assert daemon.tick(21) == set()
    assert daemon.tick(40) == BOTH


def test_the_sensor_is_on_and_takes_all_that_the_job_builds(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    (sensor,) = (each for each in repository.sensor_defs if each.name == "mart_automation")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    asked_for = sensor.asset_selection.resolve(repository.asset_graph)  # type: ignore[union-attr]
    assert asked_for == repository.get_job("mart").asset_layer.selected_asset_keys
