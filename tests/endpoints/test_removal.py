"""Removing: by the reaper, by the sweep and by hand, on virtual time. No endpoint is left in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from socialnlp_assets.resources.endpoints.backend import Description, EndpointGone, EndpointSpec, Throttled
from socialnlp_assets.resources.endpoints.reaper import EndpointHeld, finish_deletion
from socialnlp_assets.resources.endpoints.records import State
from socialnlp_assets.resources.endpoints.sagemaker import SageMaker
from tests.endpoints.world import E1, E2, TERMS, TEXTS, DiesAt, Killed, World, spec, translate
from tests.fakes.aws_errors import throttling

pytestmark = pytest.mark.slow


def test_nobody_is_deleted_while_warm_and_nobody_stays_after(world: World) -> None:
    endpoints = world.endpoints()
    world.together(lambda: translate(endpoints))
    world.clock.advance(TERMS.warm.total_seconds() - 1)
    assert endpoints.reap() == []
    world.clock.advance(1)
    (removal,) = endpoints.reap()
    assert (removal.endpoint, removal.reason, removal.gone) == (E1, "nobody holds it", False)
    world.clock.advance(60)
    (removal,) = endpoints.reap()
    assert removal.gone


def test_a_deletion_that_is_refused_while_creating_comes_later(world: World) -> None:
    world.lease(run="soon gone").advance()
    world.clock.advance(2 * TERMS.lease.total_seconds())
    endpoints = world.endpoints()
    (removal,) = endpoints.reap()
    assert not removal.gone
    assert world.fake.existing() == {E1: "Creating"}
    world.clock.advance(300)
    endpoints.reap()
    assert world.fake.existing() == {E1: "Deleting"}


@pytest.mark.parametrize("before", [True, False], ids=["before delete", "after delete"])
def test_a_reaper_that_dies_in_the_middle_is_succeeded(world: World, before: bool) -> None:
    world.together(lambda: translate(world.endpoints()))
    world.clock.advance(TERMS.warm.total_seconds())
    with pytest.raises(Killed):
        world.endpoints("reaper", DiesAt(world, "delete", before=before)).reap()
    (record,) = world.endpoints().records()
    assert record.state is State.DELETING
    world.endpoints().reap()
    assert world.fake.existing() == {E1: "Deleting"}


def test_a_list_that_is_refused_keeps_no_record_from_being_reaped(world: World) -> None:
    world.together(lambda: translate(world.endpoints()))
    world.clock.advance(TERMS.warm.total_seconds())
    # Three tags are read: for two descriptions of the record's endpoint, and for the list.
    world.fake.fault("ListTags", error=throttling(), after=2)
    reaped, listed = world.endpoints().reap()
    assert (reaped.endpoint, reaped.error) == (E1, "")
    assert str(listed).startswith("nlp-*: not removed (the search for orphans): could not list tags: Rate exceeded")
    assert world.fake.existing() == {E1: "Deleting"}


def test_who_acquires_while_the_reaper_deletes_gets_a_successor(world: World) -> None:
    world.together(lambda: translate(world.endpoints()))
    world.clock.advance(TERMS.warm.total_seconds())
    with pytest.raises(Killed):
        world.endpoints("reaper", DiesAt(world, "delete", before=True)).reap()
    (results,) = world.together(lambda: translate(world.endpoints()))
    assert len(results) == len(TEXTS)
    assert world.created() == [E1, E2]


def test_without_a_daemon_whoever_comes_next_cleans_up(world: World) -> None:
    killed = world.lease(run="killed")
    world.together(killed.enter)
    world.clock.advance(TERMS.lifetime.total_seconds())  # nobody has reaped for hours
    world.together(lambda: translate(world.endpoints()))
    assert world.created() == [E1, E2]
    assert world.fake.existing() == {E2: "InService"}


def test_nothing_outlives_its_deadline_held_or_not(world: World) -> None:
    lease = world.lease()
    world.together(lease.enter)
    for _ in range(TERMS.lifetime // TERMS.lease):
        world.clock.advance(TERMS.lease.total_seconds())
        lease.renew()
    (removal,) = world.endpoints().reap()
    assert removal.endpoint == E1
    with pytest.raises(EndpointGone):
        lease.invoke(b"{}")
    lease.release()


def test_what_no_record_accounts_for_is_swept_and_what_is_not_ours_stays(world: World) -> None:
    ours = {"socialnlp:leases": world.store().name}
    orphan, late, foreign = (spec("translator").endpoint_name(epoch) for epoch in (7, 1, 9))
    world.backend.create(orphan, spec("translator"), ours)
    world.backend.create(foreign, spec("translator"), {"socialnlp:leases": "s3://another/leases"})
    world.clock.advance(300)
    (removal,) = world.endpoints().reap()
    assert (removal.endpoint, removal.reason) == (orphan, "no record accounts for it")
    assert world.fake.existing()[foreign] == "InService"
    world.fake.vanish(foreign)

    # A creator that was stalled for so long that its epoch has come and gone creates it after all.
    world.together(lambda: translate(world.endpoints()))
    world.clock.advance(600)
    world.endpoints().reap()
    world.clock.advance(600)
    world.endpoints().reap()
    assert world.fake.existing() == {}
    world.backend.create(late, spec("translator"), ours)
    world.clock.advance(300)
    assert [removal.endpoint for removal in world.endpoints().reap()] == [late]


def test_stop_refuses_while_held_unless_forced(world: World) -> None:
    lease = world.lease(run="run-1")
    world.together(lease.enter)
    endpoints = world.endpoints()
    with pytest.raises(EndpointHeld, match=r"e1 is held by run-1 on .*--force"):
        endpoints.stop("translator")
    with pytest.raises(KeyError, match=f"no endpoint of 'summarizer' exists; running: {E1}"):
        endpoints.stop("summarizer")
    assert world.fake.existing() == {E1: "InService"}
    assert world.together(lambda: world.endpoints().stop(E1, force=True)) == [[E1]]
    assert world.fake.existing() == {}
    lease.release()


def test_the_leases_of_a_run_that_has_ended_are_released(world: World) -> None:
    dead, alive = world.lease(run="dead"), world.lease("sentiment", run="alive")
    world.together(dead.enter, alive.enter)
    endpoints = world.endpoints()
    dead.renew()
    alive.renew()
    endpoints.release_run("dead")
    assert [removal.endpoint for removal in endpoints.reap()] == [E1]
    alive.release()


# What comes late


def test_a_late_delete_of_an_old_epoch_is_harmless(world: World) -> None:
    world.together(lambda: translate(world.endpoints()))
    world.clock.advance(TERMS.warm.total_seconds())
    with pytest.raises(Killed):
        world.endpoints("reaper", DiesAt(world, "delete", before=True)).reap()
    (decided,) = world.endpoints().records()  # what the reaper holds when it is halted
    lease = world.lease()
    world.together(lease.enter)
    (record,) = world.endpoints().records()
    assert (record.endpoint, record.state) == (E2, State.IN_SERVICE)

    finish_deletion(world.store(), world.backend, decided)
    with pytest.raises(EndpointGone):
        world.backend.delete(E1)
    assert world.fake.existing() == {E2: "InService"}
    assert world.endpoints().records() == [record]
    lease.release()


class HaltedAfterDescribe(SageMaker):
    """The process of a holder that is halted once it knows what there is; `meanwhile` others go on."""

    def __init__(self, world: World, meanwhile: Callable[[], object]) -> None:
        super().__init__(region="eu-west-1", endpoint_url=world.fake.url, sleep=world.clock.sleep)
        self._meanwhile = meanwhile

    def describe(self, name: str) -> Description | None:
        found = super().describe(name)
        self._meanwhile()
        return found


def test_who_learns_late_that_an_old_epoch_vanished_does_not_condemn_its_successor(world: World) -> None:
    world.together(lambda: translate(world.endpoints()))
    world.fake.vanish(E1)
    successor = world.lease(run="successor")
    slow = world.lease(backend=HaltedAfterDescribe(world, lambda: world.together(successor.enter)))
    assert not slow.advance()
    (record,) = world.endpoints().records()
    assert (record.endpoint, record.state) == (E2, State.IN_SERVICE)
    successor.release()
    slow.release()


class HaltedBeforeCreate(SageMaker):
    """The process of a creator that is halted when it has looked for the last time; `meanwhile` others go on."""

    def __init__(self, world: World, *meanwhile: Callable[[], object]) -> None:
        super().__init__(region="eu-west-1", endpoint_url=world.fake.url, sleep=world.clock.sleep)
        self._meanwhile = [lambda: world.clock.advance(TERMS.lease.total_seconds()), *meanwhile]

    def create(self, name: str, spec: EndpointSpec, tags: Mapping[str, str]) -> None:
        meanwhile, self._meanwhile = self._meanwhile, []
        for happens in meanwhile:
            happens()
        super().create(name, spec, tags)


def test_a_creator_that_was_halted_removes_what_it_creates_too_late(world: World) -> None:
    halted = HaltedBeforeCreate(world, lambda: world.endpoints("reaper").reap())
    world.lease(backend=halted).advance()
    (record,) = world.endpoints().records()
    assert (record.endpoint, record.state) == (E1, State.DELETING)  # it had been absent
    (results,) = world.together(lambda: translate(world.endpoints("next")))
    assert len(results) == len(TEXTS)
    assert world.created() == [E1, E2]
    assert world.fake.existing() == {E2: "InService"}  # which waited for the end of the first


def test_a_late_creation_whose_answer_is_lost_too_is_removed(world: World) -> None:
    world.fake.fault("CreateEndpoint", lost=True)
    halted = HaltedBeforeCreate(world, lambda: world.endpoints("reaper").reap())
    world.lease(backend=halted).advance()
    (record,) = world.endpoints().records()
    assert (record.endpoint, record.state) == (E1, State.DELETING)


def test_what_a_halted_creator_creates_beside_a_successor_is_swept(world: World) -> None:
    successor = world.lease(run="successor")
    halted = HaltedBeforeCreate(world, lambda: world.endpoints("reaper").reap(), successor.advance)
    world.lease(backend=halted).advance()
    assert world.fake.existing() == {E1: "Creating", E2: "Creating"}  # no backend fences
    assert E1 in world.fake.called("DeleteEndpoint")  # refused while it is being created
    world.together(successor.enter)
    reaped = {removal.endpoint: removal.reason for removal in world.endpoints("reaper").reap()}
    assert reaped == {E1: "no record accounts for it"}
    assert successor.invoke(b'{"inputs": ["ciao"], "parameters": {"src_lang": "it"}}').body
    successor.release()


# What is left of an endpoint


def left_behind(world: World) -> list[str]:
    return sorted({*world.fake.configs, *world.fake.model_entities})


@pytest.mark.parametrize("request_", ["CreateEndpointConfig", "CreateEndpoint"])
def test_what_a_creator_left_that_died_before_it_asked_for_the_endpoint_is_swept(world: World, request_: str) -> None:
    world.fake.fault(request_, error=throttling(), times=1)
    world.lease(run="soon gone").advance()
    assert left_behind(world) == [E1]
    assert world.endpoints("reaper").reap() == []  # it may go on
    assert left_behind(world) == [E1]
    world.clock.advance(TERMS.lease.total_seconds())
    removals = {removal.reason for removal in world.endpoints("reaper").reap()}
    assert removals == {"nobody holds it", "only a model or a configuration was left of it"}
    assert left_behind(world) == []


def test_what_a_remover_left_that_died_after_it_had_deleted_the_endpoint_is_swept(world: World) -> None:
    world.together(lambda: translate(world.endpoints()))
    world.clock.advance(TERMS.warm.total_seconds())

    class DiesAfterDelete(SageMaker):
        def clear(self, name: str) -> None:
            raise Killed(name)

    backend = DiesAfterDelete(region="eu-west-1", endpoint_url=world.fake.url, sleep=world.clock.sleep)
    with pytest.raises(Killed):
        world.endpoints("reaper", backend).reap()
    world.endpoints("reaper").reap()
    assert left_behind(world) == [E1]  # while it is being deleted
    world.clock.advance(60)
    world.endpoints("reaper").reap()
    assert left_behind(world) == []


def test_what_another_installation_has_left_stays(world: World) -> None:
    theirs = spec("translator", "another store").endpoint_name(1)
    world.fake.fault("CreateEndpoint", error=throttling())
    with pytest.raises(Throttled):
        world.backend.create(theirs, spec("translator"), {})
    assert world.endpoints("reaper").reap() == []
    assert left_behind(world) == [theirs]
    world.backend.clear(theirs)  # as its own reaper does


def test_an_endpoint_in_a_state_that_nobody_knows_keeps_no_other_from_being_reaped(world: World) -> None:
    odd, other = world.lease("sentiment"), world.lease()
    world.together(odd.enter, other.enter)
    world.fake.set_status(odd.endpoint, "Hibernating")
    name = odd.endpoint
    odd.release()
    other.release()
    world.clock.advance(TERMS.warm.total_seconds())
    assert {removal.endpoint for removal in world.endpoints("reaper").reap()} == {name, E1}
    assert world.fake.existing()[E1] == "Deleting"
