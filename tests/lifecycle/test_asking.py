"""What asks for a retraining without anybody, and what somebody decides in the UI."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
import pytest

from socialnlp_assets.assets.models.build import decide_on_version
from socialnlp_assets.definitions import build_definitions, model_definitions
from socialnlp_assets.resources.build import build_endpoints, build_registry
from socialnlp_assets.resources.registry.versions import Made
from socialnlp_assets.settings import Profile, Settings
from tests.lifecycle.conftest import MODEL, Installation, rows


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
    sensors = {sensor.name for sensor in model_definitions(settings).sensors or ()}
    assert ("approvals" in sensors) == is_there
