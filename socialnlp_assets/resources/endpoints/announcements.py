"""Announcements: a run's claims on endpoints that its later steps will lease."""

from __future__ import annotations

import os
import socket
from datetime import datetime

from socialnlp_assets.resources.endpoints.backend import EndpointSpec
from socialnlp_assets.resources.endpoints.claims import Claim
from socialnlp_assets.resources.endpoints.leases import LeaseManager
from socialnlp_assets.resources.endpoints.records import Holder, Record
from socialnlp_assets.resources.endpoints.terms import PATIENCE


class Announcement:
    """A run's claim, kept on record without heartbeats: it outlives its process. It lasts until the run's first
    lease, until the run is abandoned, or as long as a creation may take, whichever comes first, and does not come
    back."""

    def __init__(self, manager: LeaseManager, spec: EndpointSpec) -> None:
        self._manager = manager
        self._claim = Claim(manager.store, manager.backend, manager.owner, spec, f"announcement-{manager.owner.run}")
        self._patience = PATIENCE[spec.kind]
        self.poll = self._patience.poll
        self._withdrawn = False

    def advance(self) -> bool:
        """One move towards the endpoint; True once it is in service, or the announcement has ended. Raises as a
        lease's waiting does."""
        return self._claim.advance(self._announced) or (self._claim.was_made and self._claim.record is None)

    def withdraw(self) -> None:
        """End it, because the run's lease has taken its place."""
        with self._claim.changing:
            self._withdrawn = True
            self._claim.change(lambda record, now: record.released(self._claim.id, now, self._manager.terms.warm))

    def _announced(self, record: Record, now: datetime) -> Record:
        holder = record.holders.get(self._claim.id)
        if self._withdrawn or (self._claim.was_made and holder is None):
            return record
        return record.joined(holder or self._holder(now), now, self._manager.terms.lifetime)

    def _holder(self, now: datetime) -> Holder:
        return Holder(
            id=self._claim.id,
            run=self._manager.owner.run,
            step="announcement",
            host=socket.gethostname(),
            pid=os.getpid(),
            expires_at=now + self._patience.creation,
            announces=True,
        )
