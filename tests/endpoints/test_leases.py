"""Creating, joining and holding, on virtual time. The fixture `world` ends each with no endpoint left."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from socialnlp_assets.resources.endpoints.backend import (
    BackendError,
    Description,
    EndpointError,
    EndpointFailed,
    EndpointGone,
    NotReady,
    Throttled,
)
from socialnlp_assets.resources.endpoints.leases import Lease, LeaseManager, Owner, Terms
from socialnlp_assets.resources.endpoints.local import LocalProcess
from socialnlp_assets.resources.endpoints.metering import Meter
from socialnlp_assets.resources.endpoints.records import Record, State
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.resources.endpoints.sagemaker import SageMaker
from socialnlp_assets.resources.leases.s3 import S3Store
from socialnlp_assets.resources.leases.sqlite import SqliteStore
from socialnlp_assets.settings import Profile, Settings
from tests.endpoints.given import acquired, endpoints_of
from tests.endpoints.machine import Machine
from tests.endpoints.world import ARTEFACT, E1, E2, TERMS, TEXTS, DiesAt, Killed, World, spec, translate
from tests.fakes import s3
from tests.fakes.aws_errors import CAPACITY, IMAGE, PING, AwsError, throttling
from tests.fakes.sagemaker import Creation

# Creating


def test_the_first_creates_and_the_record_says_so(world: World) -> None:
    endpoints = world.endpoints("run-1")

    def hold() -> None:
        with endpoints.lease("translator", step="translations"):
            (record,) = endpoints.records()
            (holder,) = record.holders.values()
            assert (record.state, record.endpoint) == (State.IN_SERVICE, E1)
            assert (holder.run, holder.step) == ("run-1", "translations")

    world.together(hold)
    tags = world.fake.endpoints[E1].tags
    assert tags["socialnlp:run"] == "run-1"
    assert tags["socialnlp:workflow"] == "sprinklr"
    assert tags["socialnlp:model"] == "translator"
    assert tags["socialnlp:deadline"] == "2026-11-20T14:00:00+00:00"


def test_models_that_share_an_endpoint_hold_the_same_one(world: World) -> None:
    endpoints = world.endpoints("run")
    endpoints.warm(["entities", "keywords"])

    def hold() -> None:
        with endpoints.lease("keywords", step="keywords"), endpoints.lease("entities", step="entities"):
            (record,) = endpoints.records()
            assert record.model == "keywords"
            assert {holder.step for holder in record.holders.values()} == {"keywords", "entities"}

    world.together(hold)
    assert len(set(world.created())) == 1  # announcer and lease may ask at once
    world.finish()


@pytest.mark.slow
@pytest.mark.parametrize("runs", [2, 16])
def test_runs_that_create_at_once_create_one_endpoint(world: World, runs: int) -> None:
    work = [lambda name=f"run-{n}": translate(world.endpoints(name)) for n in range(runs)]
    results = world.together(*work)
    assert world.created() == [E1]
    assert all(result == results[0] and len(result) == len(TEXTS) for result in results)


@pytest.mark.parametrize("before", [True, False], ids=["before create", "after create"])
def test_a_creator_that_is_killed_is_succeeded_on_the_same_epoch(world: World, before: bool) -> None:
    with pytest.raises(Killed):
        world.lease(run="killed", backend=DiesAt(world, "create", before=before)).advance()
    assert bool(world.fake.existing()) is not before
    (results,) = world.together(lambda: translate(world.endpoints("heir")))
    assert len(results) == len(TEXTS)
    assert set(world.created()) == {E1}


@pytest.mark.parametrize("before", [True, False], ids=["before create", "after create"])
def test_nothing_stays_of_a_creator_that_was_killed_and_is_not_succeeded(world: World, before: bool) -> None:
    with pytest.raises(Killed):
        world.lease(run="killed", backend=DiesAt(world, "create", before=before)).advance()


def test_a_creation_whose_answer_was_lost_is_not_made_twice(world: World) -> None:
    world.fake.fault("CreateEndpoint", lost=True)
    (results,) = world.together(lambda: translate(world.endpoints()))
    assert results == [f"it:{text}" for text in TEXTS]
    assert set(world.created()) == {E1}


@pytest.mark.slow
def test_a_successor_is_created_while_the_predecessor_is_deleted(world: World) -> None:
    world.fake.creations["e1$"] = Creation(deletion_seconds=600)
    endpoints = world.endpoints()
    world.together(lambda: translate(endpoints))
    world.clock.advance(TERMS.warm.total_seconds())
    (removal,) = endpoints.reap()
    assert not removal.gone
    assert world.fake.existing() == {E1: "Deleting"}
    world.together(lambda: translate(endpoints))
    assert world.created() == [E1, E2]
    assert world.fake.existing() == {E2: "InService"}  # which waited until the first was gone


@pytest.mark.slow
@pytest.mark.parametrize(
    "reason",
    [pytest.param(CAPACITY, id="capacity"), pytest.param(PING, id="ping"), pytest.param(IMAGE, id="image")],
)
def test_a_creation_that_fails_fails_for_all_who_waited_and_says_why(world: World, reason: str) -> None:
    world.fake.creations["e1$"] = Creation(failure=reason)

    def fail() -> str:
        with pytest.raises(EndpointFailed) as raised:
            translate(world.endpoints())
        return str(raised.value)

    messages = world.together(fail, fail, fail)
    assert all(reason in message and E1 in message for message in messages)
    assert world.created() == [E1]
    world.together(lambda: translate(world.endpoints()))  # who comes later may try again
    assert world.created() == [E1, E2]


def test_a_limit_of_the_account_is_told_with_the_remedy(world: World) -> None:
    world.fake.instance_limit = 0
    with pytest.raises(EndpointFailed, match=r"account-level service limit .*Ask AWS for a higher quota"):
        world.together(lambda: translate(world.endpoints()))


@pytest.mark.slow
def test_a_creation_that_takes_for_ever_is_given_up(world: World) -> None:
    world.fake.creations["e1$"] = Creation(seconds=2100)
    with pytest.raises(EndpointFailed, match=r"e1 was not in service after 1800 s"):
        world.together(lambda: translate(world.endpoints()))


def test_throttled_descriptions_only_delay(world: World) -> None:
    world.fake.fault("DescribeEndpoint", error=throttling(), times=20)
    (results,) = world.together(lambda: translate(world.endpoints()))
    assert len(results) == len(TEXTS)
    assert world.created() == [E1]


EXPIRED = AwsError("ExpiredTokenException", "The security token included in the request is expired")


@pytest.mark.parametrize("error", [EXPIRED, AwsError("AccessDeniedException", "not authorized")])
def test_who_cannot_look_condemns_nothing_for_the_others(world: World, error: AwsError) -> None:
    creator, joiner = world.lease(run="creator"), world.lease(run="joiner")
    creator.advance()
    joiner.advance()
    world.fake.fault("DescribeEndpoint", error=error)
    with pytest.raises(BackendError):
        creator.advance()
    creator.release()
    world.together(joiner.enter)
    assert world.created() == [E1]
    joiner.release()


class Cable:
    """A backend at whose other end a test may put another."""

    def __init__(self, end: SageMaker) -> None:
        self.end = end

    def __getattr__(self, name: str) -> object:
        return getattr(self.end, name)


def test_who_has_no_connection_waits(world: World) -> None:
    cable = Cable(world.backend)
    lease = world.lease(backend=cable)  # type: ignore[arg-type]
    lease.advance()
    offline = SageMaker(region="eu-west-1", endpoint_url="http://127.0.0.1:9")  # nobody listens there
    cable.end = offline
    assert not lease.advance()
    with pytest.raises(Throttled):
        offline.describe(E1)
    with pytest.raises(NotReady):
        offline.invoke(E1, b"{}")
    cable.end = world.backend
    world.together(lease.enter)
    assert world.created() == [E1]
    lease.release()


def test_artefacts_that_are_missing_are_told_and_not_taken_for_a_missing_endpoint(world: World) -> None:
    missing = f"Could not find model data at {ARTEFACT.address}."
    world.fake.fault("CreateModel", error=AwsError("ValidationException", missing))
    with pytest.raises(EndpointFailed, match=r"e1 could not be created: .*Could not find model data at s3://"):
        world.together(lambda: translate(world.endpoints()))


def test_a_creator_whose_lease_has_expired_creates_nothing(world: World) -> None:
    """It was halted after it had read the record: somebody else may have taken the epoch since."""

    class Halted(SageMaker):
        def describe(self, name: str) -> Description | None:
            world.clock.advance(TERMS.lease.total_seconds())
            return super().describe(name)

    lease = world.lease(backend=Halted(region="eu-west-1", endpoint_url=world.fake.url))
    assert not lease.advance()
    assert world.created() == []
    lease.release()


def test_heartbeats_renew_a_lease_and_tell_the_endpoint(tmp_path: Path) -> None:
    """In real time: nobody renews but the lease's own thread."""
    touched = threading.Event()

    class Touched(LocalProcess):
        def touch(self, name: str) -> None:
            super().touch(name)
            touched.set()

    machine = Machine(tmp_path)
    terms = Terms(lease=timedelta(seconds=3), warm=timedelta(0))  # so long that a slow machine loses none
    with machine.endpoints("holder", terms, Touched(tmp_path / "endpoints", 40)) as endpoints:
        with endpoints.lease("translator"):
            before = expiry(endpoints)
            for _ in range(2):  # the first may tell of a renewal that was before
                touched.clear()
                assert touched.wait(20)
            assert expiry(endpoints) > before
        endpoints.stop_all()


def expiry(endpoints: Endpoints) -> datetime:
    (record,) = endpoints.records()
    (holder,) = record.holders.values()
    return holder.expires_at


def test_a_run_that_is_cancelled_while_it_waits_leaves_no_lease(world: World) -> None:
    manager = world.manager()

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    manager.sleep = interrupted
    with pytest.raises(KeyboardInterrupt):
        acquired(manager, spec("translator"))
    (record,) = world.endpoints().records()
    assert record.holders == {}


# Holding


def test_an_endpoint_that_vanishes_in_the_middle_of_a_call_costs_no_row(world: World) -> None:
    world.together(lambda: translate(world.endpoints()))
    asked = 0
    answers = world.fake.models["nlp-translator-"]

    def vanishes(body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        nonlocal asked
        asked += 1
        if asked == 2:
            world.fake.vanish(E1)
        return answers(body, headers)

    world.fake.models["nlp-translator-"] = vanishes
    (results,) = world.together(lambda: translate(world.endpoints()))
    assert len(results) == len(TEXTS)
    assert all(isinstance(result, str) for result in results)
    assert world.created() == [E1, E2]


def test_waiting_for_a_successor_ends_with_the_call_that_needs_it(world: World) -> None:
    lease = world.lease()
    world.together(lease.enter)
    world.fake.vanish(E1)
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(EndpointError, match="the call that needed it has stopped"):
        world.together(lambda: lease.regain(stopped))
    assert world.created() == [E1]
    lease.release()


def test_a_heartbeat_that_stalled_and_resumed_unnoticed_loses_nothing(world: World) -> None:
    lease = world.lease()
    world.together(lease.enter)
    world.clock.advance(10 * TERMS.lease.total_seconds())
    lease.invoke(b'{"inputs": ["ciao"], "parameters": {"src_lang": "it"}}')  # renews first
    assert lease.endpoint == E1
    assert world.endpoints().reap() == []
    lease.release()


def test_a_holder_that_lost_its_lease_stops_invoking_and_acquires_again(world: World) -> None:
    lease = world.lease()
    world.together(lease.enter)
    world.clock.advance(2 * TERMS.lease.total_seconds())
    world.endpoints().reap()
    invoked = len(world.fake.called("InvokeEndpoint"))
    with pytest.raises(EndpointGone, match="the lease on translator is not held"):
        lease.invoke(b"{}")
    assert len(world.fake.called("InvokeEndpoint")) == invoked
    world.together(lease.regain)
    assert lease.endpoint == E2
    lease.release()


@pytest.mark.parametrize("moment", [1, 2])
def test_a_heartbeat_that_meets_a_regain_counts_and_does_not_fail(world: World, moment: int) -> None:
    """It was about to count the seconds since the last time, which the regain forgets: at one of the moments at which
    it asks what time it is."""
    asked: Iterator[int] = iter(())

    def now() -> datetime:
        if next(asked, 0) == moment:
            regain.start()
            regain.join(0.3)  # it is done, or waits for the heartbeat
        return world.clock.now()

    meter = Meter("translator", "run")
    store = SqliteStore(world.directory / "leases.db", Record, now)
    manager = LeaseManager(store, world.backend, TERMS, Owner("run"), world.clock.sleep, heartbeats=False)
    lease = Lease(manager, spec("translator"), meter=meter)
    world.together(lease.enter)
    world.clock.advance(5)
    regain = threading.Thread(target=lease.regain)
    asked = itertools.count(1)
    lease.renew()
    regain.join()
    lease.release()
    assert meter.usage.endpoint_seconds == 5


def test_a_late_heartbeat_does_not_take_back_what_was_released(world: World) -> None:
    lease = world.lease()
    world.together(lease.enter)
    lease.release()
    lease.renew()
    (record,) = world.endpoints().records()
    assert record.holders == {}


@pytest.mark.slow
@pytest.mark.parametrize("minutes", [-10, 10])
def test_nobody_with_a_wrong_clock_deletes_what_is_held_or_keeps_what_is_not(world: World, minutes: int) -> None:
    def manager(url: str, off: timedelta) -> LeaseManager:
        store = S3Store(
            "s3://bucket/leases", Record, region="eu-west-1", endpoint_url=url, clock=lambda: world.clock.now() + off
        )
        return LeaseManager(store, world.backend, TERMS, Owner("run"), world.clock.sleep, heartbeats=False)

    with s3.serve(s3.FakeS3(world.clock.now)) as objects:
        holder = manager(objects.url, timedelta(0))
        other = endpoints_of(manager(objects.url, timedelta(minutes=minutes)), spec)
        (lease,) = world.together(lambda: acquired(holder, spec("translator")))
        assert other.reap() == []
        world.clock.advance(TERMS.lease.total_seconds() - 5)
        lease.renew()
        assert other.reap() == []
        lease.release()
        world.clock.advance(TERMS.warm.total_seconds() - 5)
        assert other.reap() == []
        world.clock.advance(10)
        assert [removal.endpoint for removal in other.reap()] == [E1]
        world.clock.advance(60)
        other.reap()
        assert other.records() == []


def test_conflicts_and_lost_answers_of_s3_cost_no_row_and_no_endpoint(world: World) -> None:
    with s3.serve(s3.FakeS3(world.clock.now)) as objects:
        store = S3Store(
            "s3://bucket/leases", Record, region="eu-west-1", endpoint_url=objects.url, clock=world.clock.now
        )
        manager = LeaseManager(store, world.backend, TERMS, Owner("run"), world.clock.sleep, heartbeats=False)
        endpoints = endpoints_of(manager, spec)
        objects.faults = ["409", "412", "lost", "503", "409", "lost"]  # a put each
        (results,) = world.together(lambda: translate(endpoints))
        assert results == [f"it:{text}" for text in TEXTS]
        assert world.created() == [E1]
        world.clock.advance(TERMS.warm.total_seconds())
        objects.faults = ["412", "409", "lost"]
        endpoints.reap()
        world.clock.advance(60)
        endpoints.reap()
        assert world.fake.existing() == {}
        assert endpoints.records() == []


# A run


@pytest.mark.slow
def test_a_backfill_of_24_hours_creates_each_endpoint_once(world: World) -> None:
    """Predicting takes seconds, an hour's other steps minutes, and the reaper comes after each."""
    warm = timedelta(seconds=Settings(profile=Profile.AWS).seconds_warm)
    terms = replace(TERMS, warm=warm)

    def other_steps(number: int) -> None:
        for _ in range(number):
            world.clock.sleep(60)
            world.endpoints("reaper").reap()

    def hours() -> None:
        for hour in range(24):
            with endpoints_of(replace(world.manager(f"hour-{hour}"), terms=terms), spec) as endpoints:
                endpoints.warm(["translator", "sentiment"])
                other_steps(2)
                with endpoints.lease("translator") as translator:
                    assert len(translator.predict(TEXTS, src_lang="it")) == len(TEXTS)
                    world.clock.sleep(20)
                other_steps(4)
                with endpoints.lease("sentiment") as sentiment:
                    sentiment.predict(TEXTS)
                    world.clock.sleep(5)
                other_steps(4)
            world.endpoints("hook").release_run(f"hour-{hour}")

    world.together(hours)
    # Announcer and lease may ask for the same one at once; whose request comes second is told that it exists.
    assert set(world.created()) == {E1, spec("sentiment").endpoint_name(1)}


def test_endpoint_seconds_are_split_among_holders(world: World) -> None:
    meters = [Meter("translator", name) for name in ("one", "two")]
    one = Lease(world.manager("one"), spec("translator"), meter=meters[0])
    two = Lease(world.manager("two"), spec("translator"), meter=meters[1])
    world.together(one.enter)
    world.clock.advance(20)
    two.enter()
    one.renew()  # learns that it is no longer alone
    world.clock.advance(20)
    two.release()
    one.release()
    assert [meter.usage.endpoint_seconds for meter in meters] == [20 + 10, 10]


def test_the_use_of_an_endpoint_is_metered_and_priced(world: World) -> None:
    endpoints = world.endpoints("run-1")

    def use() -> None:
        with endpoints.lease("translator", step="translations") as translator:
            translator.predict(TEXTS, src_lang="it")
            world.clock.advance(50)

    world.together(use)
    (usage,) = endpoints.usage
    assert (usage.model, usage.holder, usage.rows) == ("translator", "translations", len(TEXTS))
    assert usage.endpoint_seconds == pytest.approx(50)
    assert usage.cost_usd == pytest.approx(50 * 0.257 / 3600)  # an ml.m5.xlarge
