"""Autoscaling is an extra: whatever becomes of it, endpoints serve and are removed."""

from __future__ import annotations

import pytest

from tests.endpoints.world import E1, TERMS, TEXTS, World, translate
from tests.fakes.aws_errors import AwsError

DENIED = AwsError("AccessDeniedException", "not authorized to perform: application-autoscaling:RegisterScalableTarget")


def test_only_the_creator_scales_and_only_once(world: World) -> None:
    for run in ("one", "two", "three"):
        world.together(lambda run=run: translate(world.endpoints(run)))
    assert len(world.fake.called("RegisterScalableTarget")) == 1
    (target,) = world.fake.scalable.values()
    # One run keeps four requests in flight: with more of them, another instance is wanted.
    assert target["policy"]["TargetValue"] == 4
    assert target["MinCapacity"] < target["MaxCapacity"]


def test_an_endpoint_that_may_not_be_scaled_serves_and_is_removed(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.fake.fault("RegisterScalableTarget", error=DENIED, times=1000)
    world.fake.fault("DeregisterScalableTarget", error=DENIED, times=1000)
    (results,) = world.together(lambda: translate(world.endpoints()))
    assert len(results) == len(TEXTS)
    assert f"could not scale {E1}: not authorized" in caplog.text
    world.clock.advance(TERMS.warm.total_seconds())
    world.endpoints("reaper").reap()
    assert world.fake.existing() == {E1: "Deleting"}


def test_concurrent_updates_of_scaling_only_delay(world: World) -> None:
    busy = AwsError("ConcurrentUpdateException", "Concurrent update")
    world.fake.fault("RegisterScalableTarget", error=busy, times=2)
    world.together(lambda: translate(world.endpoints()))
    assert len(world.fake.scalable) == 1
