"""A new version whose endpoint fails is rolled back by itself, once, on virtual time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from socialnlp_assets.resources.endpoints.backend import EndpointError
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.registry.registry import LakeRegistry
from socialnlp_assets.resources.registry.versions import Made, State
from socialnlp_assets.sensors.second_tries import DOWN
from tests.endpoints.given import GivenEndpoints
from tests.endpoints.world import World, spec
from tests.fakes.aws_errors import CAPACITY, IMAGE, PING, TIMED_OUT, AwsError, model_error
from tests.fakes.sagemaker import Creation

MODEL = "themes"


def registered(lake: Lake, age: timedelta) -> LakeRegistry:
    """Two versions, of which the second went into service so long ago."""
    registry = LakeRegistry(lake, lambda: datetime.now(UTC) - age)
    for number in (1, 2):
        digest = str(number)
        registry.register(
            Made(model=MODEL, folder=digest, digest=digest, files={}, size=1, source="trained"), "training", "passed"
        )
        registry.decide(MODEL, number, State.APPROVED, "ada", "good")
    return LakeRegistry(lake)


def fail(world: World, lake: Lake, run: str) -> EndpointError:
    """A run whose endpoint fails, as it is created or as it is asked."""
    endpoints = GivenEndpoints(lake=lake.uri)
    endpoints._given, endpoints._specification = world.manager(run), spec

    def ask() -> EndpointError:
        with pytest.raises(EndpointError) as told, endpoints.lease(MODEL) as themes:
            themes.predict(["the government raises taxes"])
        return told.value

    return world.together(ask)[0]


@pytest.mark.parametrize(
    ("reason", "age", "in_service"),
    [
        (PING, timedelta(hours=23), 1),
        (PING, timedelta(hours=25), 2),
        (CAPACITY, timedelta(0), 2),
        (IMAGE, timedelta(0), 2),
    ],
    ids=["new", "long in service", "no capacity", "no image"],
)
def test_a_new_version_whose_endpoint_fails_is_rolled_back(
    world: World, tmp_path: Path, reason: str, age: timedelta, in_service: int
) -> None:
    lake = Lake(uri=str(tmp_path / "lake"))
    registry = registered(lake, age)
    world.fake.creations["e1$"] = Creation(failure=reason)
    error = fail(world, lake, "run")
    version = registry.history(MODEL).in_service()
    assert version is not None
    assert version.number == in_service
    if in_service == 1:
        assert version.who == "endpoint"
        assert version.why.startswith("the endpoint of version 2 failed: ")
        assert PING in version.why
        assert str(error).startswith(f"version 1 of {MODEL} is in service again from the next run on")


@pytest.mark.parametrize(
    ("error", "in_service"),
    [
        (model_error(500, "cannot load weights"), 1),
        (model_error(400, "tensor sizes do not match"), 1),
        (AwsError("AccessDeniedException", "you may not"), 2),
        (TIMED_OUT, 2),
    ],
    ids=["model failed", "model refuses all", "no right", "slow"],
)
def test_a_new_version_that_fails_on_every_text_is_rolled_back(
    world: World, tmp_path: Path, error: AwsError, in_service: int
) -> None:
    lake = Lake(uri=str(tmp_path / "lake"))
    registry = registered(lake, timedelta(0))
    world.fake.fault("InvokeEndpoint", error=error, times=10_000)
    failure = fail(world, lake, "run")
    version = registry.history(MODEL).in_service()
    assert version is not None
    assert version.number == in_service
    if in_service == 1:
        assert version.who == "endpoint"
        assert error.fields["OriginalMessage"] in version.why
        assert type(failure).__name__ in DOWN  # so the hour is run again, with the version that came back


def test_what_came_back_is_not_rolled_back_when_it_fails_too(world: World, tmp_path: Path) -> None:
    lake = Lake(uri=str(tmp_path / "lake"))
    registry = registered(lake, timedelta(hours=1))
    for number in (1, 2):
        world.fake.creations[f"e{number}$"] = Creation(failure=PING)
        fail(world, lake, f"run-{number}")
    version = registry.history(MODEL).in_service()
    assert version is not None
    assert version.number == 1
    assert len(registry.history(MODEL).entries) == 5
