"""Leases: to hold an endpoint, to wait until it is in service, to keep it alive by heartbeats, to give it back."""

from __future__ import annotations

import logging
import os
import random
import socket
import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime

from socialnlp_assets.resources.endpoints.backend import (
    EndpointBackend,
    EndpointError,
    EndpointGone,
    EndpointSpec,
    Reply,
)
from socialnlp_assets.resources.endpoints.claims import Claim
from socialnlp_assets.resources.endpoints.metering import Meter
from socialnlp_assets.resources.endpoints.records import Holder, Record, State
from socialnlp_assets.resources.endpoints.terms import PATIENCE, Owner, Terms
from socialnlp_assets.resources.leases.heartbeat import Heartbeat
from socialnlp_assets.resources.leases.store import LeaseStore, Sleep

logger = logging.getLogger(__name__)


@dataclass
class LeaseManager:
    """What the leases of one process share. `heartbeats=False` leaves renewing to the caller; `sleep` is for
    virtual time."""

    store: LeaseStore[Record]
    backend: EndpointBackend
    terms: Terms = field(default_factory=Terms)
    owner: Owner = field(default_factory=Owner)
    sleep: Sleep | None = None
    heartbeats: bool = True
    _closed: threading.Event = field(default_factory=threading.Event, init=False)

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
    """One holder's hold on one logical endpoint. Safe to use from several threads."""

    def __init__(self, manager: LeaseManager, spec: EndpointSpec, step: str = "", meter: Meter | None = None) -> None:
        self._manager = manager
        self._store = manager.store
        self._claim = Claim(manager.store, manager.backend, manager.owner, spec, uuid.uuid4().hex)
        self._step = step
        self._meter = meter or Meter(spec.model, step)
        self._released = False
        self._metered_to: datetime | None = None  # None: not in service. Changes under the claim's lock, as all here
        self._entering = threading.Lock()
        self._heartbeat = Heartbeat(self.renew, manager.terms.lease / 4) if manager.heartbeats else None

    @property
    def endpoint(self) -> str:
        """The name of the endpoint that is held; `EndpointGone` when the lease is lost or released."""
        record = self._claim.record
        if record is None:
            raise EndpointGone(f"the lease on {self._claim.spec.model} is not held (any more)")
        return record.endpoint

    def is_good(self) -> bool:
        """Whether nobody can have taken this lease away, as far as can be known without asking."""
        return self._claim.is_good()

    def invoke(self, body: bytes, target: str | None = None) -> Reply:
        """One request to the endpoint; `EndpointGone` where there is none or the lease is lost, after which
        `regain` gets hold of a successor."""
        if not self.is_good():
            self.renew()  # the heartbeat has stalled past the term: has anybody noticed?
        return self._manager.backend.invoke(self.endpoint, body, target=target)

    def enter(self) -> None:
        """Wait until the endpoint is held and in service. Raises `EndpointFailed` when it does not come into
        service, and whatever interrupts the waiting; in every case without a lease left behind."""
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
            self._meter_from(None)
            poll = PATIENCE[self._claim.spec.kind].poll.total_seconds()
            while not self.advance():
                self._manager.pause(poll * random.uniform(0.5, 1.5), ended)
            self._meter_from(self._store.now())

    def advance(self) -> bool:
        """One move towards holding the endpoint, without waiting: True once it is held and in service."""
        return self._claim.advance(self._joined)

    def renew(self) -> None:
        """Hold on for another term. A lease that was lost meanwhile makes `invoke` raise `EndpointGone`."""
        with self._claim.changing:
            known = self._claim.record
            if known is None:
                return

            def renewed(record: Record, now: datetime) -> Record:
                same = record.epoch == known.epoch and record.state in (State.CREATING, State.IN_SERVICE)
                return record.joined(self._holder(now), now, self._manager.terms.lifetime) if same else record

            record = self._claim.change(renewed)
            self._count_seconds()
            self._claim.see(record, known.epoch)
        self._manager.backend.touch(known.endpoint)

    def release(self) -> None:
        """Give the lease back; the last holder leaves the endpoint warm. Safe to call twice."""
        if self._heartbeat:
            self._heartbeat.stop()
        claim, warm = self._claim, self._manager.terms.warm
        with claim.changing:
            self._count_seconds()
            claim.record, self._released = None, True
            try:
                claim.change(lambda record, now: record.released(claim.id, now, warm))
            except Exception as error:  # whatever the store says, the lease ends by itself
                logger.warning("The lease on %s could not be given back and will expire: %s", claim.spec.key, error)

    def _joined(self, record: Record, now: datetime) -> Record:
        if self._released:
            raise EndpointGone(f"the lease on {record.model} was given back")
        mine = record.holders.get(self._claim.id)
        if mine is None or mine.expires_at - now < self._manager.terms.lease / 2:
            mine = self._holder(now)
        return record.joined(mine, now, self._manager.terms.lifetime)

    def _holder(self, now: datetime) -> Holder:
        return Holder(
            id=self._claim.id,
            run=self._manager.owner.run,
            step=self._step,
            host=socket.gethostname(),
            pid=os.getpid(),
            expires_at=now + self._manager.terms.lease,
        )

    def _meter_from(self, time: datetime | None) -> None:
        with self._claim.changing:  # or a heartbeat that is counting loses the time that it counts from
            self._metered_to = time

    def _count_seconds(self) -> None:
        """Meter the time in service since the last time, shared by those who were on record with us."""
        if self._metered_to and self._claim.record:
            now = self._store.now()
            users = sum(not holder.announces for holder in self._claim.record.holders.values())
            self._meter.held((now - self._metered_to).total_seconds(), users)
            self._metered_to = now
