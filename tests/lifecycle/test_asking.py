"""What asks for a retraining without anybody, and what somebody decides in the UI."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from socialnlp_assets.assets.models.build import decide_on_version
from socialnlp_assets.definitions import build_definitions, model_definitions
from socialnlp_assets.models.catalogue import CatalogueError, Training, load_catalogue
from socialnlp_assets.partitions import hourly_partitions, key_of
from socialnlp_assets.resources.build import build_endpoints, build_registry
from socialnlp_assets.resources.registry.versions import Made
from socialnlp_assets.sensors.labels import WHY, asked_for, drifted, labels_arrived
from socialnlp_assets.settings import Profile, Settings
from tests.lifecycle.conftest import CATALOGUE, MODEL, Installation, rows


def tick(installation: Installation, cursor: str | None) -> tuple[Sequence[str], str | None, str | None]:
    """The jobs that the sensor asks for, what it says otherwise, and its cursor."""
    definitions = build_definitions(installation.settings)
    sensor = definitions.resolve_sensor_def("labels_arrived")
    context = dg.build_sensor_context(
        instance=installation.instance, cursor=cursor, resources={"lake": installation.lake}, definitions=definitions
    )
    result = sensor.evaluate_tick(context)
    return [str(each.job_name) for each in result.run_requests or ()], result.skip_message, result.cursor


def test_a_training_is_asked_for_when_enough_labels_have_come_and_once(installation: Installation) -> None:
    asked, told, cursor = tick(installation, None)
    assert (asked, told) == ([], "no new labels")
    installation.add(rows(30), "first.csv")
    asked, told, cursor = tick(installation, cursor)
    assert (asked, told) == ([], "mood: 30 of 50 new rows")
    installation.add(rows(30, seed=1), "second.csv")
    asked, told, cursor = tick(installation, cursor)
    assert asked == ["train_mood"]
    asked, told, cursor = tick(installation, cursor)
    assert (asked, told) == ([], "no new labels")


def test_a_file_that_cannot_be_read_is_looked_into_at_once(installation: Installation) -> None:
    installation.add([("hello there", "fury")])
    assert tick(installation, None)[0] == ["train_mood"]


def report(installation: Installation, hour: datetime, passed: bool) -> None:
    """A run of an hour whose check says whether it is like those before it."""
    key, partitions = dg.AssetKey(["sprinklr", "profile"]), hourly_partitions(datetime(2026, 1, 1, tzinfo=UTC))

    spec = dg.AssetCheckSpec("drift", asset=key, partitions_def=partitions)

    @dg.asset(key=key, partitions_def=partitions, check_specs=[spec])
    def profile() -> Iterator[Any]:
        yield dg.AssetCheckResult(passed=passed, check_name="drift", severity=dg.AssetCheckSeverity.WARN)
        yield dg.Output(None)

    whole = hour.replace(minute=0, second=0, microsecond=0)
    assert dg.materialize([profile], partition_key=key_of(whole), instance=installation.instance).success


@pytest.mark.filterwarnings("ignore::dagster.PreviewWarning")
def test_hours_of_drift_are_those_of_the_last_day_as_each_was_checked_last(installation: Installation) -> None:
    now = datetime.now(UTC)
    for hours in (1, 2, 3, 30):
        report(installation, now - timedelta(hours=hours), passed=False)
    report(installation, now - timedelta(hours=2), passed=True)
    assert drifted(installation.instance, "sprinklr", now) == 2
    assert drifted(installation.instance, "google_maps", now) == 0


@pytest.mark.parametrize(
    ("new", "drifting", "why", "told"),
    [
        (50, 0, "50 new rows", ""),
        (10, 0, "", "10 of 50 new rows"),
        (10, 2, "", "10 of 50 new rows"),
        (10, 3, "3 hours of drift in the last day, and 10 new rows", ""),
        (0, 3, "", "3 hours of drift in the last day, and no new labels to learn from; socialnlp labels suggest finds "
         "texts for them"),
        (0, 2, "", ""),
    ],
)  # fmt: skip
def test_drift_asks_for_labels_and_with_a_few_new_ones_for_a_training(
    new: int, drifting: int, why: str, told: str
) -> None:
    assert asked_for(new, drifting, Training(retrain_after=50, drift_hours=3)) == (why, told)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::dagster.PreviewWarning")
def test_hours_that_drift_and_a_few_new_labels_come_to_a_version_in_service(installation: Installation) -> None:
    installation.add(rows(400))
    training = Training(retrain_after=1000)
    entry = load_catalogue(installation.settings.models)[MODEL].model_copy(update={"training": training})
    definitions = build_definitions(installation.settings)
    jobs = [each for each in definitions.jobs or () if each.name == "train_mood"]
    sensor = labels_arrived({MODEL: entry}, jobs, {MODEL: ["sprinklr"]})

    def asked() -> list[dg.RunRequest]:
        context = dg.build_sensor_context(instance=installation.instance, resources={"lake": installation.lake})
        return list(sensor.evaluate_tick(context).run_requests or ())

    assert asked() == []
    for hours in (1, 2, 3):
        report(installation, datetime.now(UTC) - timedelta(hours=hours), passed=False)
    (request,) = asked()
    assert request.tags[WHY] == "3 hours of drift in the last day, and 400 new rows"
    result = definitions.resolve_job_def(str(request.job_name)).execute_in_process(
        instance=installation.instance, tags=request.tags
    )
    assert result.success
    assert installation.in_service == 1


def test_a_calendar_looks_once_a_period_and_trains_what_has_changed(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.add(rows(10))
    cursor = tick(installation, None)[2]
    training = Training(retrain_after=50, every=timedelta(days=30))
    entry = load_catalogue(installation.settings.models)[MODEL].model_copy(update={"training": training})
    jobs = [each for each in build_definitions(installation.settings).jobs or () if each.name == "train_mood"]
    sensor = labels_arrived({MODEL: entry}, jobs, {MODEL: ["sprinklr"]})

    def asked(cursor: str | None) -> tuple[list[str], str | None]:
        context = dg.build_sensor_context(
            instance=installation.instance, cursor=cursor, resources={"lake": installation.lake}
        )
        result = sensor.evaluate_tick(context)
        return [request.tags[WHY] for request in result.run_requests or ()], result.cursor

    assert asked(cursor)[0] == []
    seen = json.loads(cursor or "")
    seen[MODEL]["looked"] = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    why, after = asked(json.dumps(seen))
    assert why == ["every 30 days"]
    assert asked(after)[0] == []
    monkeypatch.setattr("socialnlp_assets.sensors.labels.is_up_to_date", lambda *_: True)
    assert asked(json.dumps(seen))[0] == []


@pytest.mark.parametrize("every", ["30", "monthly", "0d", "30 d"])
def test_a_calendar_that_is_none_is_told_with_its_line(tmp_path: Path, every: str) -> None:
    (tmp_path / "ours.yaml").write_text(f"{CATALOGUE}    every: {every}\n")
    with pytest.raises(CatalogueError, match=r"ours.yaml:11: .*every: .*write a number of days, such as 30d"):
        load_catalogue(tmp_path)


def decide(installation: Installation, **decision: object) -> dg.ExecuteInProcessResult:
    return decide_on_version.execute_in_process(
        run_config={"ops": {"decide": {"config": decision}}},
        resources={
            "registry": build_registry(installation.settings),
            "endpoints": build_endpoints(installation.settings),
        },
        instance=installation.instance,
        raise_on_error=False,
    )


@pytest.mark.parametrize(("decision", "in_service"), [("approve", 1), ("reject", 0)])
def test_somebody_decides_in_the_ui_and_says_why(installation: Installation, decision: str, in_service: int) -> None:
    made = Made(model=MODEL, folder="", digest="one", files={}, size=1, source="trained")
    installation.registry.register(made, "training", "passed the gate")
    result = decide(installation, model=MODEL, version=1, decision=decision, who="ada", why="looked at it")
    assert result.success
    assert installation.in_service == in_service
    version = installation.registry.version(MODEL, 1)
    assert (version.who, version.why) == ("ada", "looked at it")
    assert not decide(installation, model=MODEL, version=1, decision="perhaps", who="ada", why="looked").success


@pytest.mark.parametrize(("image", "is_there"), [("", False), ("image@sha256:ab", True)])
def test_approvals_in_sagemaker_are_looked_for_where_versions_are_there(image: str, is_there: bool) -> None:
    settings = Settings(profile=Profile.AWS, lake="s3://bucket/lake", training_image=image)
    sensors = {sensor.name for sensor in model_definitions([], settings).sensors or ()}
    assert ("approvals" in sensors) == is_there
