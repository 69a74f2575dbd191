"""The one record of a logical endpoint, and every change that it may go through.

Pure: a change takes a record and the time and gives the next record, or the same one where nothing is to
be done. Each is safe to apply twice, because a store may be unable to say whether a write arrived. The
picture of the states is in docs/endpoints.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from socialnlp_assets.resources.endpoints.backend import EndpointSpec


class State(StrEnum):
    ABSENT = "absent"  # the backend has no endpoint of any epoch
    CREATING = "creating"  # intent is recorded; the endpoint of this epoch may or may not exist
    IN_SERVICE = "in service"
    DELETING = "deleting"  # nobody may join; it is over when the backend says that there is none


class Holder(BaseModel):
    """Somebody who needs the endpoint until `expires_at`, unless renewed; or, with `announces`, a run that
    will need it, whose steps come later and from other processes."""

    model_config = ConfigDict(frozen=True)

    id: str
    run: str
    step: str
    host: str
    pid: int
    expires_at: datetime
    announces: bool = False


class Record(BaseModel):
    """What is agreed on one logical endpoint. Times are the store's clock, UTC."""

    model_config = ConfigDict(frozen=True)

    spec: EndpointSpec
    state: State = State.ABSENT
    epoch: int = 0  # counts the lives of the endpoint; never goes back
    creator: str = ""  # the holder that creates this epoch
    holders: Mapping[str, Holder] = {}
    warm_until: datetime | None = None  # set by each release
    created_at: datetime | None = None  # when this epoch's intent was recorded
    deadline: datetime | None = None  # when this epoch ends, held or not
    failure: str = ""  # why this epoch never came into service

    @model_validator(mode="before")
    @classmethod
    def _of_an_earlier_version(cls, data: Any) -> Any:
        """Records once held the fields of `spec` themselves. They are read, or what they account for would have no
        record, and the reaper would stop at them."""
        if isinstance(data, dict) and "spec" not in data:
            spec = {field.name: data[field.name] for field in fields(EndpointSpec) if field.name in data}
            data = {name: value for name, value in data.items() if name not in spec} | {"spec": spec}
        return data

    @property
    def model(self) -> str:
        return self.spec.model

    @property
    def key(self) -> str:
        return self.spec.key

    @property
    def endpoint(self) -> str:
        """The name of this epoch's endpoint."""
        return self.spec.endpoint_name(self.epoch)

    def live_holders(self, now: datetime) -> dict[str, Holder]:
        return {id: holder for id, holder in self.holders.items() if holder.expires_at > now}

    def wanted_until(self, now: datetime) -> datetime:
        """Until when somebody holds it or it is kept warm, as far as is known now."""
        times = [holder.expires_at for holder in self.holders.values()]
        wanted = max([*times, self.warm_until or now, now])
        return min(wanted, self.deadline) if self.deadline else wanted

    def is_unwanted(self, now: datetime) -> bool:
        return self.state in (State.CREATING, State.IN_SERVICE) and self.wanted_until(now) <= now

    # Changes

    def joined(self, holder: Holder, now: datetime, lifetime: timedelta) -> Record:
        """`holder` is among the holders; begins an epoch where there is none, and takes over from a creator
        whose lease has expired, or which only announced. Nobody joins an endpoint that is being deleted or
        past its deadline. A lease takes the place of its run's announcement."""
        if self.state is State.ABSENT:
            return self._with(
                state=State.CREATING,
                epoch=self.epoch + 1,
                creator=holder.id,
                holders={holder.id: holder},
                warm_until=None,
                created_at=now,
                deadline=now + lifetime,
                failure="",
            )
        if self.deadline and now >= self.deadline:
            return self.condemned(self.epoch)
        if self.state is State.DELETING:
            return self
        live = self.live_holders(now)
        same_run = {id for id, other in live.items() if other.run == holder.run}
        if holder.announces and any(not live[id].announces for id in same_run):
            return self  # what it announces has come
        others = {id: other for id, other in live.items() if not (other.announces and id in same_run)}
        holders = others | {holder.id: holder}
        created = self.creator in holders and not holders[self.creator].announces
        return self._with(holders=holders, creator=self.creator if created else holder.id)

    def entered_service(self, epoch: int) -> Record:
        """The endpoint of `epoch` answers."""
        if self.state is State.CREATING and self.epoch == epoch:
            return self._with(state=State.IN_SERVICE)
        return self

    def released(self, holder_id: str, now: datetime, warm: timedelta) -> Record:
        """Without that holder, which leaves the endpoint warm for a while."""
        if holder_id not in self.holders:
            return self
        others = {id: other for id, other in self.live_holders(now).items() if id != holder_id}
        warm_until = now + warm if self.state is State.IN_SERVICE else self.warm_until
        return self._with(holders=others, warm_until=warm_until)

    def abandoned(self, run: str, now: datetime) -> Record:
        """Without the leases and announcements of a run that has ended."""
        others = {id: other for id, other in self.live_holders(now).items() if other.run != run}
        return self if len(others) == len(self.live_holders(now)) else self._with(holders=others)

    def condemned(self, epoch: int, failure: str = "") -> Record:
        """`epoch` is to be deleted; with a `failure` where it never came into service."""
        if self.epoch != epoch or self.state not in (State.CREATING, State.IN_SERVICE):
            return self
        return self._with(state=State.DELETING, holders={}, creator="", warm_until=None, failure=failure)

    def deleted(self, epoch: int) -> Record:
        """The backend says that there is no endpoint of `epoch`."""
        if self.epoch != epoch or self.state is not State.DELETING:
            return self
        return self._with(state=State.ABSENT)

    def found(self, epoch: int) -> Record:
        """An endpoint of `epoch` exists after all: its creation was under way when the backend was asked."""
        if self.epoch != epoch or self.state is not State.ABSENT:
            return self
        return self._with(state=State.DELETING)

    def _with(self, **changes: Any) -> Record:
        changed = self.model_copy(update=changes)
        return self if changed == self else changed
