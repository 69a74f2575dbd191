"""A randomised check of the protocol: whatever holders, crashes, clocks and reapers do, in whatever order,

1. no logical endpoint ever exists in two epochs,
2. nobody deletes an epoch that a good lease holds, or decides to delete one that is held or announced, unless it is
   past its deadline, has failed or has vanished,
3. when everybody has gone and the deadline has passed, nothing exists.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from socialnlp_assets.resources.endpoints import reaper
from socialnlp_assets.resources.endpoints.announcements import Announcement
from socialnlp_assets.resources.endpoints.backend import EndpointFailed, EndpointGone, EndpointSpec
from socialnlp_assets.resources.endpoints.leases import Lease, LeaseManager
from socialnlp_assets.resources.endpoints.records import Record, State
from socialnlp_assets.resources.endpoints.sagemaker import SageMaker
from socialnlp_assets.resources.endpoints.terms import Owner, Terms
from socialnlp_assets.resources.leases.s3 import S3Store
from socialnlp_assets.resources.leases.sqlite import SqliteStore
from socialnlp_assets.resources.leases.store import Entry, LeaseStore
from tests.endpoints.world import CATALOGUE, Killed, spec
from tests.fakes import aws_http, s3
from tests.fakes.aws_errors import throttling
from tests.fakes.clock import VirtualClock
from tests.fakes.models import answer
from tests.fakes.sagemaker import Creation, FakeSageMaker

# Warm for less than a lease: forgetting a holder must show.
TERMS = Terms(lease=timedelta(minutes=1), warm=timedelta(seconds=20), lifetime=timedelta(hours=1))
MODELS = ["translator", "translator", "translator", "keywords"]  # mostly contended
ACTORS = st.integers(0, 3)
OPERATIONS = ["CreateEndpoint", "DescribeEndpoint", "DeleteEndpoint", "ListEndpoints", "ListTags"]
BODY = b'{"inputs": ["ciao"], "parameters": {"src_lang": "it"}}'


class RacingStore:
    """A store in whose next write somebody else gets in first."""

    def __init__(self, store: LeaseStore[Record]) -> None:
        self._store = store
        self.name = store.name
        self.intruder: Callable[[], None] | None = None
        self.on_write: Callable[[Record, Record], None] = lambda *_: None

    def now(self) -> datetime:
        return self._store.now()

    def read(self, key: str) -> Entry[Record] | None:
        return self._store.read(key)

    def write(self, record: Record, version: str | None) -> bool:
        intruder, self.intruder = self.intruder, None
        if intruder:
            intruder()
        before = self._store.read(record.key)
        written = self._store.write(record, version)
        if written and before:
            self.on_write(before.record, record)
        return written

    def records(self) -> list[Record]:
        return self._store.records()


class WatchedSageMaker(SageMaker):
    """Kills its caller where told to, and tells of every deletion before it happens."""

    on_delete: Callable[[str], None]
    kill = ""  # "before create", "after create", "before delete", "after delete"
    on_create: Callable[[], None] | None = None  # what happens while the creator is halted

    def create(self, name: str, spec: EndpointSpec, tags: object) -> None:
        self._maybe_die("before create")
        halted, self.on_create = self.on_create, None
        if halted:
            halted()
        super().create(name, spec, tags)  # type: ignore[arg-type]
        self._maybe_die("after create")

    def delete(self, name: str) -> None:
        self._maybe_die("before delete")
        self.on_delete(name)
        super().delete(name)
        self._maybe_die("after delete")

    def _maybe_die(self, moment: str) -> None:
        if self.kill == moment:
            self.kill = ""
            raise Killed


class LeaseMachine(RuleBasedStateMachine):
    # Servers and clients are dear; what they hold is emptied for each run.
    fake: FakeSageMaker
    backend: WatchedSageMaker
    open_store: Callable[[VirtualClock], LeaseStore[Record]]
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        self.fake.now = self.clock.now
        self.leases: dict[int, Lease] = {}
        self.serving: set[int] = set()  # actors whose endpoint was in service when they last looked
        for held in (self.fake.endpoints, self.fake.configs, self.fake.model_entities, self.fake.creations):
            held.clear()
        self.backend.on_delete = self.check_deletion
        self.backend.kill, self.backend.on_create = "", None
        self.fake.faults.clear()
        self.fake.creations[""] = Creation(seconds=60)
        self.store = RacingStore(type(self).open_store(self.clock))
        self.store.on_write = self.check_decision

    # What may happen. Rules for leases apply only while there are some: a step that does nothing finds nothing.

    def somebody(self, data: st.DataObject, among: Collection[int] | None = None) -> int:
        return data.draw(st.sampled_from(sorted(self.leases if among is None else among)), label="actor")

    @rule(actor=ACTORS, model=st.sampled_from(MODELS))
    def begin(self, actor: int, model: str) -> None:
        """Somebody takes a lease, and looks once: there is nothing yet, or it joins."""
        if actor not in self.leases:
            manager = LeaseManager(self.store, self.backend, TERMS, Owner(f"run-{actor}"), heartbeats=False)
            self.leases[actor] = Lease(manager, spec(model))
        self.move(actor, "advance")

    @rule(actor=ACTORS, model=st.sampled_from(MODELS))
    def acquire(self, actor: int, model: str) -> None:
        """As `begin`, and waits until it is served, while the others keep their leases."""
        self.begin(actor, model)
        for _ in range(10):
            if actor in self.serving or actor not in self.leases:
                return
            self.clock.advance(20)
            for other in list(self.leases):
                self.move(other, "advance" if other == actor else "renew")

    @rule(actor=ACTORS, model=st.sampled_from(MODELS))
    def announce(self, actor: int, model: str) -> None:
        """A step's process announces for its run, and ends."""
        manager = LeaseManager(self.store, self.backend, TERMS, Owner(f"run-{actor}"), heartbeats=False)
        with suppress(Killed, EndpointFailed):
            Announcement(manager, spec(model)).advance()

    @rule(actor=ACTORS)
    def a_run_ends(self, actor: int) -> None:
        """Its processes have died; the hook releases what is left."""
        self.forget(actor)
        for record in self.store.records():
            reaper.abandon(self.store, record, f"run-{actor}")

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), what=st.sampled_from(["advance", "renew", "release"]))
    def go_on(self, data: st.DataObject, what: str) -> None:
        self.move(self.somebody(data), what)

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        self.forget(self.somebody(data))

    @precondition(lambda self: self.serving)
    @rule(data=st.data())
    def invoke(self, data: st.DataObject) -> None:
        actor = self.somebody(data, self.serving)
        try:
            self.leases[actor].invoke(BODY)
        except EndpointGone:
            self.serving.discard(actor)

    @precondition(lambda self: self.leases)
    @rule(
        data=st.data(),
        seconds=st.sampled_from([0, 61, 61]),
        late=st.sampled_from(["advance", "renew", "release", "reap", "reap", "reap"]),
        quick=st.sampled_from(["advance", "advance", "renew", "release", "reap"]),
    )
    def race(self, data: st.DataObject, seconds: int, late: str, quick: str) -> None:
        """Somebody reads a record; before the write, somebody else does something."""
        one = self.somebody(data)
        # The threads of one process take turns (see `Claim.changing`): nobody races with itself.
        others = self.leases.keys() if late == "reap" else self.leases.keys() - {one}
        if not others:
            return
        other = self.somebody(data, others)
        self.clock.advance(seconds)
        self.store.intruder = lambda: self.move(other, quick)
        self.move(one, late)
        self.store.intruder = None

    @rule(moment=st.sampled_from(["before create", "after create", "before delete", "after delete"]))
    def die_soon(self, moment: str) -> None:
        self.backend.kill = moment

    @rule(seconds=st.sampled_from([1, 61, 61]))
    def the_next_creator_is_halted(self, seconds: int) -> None:
        """Between its last look at the record and its request, while a reaper goes on. That a successor begins
        in that time is the limit of docs/endpoints.md: there is no fencing."""

        def meanwhile() -> None:
            if self.backend.kill == "after create":
                self.backend.kill = ""  # it would die before it can look again: that, too, is the limit
            self.clock.advance(seconds)
            self.reap()
            self.reap()

        self.backend.on_create = meanwhile

    @rule(seconds=st.sampled_from([0, 25, 25, 61]))
    def reap_later(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.reap()

    def reap(self) -> None:
        with suppress(Killed):
            reaper.reap(self.store, self.backend, "nlp")

    @rule(seconds=st.sampled_from([1, 15, 25, 61, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @precondition(lambda self: self.fake.endpoints)
    @rule()
    def an_endpoint_vanishes(self) -> None:
        self.fake.vanish(next(iter(self.fake.endpoints)))

    @rule(
        operation=st.sampled_from(
            ["CreateEndpoint", "DescribeEndpoint", "DeleteEndpoint", "ListEndpoints", "ListTags"]
        ),
        lost=st.booleans(),
    )
    def a_call_goes_wrong(self, operation: str, lost: bool) -> None:
        """The next one of its kind: throttled, or done without an answer."""
        self.fake.fault(operation, lost=lost, error=None if lost else throttling())

    @rule(failure=st.sampled_from(["", "", "", "no capacity"]))
    def creations_go_so(self, failure: str) -> None:
        self.fake.creations[""] = Creation(seconds=60, failure=failure)

    def move(self, actor: int, what: str) -> None:
        if what == "reap":
            self.reap()
        elif actor in self.leases:
            try:
                self.do(actor, what)
            except EndpointFailed:
                self.move(actor, "release")
            except Killed:
                self.forget(actor)

    def do(self, actor: int, what: str) -> None:
        if what == "advance":
            self.serving.discard(actor)  # it may wait for a successor now
            if self.leases[actor].advance():
                self.serving.add(actor)
        elif what == "renew":
            self.leases[actor].renew()
        else:
            self.serving.discard(actor)
            self.leases.pop(actor).release()

    def forget(self, actor: int) -> None:
        self.serving.discard(actor)
        self.leases.pop(actor, None)

    # What must hold

    @invariant()
    def one_epoch(self) -> None:
        type(self).steps += 1
        existing = self.fake.existing()  # one that is being deleted counts: it is waited for
        keys = {name.rpartition("-e")[0] for name in existing}
        assert len(keys) == len(existing), f"two epochs at once: {existing}"

    def check_deletion(self, name: str) -> None:
        for actor in self.serving:
            lease = self.leases[actor]
            if lease.is_good() and lease.endpoint == name:
                held = next(record for record in self.store.records() if record.endpoint == name)
                assert held.deadline is not None
                assert held.deadline <= self.clock.now(), f"{name} is deleted while held"

    def check_decision(self, before: Record, after: Record) -> None:
        if after.state is State.DELETING and before.state in (State.CREATING, State.IN_SERVICE):
            status = self.fake.existing().get(before.endpoint)
            # What is still to be created is missing, too, and that is no reason.
            lost = status == "Failed" or (status is None and before.state is State.IN_SERVICE)
            held = bool(before.live_holders(self.clock.now()))
            assert before.deadline is not None
            past = before.deadline <= self.clock.now()
            assert past or lost or not held, f"{before.endpoint} ({status}) is held or announced, and is condemned"

    def teardown(self) -> None:
        self.backend.kill, self.backend.on_create, self.store.intruder = "", None, None
        self.fake.faults.clear()
        self.leases.clear()
        self.serving.clear()
        for _ in range(6):
            self.clock.advance(TERMS.lifetime.total_seconds() / 4)
            self.reap()
        assert self.fake.existing() == {}
        assert all(record.state is State.ABSENT for record in self.store.records())


@contextmanager
def sqlite_store() -> Iterator[Callable[[VirtualClock], LeaseStore[Record]]]:
    with TemporaryDirectory() as directory:
        opened = 0

        def open_store(clock: VirtualClock) -> LeaseStore[Record]:
            nonlocal opened
            opened += 1
            return SqliteStore(Path(directory) / f"{opened}.db", Record, clock.now)

        yield open_store


@contextmanager
def s3_store() -> Iterator[Callable[[VirtualClock], LeaseStore[Record]]]:
    with s3.serve(s3.FakeS3()) as objects:
        first = S3Store("s3://bucket/leases", Record, region="eu-west-1", endpoint_url=objects.url)

        def open_store(clock: VirtualClock) -> LeaseStore[Record]:
            objects.now = clock.now
            objects.objects.clear()
            # A machine whose clock is ten minutes slow: the store's clock must make no difference.
            slow = lambda: clock.now() - timedelta(minutes=10)  # noqa: E731
            return S3Store("s3://bucket/leases", Record, clock=slow, client=first._s3)

        yield open_store


@pytest.mark.slow
@pytest.mark.parametrize("stores", [sqlite_store, s3_store], ids=["sqlite", "s3"])
def test_the_protocol_keeps_its_promises(
    stores: Callable[[], AbstractContextManager[Callable[[VirtualClock], LeaseStore[Record]]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with aws_http.serve(FakeSageMaker()) as fake, stores() as open_store:
        for name, entry in CATALOGUE.root.items():
            fake.models[f"nlp-{name}-"] = lambda body, _, entry=entry: (200, {}, answer(entry, body))  # type: ignore[misc]

        class Machine(LeaseMachine):
            backend = WatchedSageMaker(region="eu-west-1", endpoint_url=fake.url)

        Machine.fake, Machine.open_store, Machine.steps = fake, staticmethod(open_store), 0
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=60,
                stateful_step_count=50,
                deadline=None,
                database=None,
                phases=[Phase.generate],  # shrinking takes longer than reading the steps
                derandomize=True,  # the same steps everywhere: a failure here is a failure there
                suppress_health_check=list(HealthCheck),
            ),
        )
        assert Machine.steps >= 2000
