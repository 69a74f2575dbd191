"""A holder's claim on an endpoint: it puts the holder on record, and brings the endpoint into service.

Leases and announcements are made of it. A claim waits for nothing: each call of `advance` is one move, as
docs/endpoints.md describes the protocol. It never deletes what anybody might hold: it only finishes deletions that
the record has already decided.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from datetime import datetime

from socialnlp_assets.resources.endpoints.backend import (
    BROKEN,
    AlreadyExists,
    BackendError,
    EndpointBackend,
    EndpointError,
    EndpointFailed,
    EndpointGone,
    EndpointSpec,
    NoCapacity,
    Status,
    Throttled,
)
from socialnlp_assets.resources.endpoints.reaper import DEADLINE_TAG, LEASES_TAG, finish_deletion
from socialnlp_assets.resources.endpoints.records import Record, State
from socialnlp_assets.resources.endpoints.terms import PATIENCE, Owner
from socialnlp_assets.resources.leases.store import LeaseStore, change

logger = logging.getLogger(__name__)

Transition = Callable[[Record, datetime], Record]


class Claim:
    """One holder's claim on one logical endpoint. Safe to use from several threads."""

    def __init__(
        self, store: LeaseStore[Record], backend: EndpointBackend, owner: Owner, spec: EndpointSpec, id: str
    ) -> None:
        self.id = id
        self.spec = spec
        self.record: Record | None = None  # as last seen while this holder was in it
        self.was_made = False  # this holder has been on record
        self.changing = threading.RLock()  # a late heartbeat must not take back a lease that was given up
        self._store = store
        self._backend = backend
        self._owner = owner
        self._first = Record(spec=spec)
        self._awaited = 0  # the epoch whose creation was waited for
        self._creating = 0, store.now()  # the epoch that this holder creates, and since when

    def is_good(self) -> bool:
        """Whether nobody can have taken this claim away, as far as can be known without asking."""
        record = self.record
        return record is not None and self.id in record.live_holders(self._store.now())

    def change(self, transition: Transition) -> Record:
        return change(self._store, self._first, transition)

    def see(self, record: Record, epoch: int) -> None:
        """Remember `record` if this holder is in it, for `epoch`."""
        self.record = record if record.epoch == epoch and self.id in record.holders else None
        self.was_made = self.was_made or self.record is not None

    def advance(self, join: Transition) -> bool:
        """One move towards an endpoint in service; True once it is, with this holder on record by `join`.

        Raises `EndpointFailed` when the epoch that this claim has waited for does not come into service, and what
        `join` raises.
        """
        record = self._join(join)
        if self._has_failed(record):
            raise EndpointFailed(record.failure)
        if record.state is State.IN_SERVICE:
            return self._answers(record)
        if record.state is State.CREATING:
            is_first_look, self._awaited = self._awaited != record.epoch, record.epoch
            return record.creator == self.id and self.create(record, is_first_look=is_first_look)
        with contextlib.suppress(Throttled):
            finish_deletion(self._store, self._backend, record)
        return False

    def _has_failed(self, record: Record) -> bool:
        return record.epoch == self._awaited and bool(record.failure)

    def _join(self, join: Transition) -> Record:
        with self.changing:
            # Who has waited for an epoch that failed does not begin the next one.
            record = self.change(lambda current, now: current if self._has_failed(current) else join(current, now))
            self.see(record, record.epoch)
            return record

    def _answers(self, record: Record) -> bool:
        """Whether what the record says is in service is there; if not, it is condemned."""
        try:
            description = self._backend.describe(record.endpoint)
        except Throttled:
            return True  # the invocation will tell
        if description is not None and description.status not in (*BROKEN, Status.DELETING):
            return True
        logger.warning("%s has vanished; it will be created again", record.endpoint)
        self.change(lambda current, _: current.condemned(record.epoch))
        return False

    def create(self, record: Record, *, is_first_look: bool) -> bool:
        """The creator's next move; True where the endpoint is in service."""
        name, limit = record.endpoint, PATIENCE[self.spec.kind].creation
        if self._creating[0] != record.epoch:
            self._creating = record.epoch, self._store.now()
        since, failure = self._creating[1], ""
        try:
            found = self._backend.describe(name)  # another error is this holder's, and says nothing of the endpoint
            if found and found.status is Status.IN_SERVICE:
                self._backend.scale(name, self.spec)
                served = self.change(lambda current, _: current.entered_service(record.epoch))
                return served.state is State.IN_SERVICE and served.epoch == record.epoch
            if found is None:
                self._ask_for(record)
                return False
            since, reason = found.created_at or since, found.reason
            if found.status in BROKEN:
                failure = f"{name} could not be created ({found.status}): {reason}"
        except Throttled as error:
            reason = str(error)
        if not failure and self._store.now() - since > limit:
            failure = f"{name} was not in service after {limit.total_seconds():g} s. {reason}"
        if failure and is_first_look:
            # It failed while nobody looked. Who comes now tries anew, and then believes what it sees.
            self.change(lambda current, _: current.condemned(record.epoch))
        elif failure:
            self._fail(record, failure)
        return False

    def _ask_for(self, record: Record) -> None:
        if not self.is_good():
            return  # too slow: somebody else may have adopted the epoch, or condemned it
        tags = {
            LEASES_TAG: self._store.name,
            DEADLINE_TAG: record.deadline.isoformat() if record.deadline else "",
            "socialnlp:model": record.model,
            "socialnlp:run": self._owner.run,
            "socialnlp:workflow": self._owner.workflow,
        }
        unanswered: Throttled | None = None
        try:
            self._backend.create(record.endpoint, self.spec, tags)
        except Throttled as error:
            unanswered = error  # it may have arrived
        except AlreadyExists:
            logger.info("%s exists: an earlier request had arrived", record.endpoint)
        except (NoCapacity, BackendError, EndpointGone) as error:
            self._fail(record, f"{record.endpoint} could not be created: {error}")
            return
        # This process may have been halted in the meantime, for longer than its lease and the epoch lived.
        now = self.change(lambda current, _: current.found(record.epoch))
        if now.epoch != record.epoch:
            logger.warning("%s was created too late and is deleted again", record.endpoint)
            with contextlib.suppress(EndpointError):  # while it is being created, the sweep's
                self._backend.delete(record.endpoint)
        if unanswered:
            raise unanswered

    def _fail(self, record: Record, failure: str) -> None:
        condemned = self.change(lambda current, _: current.condemned(record.epoch, failure))
        with contextlib.suppress(EndpointError):  # the failure is what to tell; the deletion is anybody's now
            finish_deletion(self._store, self._backend, condemned)
