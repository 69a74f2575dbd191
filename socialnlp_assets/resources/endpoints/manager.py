"""Leases on endpoints: join or create, wait, adopt, keep alive, release. The protocol of docs/endpoints.md.

The manager never deletes what anybody might hold: it only gives back its own leases and finishes deletions
that the record has already decided.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import socket
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from socialnlp_assets.resources.endpoints.protocol import (
    AlreadyExists,
    BackendError,
    EndpointBackend,
    EndpointError,
    EndpointFailed,
    EndpointGone,
    EndpointSpec,
    NoCapacity,
    Reply,
    Status,
    Throttled,
)
from socialnlp_assets.resources.endpoints.reaper import DEADLINE_TAG, LEASES_TAG, finish_deletion
from socialnlp_assets.resources.endpoints.records import Holder, Record, State
from socialnlp_assets.resources.leases.heartbeat import Heartbeat
from socialnlp_assets.resources.leases.store import LeaseStore, Sleep, change

Held = Callable[[float, int], None]

logger = logging.getLogger(__name__)

BROKEN = (Status.FAILED, Status.OUT_OF_SERVICE, Status.UPDATE_ROLLBACK_FAILED)


@dataclass(frozen=True)
class Patience:
    """How often a creation is looked at, and for how long."""

    poll: timedelta
    creation: timedelta


PATIENCE: Mapping[str, Patience] = {
    "process": Patience(timedelta(seconds=0.05), timedelta(minutes=3)),
    "realtime": Patience(timedelta(seconds=5), timedelta(minutes=30)),
    "serverless": Patience(timedelta(seconds=5), timedelta(minutes=15)),
    "async": Patience(timedelta(seconds=5), timedelta(minutes=30)),
}


@dataclass(frozen=True)
class Terms:
    """How long things last: a lease without a heartbeat, an endpoint without holders, any endpoint."""

    lease: timedelta = timedelta(seconds=60)
    warm: timedelta = timedelta(seconds=60)
    lifetime: timedelta = timedelta(hours=6)


@dataclass(frozen=True)
class Owner:
    """For whom leases are taken; goes into records and tags."""

    run: str = ""
    workflow: str = ""


@dataclass
class LeaseManager:
    """Hands out leases. `heartbeats=False` leaves renewing to the caller; `sleep` is for virtual time."""

    store: LeaseStore[Record]
    backend: EndpointBackend
    terms: Terms = Terms()
    owner: Owner = Owner()
    sleep: Sleep | None = None
    heartbeats: bool = True
    _closed: threading.Event = field(default_factory=threading.Event, init=False)

    def acquire(self, spec: EndpointSpec, step: str = "", held: Held | None = None) -> Lease:
        """Join the endpoint or create it, and wait until it is in service. `held` is told, now and then, of
        the seconds that passed and how many held the endpoint.

        Raises `EndpointFailed` when it does not come into service, and whatever interrupts the waiting;
        in every case without a lease left behind.
        """
        lease = Lease(self, spec, step, held)
        lease.enter()
        return lease

    def announce(self, spec: EndpointSpec) -> Announcement:
        """A claim of the run on the endpoint, for its later leases; `look` begins its creation."""
        return Announcement(self, spec)

    def close(self) -> None:
        """Nobody may wait for an endpoint any more; who does is woken by an `EndpointError`."""
        self._closed.set()

    def pause(self, seconds: float, ended: threading.Event | None = None) -> None:
        """Wait; raises `EndpointError` where nobody waits any more, for this lease (`ended`) or for any."""
        (self.sleep or (ended or self._closed).wait)(seconds)
        if self._closed.is_set():
            raise EndpointError("the wait for an endpoint was ended: this run's endpoints are closed")
        if ended and ended.is_set():
            raise EndpointError("the wait for an endpoint was ended: the call that needed it has stopped")


class Lease:
    """One holder's claim on one logical endpoint. Safe to use from several threads."""

    def __init__(self, manager: LeaseManager, spec: EndpointSpec, step: str, held: Held | None) -> None:
        self._manager = manager
        self._store = manager.store
        self._backend = manager.backend
        self._first = Record.of(spec)
        self._step = step
        self._held = held
        self._id = uuid.uuid4().hex
        self._record: Record | None = None  # as last seen while this lease was good
        self._awaited = 0  # the epoch whose creation was waited for
        self._creating = 0, self._store.now()  # the epoch that this lease creates, and since when
        self._released = False
        self._accounted_to: datetime | None = None  # None: not in service
        self._entering = threading.Lock()
        self._changing = threading.RLock()  # a late heartbeat must not take back a lease that was given up
        self._heartbeat = Heartbeat(self.renew, manager.terms.lease / 4) if manager.heartbeats else None

    @property
    def endpoint(self) -> str:
        """The name of the endpoint that is held; `EndpointGone` when the lease is lost or released."""
        record = self._record
        if record is None:
            raise EndpointGone(f"the lease on {self._first.model} is not held (any more)")
        return record.endpoint

    def is_good(self) -> bool:
        """Whether nobody can have taken this lease away, as far as can be known without asking."""
        record = self._record
        return record is not None and self._id in record.live_holders(self._store.now())

    def invoke(self, body: bytes, target: str | None = None) -> Reply:
        """One request to the endpoint; `EndpointGone` where there is none or the lease is lost, after which
        `regain` gets hold of a successor."""
        if not self.is_good():
            self.renew()  # the heartbeat has stalled past the term: has anybody noticed?
        return self._backend.invoke(self.endpoint, body, target=target)

    def enter(self) -> None:
        """Wait until the endpoint is held and in service."""
        if self._heartbeat:
            self._heartbeat.start()  # before the waiting, which may outlast the term
        try:
            self.regain()
        except BaseException:
            self.release()
            raise

    def regain(self, ended: threading.Event | None = None) -> None:
        """As `enter`, after the endpoint was found gone: waits for the same or a successor, unless `ended`."""
        with self._entering:
            self._accounted_to = None
            poll = PATIENCE[self._first.kind].poll.total_seconds()
            while not self.look():
                self._manager.pause(poll * random.uniform(0.5, 1.5), ended)
            self._accounted_to = self._store.now()

    def renew(self) -> None:
        """Hold on for another term. A lease that was lost meanwhile makes `invoke` raise `EndpointGone`."""
        with self._changing:
            known = self._record
            if known is None:
                return

            def renewed(record: Record, now: datetime) -> Record:
                same = record.epoch == known.epoch and record.state in (State.CREATING, State.IN_SERVICE)
                return record.joined(self._holder(now), now, self._manager.terms.lifetime) if same else record

            self._see(self._change(renewed), known.epoch)
        self._backend.touch(known.endpoint)

    def release(self) -> None:
        """Give the lease back; the last holder leaves the endpoint warm. Safe to call twice."""
        if self._heartbeat:
            self._heartbeat.stop()
        warm = self._manager.terms.warm
        with self._changing:
            self._account()
            self._record, self._released = None, True
            try:
                self._change(lambda record, now: record.released(self._id, now, warm))
            except Exception as error:  # whatever the store says, the lease ends by itself
                logger.warning("The lease on %s could not be given back and will expire: %s", self._first.key, error)

    # Waiting

    def look(self) -> bool:
        """One move towards holding the endpoint, without waiting: True once it is held and in service.
        Raises `EndpointFailed` when the epoch that this lease has waited for does not come into service."""
        record = self._join()
        if record.epoch == self._awaited and record.failure:
            raise EndpointFailed(record.failure)
        if record.state is State.IN_SERVICE:
            return self._answers(record)
        if record.state is State.CREATING:
            waited, self._awaited = self._awaited == record.epoch, record.epoch
            return record.creator == self._id and self._advance(record, waited)
        with contextlib.suppress(Throttled):
            finish_deletion(self._store, self._backend, record)
        return False

    def _join(self) -> Record:
        with self._changing:
            if self._released:
                raise EndpointGone(f"the lease on {self._first.model} was given back")
            record = self._change(self._claim)
            self._see(record, record.epoch)
            return record

    def _claim(self, record: Record, now: datetime) -> Record:
        if record.epoch == self._awaited and record.failure:
            return record  # do not begin the next epoch
        mine = record.holders.get(self._id)
        if mine is None or self._is_due(mine, now):
            mine = self._holder(now)
        return record.joined(mine, now, self._manager.terms.lifetime)

    def _answers(self, record: Record) -> bool:
        """Whether what the record says is in service is there; if not, it is condemned."""
        try:
            description = self._backend.describe(record.endpoint)
        except Throttled:
            return True  # the invocation will tell
        if description is not None and description.status not in (*BROKEN, Status.DELETING):
            return True
        logger.warning("%s has vanished; it will be created again", record.endpoint)
        self._change(lambda current, _: current.condemned(record.epoch))
        return False

    def _advance(self, record: Record, waited: bool) -> bool:
        """The creator's next move; True where the endpoint is in service. `waited`: not its first look."""
        name, limit = record.endpoint, PATIENCE[record.kind].creation
        if self._creating[0] != record.epoch:
            self._creating = record.epoch, self._store.now()
        since, failure = self._creating[1], ""
        try:
            found = self._backend.describe(name)  # another error is this holder's, and says nothing of the endpoint
            if found and found.status is Status.IN_SERVICE:
                self._backend.scale(name, record.spec)
                served = self._change(lambda current, _: current.entered_service(record.epoch))
                return served.state is State.IN_SERVICE and served.epoch == record.epoch
            if found is None:
                self._create(record)
                return False
            since, reason = found.created_at or since, found.reason
            if found.status in BROKEN:
                failure = f"{name} could not be created ({found.status}): {reason}"
        except Throttled as error:
            reason = str(error)
        if not failure and self._store.now() - since > limit:
            failure = f"{name} was not in service after {limit.total_seconds():g} s. {reason}"
        if failure and not waited:
            # It failed while nobody looked. Who comes now tries anew, and then believes what it sees.
            self._change(lambda current, _: current.condemned(record.epoch))
        elif failure:
            self._fail(record, failure)
        return False

    def _create(self, record: Record) -> None:
        if not self.is_good():
            return  # too slow: somebody else may have adopted the epoch, or condemned it
        owner = self._manager.owner
        tags = {
            LEASES_TAG: self._store.name,
            DEADLINE_TAG: record.deadline.isoformat() if record.deadline else "",
            "socialnlp:model": record.model,
            "socialnlp:run": owner.run,
            "socialnlp:workflow": owner.workflow,
        }
        unanswered: Throttled | None = None
        try:
            self._backend.create(record.endpoint, record.spec, tags)
        except Throttled as error:
            unanswered = error  # it may have arrived
        except AlreadyExists:
            logger.info("%s exists: an earlier request had arrived", record.endpoint)
        except (NoCapacity, BackendError, EndpointGone) as error:
            self._fail(record, f"{record.endpoint} could not be created: {error}")
            return
        # This process may have been halted in the meantime, for longer than its lease and the epoch lived.
        now = self._change(lambda current, _: current.found(record.epoch))
        if now.epoch != record.epoch:
            logger.warning("%s was created too late and is deleted again", record.endpoint)
            with contextlib.suppress(EndpointError):  # while it is being created, the sweep's
                self._backend.delete(record.endpoint)
        if unanswered:
            raise unanswered

    def _fail(self, record: Record, failure: str) -> None:
        condemned = self._change(lambda current, _: current.condemned(record.epoch, failure))
        with contextlib.suppress(EndpointError):  # the failure is what to tell; the deletion is anybody's now
            finish_deletion(self._store, self._backend, condemned)

    # The record

    def _change(self, transition: Callable[[Record, datetime], Record]) -> Record:
        return change(self._store, self._first, transition)

    def _see(self, record: Record, epoch: int) -> None:
        """Remember `record` if this lease is good in it."""
        self._account()
        self._record = record if record.epoch == epoch and self._id in record.holders else None

    def _account(self) -> None:
        if self._held and self._accounted_to and self._record:
            now = self._store.now()
            users = sum(not holder.announces for holder in self._record.holders.values())
            self._held((now - self._accounted_to).total_seconds(), users)
            self._accounted_to = now

    def _is_due(self, mine: Holder, now: datetime) -> bool:
        return mine.expires_at - now < self._manager.terms.lease / 2

    def _holder(self, now: datetime) -> Holder:
        return Holder(
            id=self._id,
            run=self._manager.owner.run,
            step=self._step,
            host=socket.gethostname(),
            pid=os.getpid(),
            expires_at=now + self._manager.terms.lease,
        )


class Announcement(Lease):
    """A run's claim, kept on record without heartbeats: it outlives its process. It lasts until the run's first
    lease, until the run is abandoned, or as long as a creation may take, whichever comes first, and does not come
    back."""

    def __init__(self, manager: LeaseManager, spec: EndpointSpec) -> None:
        super().__init__(manager, spec, "announcement", None)
        self._id = f"announcement-{manager.owner.run}"
        self._was_made = False
        self.kind = spec.kind

    def look(self) -> bool:
        """As a lease's; True also once the announcement has ended."""
        return super().look() or (self._was_made and self._record is None)

    def _join(self) -> Record:
        record = super()._join()
        self._was_made = self._was_made or self._record is not None
        return record

    def _claim(self, record: Record, now: datetime) -> Record:
        return record if self._was_made and self._id not in record.holders else super()._claim(record, now)

    def _is_due(self, mine: Holder, now: datetime) -> bool:  # noqa: ARG002
        return False

    def _holder(self, now: datetime) -> Holder:
        expires_at = now + PATIENCE[self._first.kind].creation
        return super()._holder(now).model_copy(update={"expires_at": expires_at, "announces": True})
