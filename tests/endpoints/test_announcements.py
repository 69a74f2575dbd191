"""Announcements: a run says at its start what it will need, and its later steps, in other processes, find it coming."""

from __future__ import annotations

import pytest

from socialnlp_assets.resources.endpoints.announcements import Announcement
from socialnlp_assets.resources.endpoints.backend import EndpointFailed
from socialnlp_assets.resources.endpoints.leases import Lease
from socialnlp_assets.resources.endpoints.metering import Meter
from socialnlp_assets.resources.endpoints.records import Record, State
from socialnlp_assets.resources.endpoints.terms import PATIENCE
from tests.endpoints.world import E1, E2, TERMS, DiesAt, Killed, World, spec
from tests.fakes.aws_errors import CAPACITY, throttling
from tests.fakes.sagemaker import Creation

pytestmark = pytest.mark.slow

MODELS = ["translator", "normalizer", "sentiment", "emotion", "keywords", "reputation", "themes", "summarizer"]


def announce(world: World, *models: str, run: str = "run") -> None:
    """A step process that announces and ends."""
    with world.endpoints(run) as endpoints:
        endpoints.warm(models)


def record_of(world: World, model: str = "translator") -> Record:
    (record,) = (record for record in world.endpoints().records() if record.model == model)
    return record


def creations_of_growing_length(world: World) -> None:
    for number, model in enumerate(MODELS):
        world.fake.creations[f"nlp-{model}-"] = Creation(seconds=120 + 30 * number)  # the slowest: 330 s


def test_a_cold_run_in_one_process_waits_for_the_slowest_endpoint_not_for_the_sum(world: World) -> None:
    creations_of_growing_length(world)

    def run() -> float:
        began = world.clock.seconds()
        with world.endpoints() as endpoints:
            endpoints.warm(MODELS)
            assert world.clock.seconds() == began  # returns at once
            for model in MODELS:
                with endpoints.lease(model):
                    pass
            return world.clock.seconds() - began

    (waited,) = world.together(run)
    assert len(set(world.created())) == len(MODELS)
    assert 330 <= waited <= 360  # the sum is 1800 s


def test_a_cold_run_of_a_process_a_step_waits_for_the_slowest_endpoint_not_for_the_sum(world: World) -> None:
    creations_of_growing_length(world)
    began = world.clock.seconds()
    announce(world, *MODELS)
    assert len(world.created()) == len(MODELS)  # and the process that asked for them has gone

    def steps() -> None:
        for model in MODELS:
            with world.endpoints() as endpoints, endpoints.lease(model):
                pass

    world.together(steps)
    assert len(world.created()) == len(MODELS)
    assert 330 <= world.clock.seconds() - began <= 360


def test_who_only_announces_takes_no_share_of_what_a_holder_pays(world: World) -> None:
    meter = Meter("translator", "holder")
    lease = Lease(world.manager("holder"), spec("translator"), meter=meter)
    world.together(lease.enter)
    announce(world, "translator", run="other")
    for _ in range(2):
        world.clock.advance(20)
        lease.renew()
    lease.release()
    assert meter.usage.endpoint_seconds == 40


def test_an_announcement_lasts_until_the_runs_first_lease_though_its_process_is_gone(world: World) -> None:
    announce(world, "translator", run="announcer")
    (holder,) = record_of(world).holders.values()
    assert (holder.run, holder.step, holder.announces) == ("announcer", "announcement", True)
    world.clock.advance(20 * TERMS.lease.total_seconds())
    assert world.endpoints("reaper").reap() == []
    # Another run's lease leaves it standing, its own takes its place.
    for run, announcements in (("other", 1), ("announcer", 0)):
        lease = world.lease(run=run)
        world.together(lease.enter)
        assert sum(holder.announces for holder in record_of(world).holders.values()) == announcements
        lease.release()
    assert world.created() == [E1]
    world.clock.advance(TERMS.warm.total_seconds())
    assert [removal.reason for removal in world.endpoints("reaper").reap()] == ["nobody holds it"]


def test_an_announcement_ends_with_its_run(world: World) -> None:
    announce(world, "translator", run="one")
    announce(world, "translator", run="two")
    world.clock.advance(300)
    world.endpoints("hook").release_run("one")
    assert world.endpoints("hook").reap() == []
    world.endpoints("hook").release_run("two")
    (removal,) = world.endpoints("hook").reap()
    assert (removal.endpoint, removal.reason) == (E1, "nobody holds it")


def test_an_announcement_that_nobody_follows_ends_when_no_creation_takes_longer(world: World) -> None:
    announce(world, "translator")
    (holder,) = record_of(world).holders.values()
    left = (holder.expires_at - world.clock.now()).total_seconds()
    assert left <= PATIENCE["realtime"].creation.total_seconds()
    world.clock.advance(left - 1)
    assert world.endpoints("reaper").reap() == []
    world.clock.advance(1)
    (removal,) = world.endpoints("reaper").reap()
    assert removal.endpoint == E1


def test_announcing_while_the_run_holds_a_lease_changes_nothing(world: World) -> None:
    lease = world.lease()
    world.together(lease.enter)
    before = record_of(world)
    world.together(lambda: announce(world, "translator"))
    assert record_of(world) == before
    lease.release()


@pytest.mark.parametrize("before", [True, False], ids=["before create", "after create"])
def test_nobody_waits_for_a_dead_announcer(world: World, before: bool) -> None:
    backend = DiesAt(world, "create", before=before)
    with pytest.raises(Killed):
        Announcement(world.manager("dead", backend), spec("translator")).advance()
    began = world.clock.seconds()
    lease = world.lease(run="heir")
    lease.advance()
    assert record_of(world).holders[record_of(world).creator].run == "heir"  # although the announcement has not expired
    world.together(lease.enter)
    assert world.clock.seconds() - began <= 250  # the creation alone
    assert set(world.created()) == {E1}
    lease.release()
    world.endpoints("hook").release_run("dead")


def test_an_announcer_that_is_throttled_asks_again(world: World) -> None:
    world.fake.fault("CreateEndpoint", error=throttling(), times=3)

    def run() -> float:
        began = world.clock.seconds()
        with world.endpoints() as endpoints:
            endpoints.warm(["translator"])
            while not world.fake.existing():
                world.clock.sleep(1)
            return world.clock.seconds() - began

    (waited,) = world.together(run)
    assert 0 < waited < 60
    world.endpoints("hook").release_run("run")


def test_what_is_announced_while_its_predecessor_is_deleted_is_created_after_it(world: World) -> None:
    world.fake.creations["e1$"] = Creation(deletion_seconds=120)
    lease = world.lease()
    world.together(lease.enter)
    lease.release()
    world.clock.advance(TERMS.warm.total_seconds())
    world.endpoints("reaper").reap()
    assert world.fake.existing() == {E1: "Deleting"}

    def run() -> None:
        with world.endpoints() as endpoints:
            endpoints.warm(["translator"])
            while world.fake.existing() != {E2: "Creating"}:
                world.clock.sleep(5)

    world.together(run)
    world.endpoints("hook").release_run("run")


def test_an_announced_endpoint_that_failed_while_nobody_looked_is_tried_once_more(world: World) -> None:
    world.fake.creations["e1$"] = Creation(failure=CAPACITY)
    announce(world, "translator")
    world.clock.advance(300)
    lease = world.lease()
    world.together(lease.enter)
    assert lease.endpoint == E2
    lease.release()


@pytest.mark.parametrize("minutes", [27, 31])
def test_what_was_announced_long_ago_and_never_asked_for_has_its_full_time(world: World, minutes: int) -> None:
    with pytest.raises(Killed):
        Announcement(world.manager("run", DiesAt(world, "create", before=True)), spec("translator")).advance()
    world.clock.advance(60 * minutes)
    lease = world.lease()
    world.together(lease.enter)  # at minute 31 or 35: a creation may take 30
    assert world.created() == [E1]
    lease.release()


def test_what_was_announced_and_is_still_being_created_when_no_creation_takes_longer_is_begun_anew(
    world: World,
) -> None:
    world.fake.creations["e1$"] = Creation(seconds=2100)
    announce(world, "translator")
    world.clock.advance(PATIENCE["realtime"].creation.total_seconds() + 60)
    lease = world.lease()
    world.together(lease.enter)
    assert lease.endpoint == E2
    lease.release()


def test_an_announcement_does_not_come_back_after_the_lease(world: World) -> None:
    def run() -> None:
        with world.endpoints() as endpoints:
            endpoints.warm(["translator"])
            with endpoints.lease("translator"):
                pass
            world.clock.sleep(60)  # the announcer would have looked a dozen times
            assert record_of(world).holders == {}

    world.together(run)


@pytest.mark.parametrize("lease_first", [False, True])
def test_an_announcer_that_looks_late_adds_nothing(world: World, lease_first: bool) -> None:
    """Whether its process, or another of the run, has taken the lease and given it back."""
    announcement = Announcement(world.manager(), spec("translator"))
    if not lease_first:
        announcement.advance()
    lease = world.lease()
    world.together(lease.enter)
    if lease_first:
        announcement.withdraw()  # what `Endpoints.lease` does to those of its process
    lease.release()
    announcement.advance()
    assert record_of(world).holders == {}


def test_an_announced_endpoint_that_fails_again_fails_the_lease_and_says_why(world: World) -> None:
    world.fake.creations["translator"] = Creation(failure=CAPACITY)
    announce(world, "translator")
    world.clock.advance(300)
    with pytest.raises(EndpointFailed, match=r"e2 could not be created .*InsufficientInstanceCapacity"):
        world.together(world.lease().enter)
    assert world.created() == [E1, E2]


def test_an_announcement_holds_the_endpoint_of_one_process_too(world: World) -> None:
    def run() -> None:
        with world.endpoints() as endpoints:
            endpoints.warm(["translator"])
            while not any(
                record.state is State.IN_SERVICE for record in endpoints.records()
            ):  # watched by the process that announced it
                world.clock.sleep(5)
            with endpoints.lease("translator"):
                assert [holder.step for holder in record_of(world).holders.values()] == [""]

    world.together(run)
    assert record_of(world).holders == {}
