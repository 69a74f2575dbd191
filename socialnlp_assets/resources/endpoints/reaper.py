"""Removing what nobody needs: endpoints without holders or past their deadline, orphans, and what is left of either.

A deletion is decided by a change of the record to `deleting`; the request that follows names one epoch and can
therefore be repeated, taken over or come late without harm. It is believed only when the backend says that
there is no such endpoint.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from socialnlp_assets.resources.endpoints.backend import (
    Description,
    EndpointBackend,
    EndpointBusy,
    EndpointError,
    EndpointGone,
    Status,
)
from socialnlp_assets.resources.endpoints.records import Record, State
from socialnlp_assets.resources.leases.store import Entry, LeaseStore, Sleep, change

LEASES_TAG = "socialnlp:leases"  # the store that accounts for the endpoint
DEADLINE_TAG = "socialnlp:deadline"  # after which nobody may have it, whatever its store says

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Removal:
    """One endpoint that the reaper dealt with."""

    endpoint: str
    reason: str
    gone: bool  # False: its removal goes on, and the next call looks again
    error: str = ""  # what kept it from being removed

    def __str__(self) -> str:
        if self.error:
            return f"{self.endpoint}: not removed ({self.reason}): {self.error}"
        return f"{self.endpoint}: {'removed' if self.gone else 'being removed'} ({self.reason})"


class EndpointHeld(EndpointError):
    """Somebody holds the endpoint that was to be stopped."""


def finish_deletion(store: LeaseStore[Record], backend: EndpointBackend, record: Record) -> Record:
    """Bring a decided deletion on, without waiting. Raises what the backend raises, such as `Throttled`."""
    if record.state is not State.DELETING or _delete(backend, record.endpoint):
        return record
    return change(store, record, lambda current, _: current.deleted(record.epoch))


def _delete(backend: EndpointBackend, name: str) -> Description | None:
    """Ask for the removal of `name`; what is still there of it."""
    description = backend.describe(name)
    if description is None or description.status is Status.DELETING:
        return description
    try:
        backend.delete(name)
    except EndpointBusy as error:
        logger.info("%s cannot be deleted yet: %s", name, error)
        return description
    except EndpointGone:
        pass  # says the request; only the description is believed
    return backend.describe(name)


def reap(store: LeaseStore[Record], backend: EndpointBackend, prefix: str) -> list[Removal]:
    """Remove every endpoint that is not held and no longer warm, or past its deadline, every one of this store that
    no record accounts for, and what is left of those that are gone. Goes on after an error, which the removal then
    tells."""
    removals = [removal for record in store.records() if (removal := _reap(store, backend, record))]
    known = {removal.endpoint for removal in removals}
    try:
        listed = backend.list(f"{prefix}-")
        orphans = [found for found in listed if found.name not in known]
        removals += [removal for found in orphans if (removal := _sweep(store, backend, found))]
        remnants = set(backend.remnants(f"{prefix}-")) - {found.name for found in listed}
        removals += [removal for name in sorted(remnants) if (removal := _clear(store, backend, name))]
    except EndpointError as error:
        removals.append(Removal(f"{prefix}-*", "the search for orphans", False, str(error)))
    return removals


def _reap(store: LeaseStore[Record], backend: EndpointBackend, record: Record) -> Removal | None:
    reason = record.failure or "its deletion was begun before"
    if record.is_unwanted(store.now()):
        past = record.deadline and record.deadline <= store.now()
        reason = "past its deadline" if past else "nobody holds it"
        record = change(store, record, _condemned_if_unwanted)
    if record.state is not State.DELETING:
        return None
    try:
        record = finish_deletion(store, backend, record)
    except EndpointError as error:
        return Removal(record.endpoint, reason, False, str(error))
    return Removal(record.endpoint, reason, record.state is not State.DELETING)


def _condemned_if_unwanted(record: Record, now: datetime) -> Record:
    return record.condemned(record.epoch) if record.is_unwanted(now) else record


def _sweep(store: LeaseStore[Record], backend: EndpointBackend, found: Description) -> Removal | None:
    if _is_accounted_for(found.name, store.read(_key(found.name))):
        return None
    if found.tags.get(LEASES_TAG) == store.name:
        reason = "no record accounts for it"
    elif _is_past(found.tags.get(DEADLINE_TAG, ""), store.now()):
        reason = "past its deadline, and its installation has not removed it"
    else:
        return None  # another installation's
    try:
        return Removal(found.name, reason, _delete(backend, found.name) is None)
    except EndpointError as error:
        return Removal(found.name, reason, False, str(error))


def _clear(store: LeaseStore[Record], backend: EndpointBackend, name: str) -> Removal | None:
    """Remove a model or a configuration whose creator died before it had asked for the endpoint, or whose remover
    died after it had deleted it. Whose it is tells the record: it was there before anything was created."""
    entry = store.read(_key(name))
    if entry is None or _is_accounted_for(name, entry):
        return None
    backend.clear(name)
    return Removal(name, "only a model or a configuration was left of it", True)


def _key(name: str) -> str:
    return name.rpartition("-e")[0]


def _is_accounted_for(name: str, entry: Entry[Record] | None) -> bool:
    """Whether the record, read after the list, knows of an endpoint of that name. Intent is recorded before creation:
    what exists and then has no record never will have."""
    return entry is not None and entry.record.endpoint == name and entry.record.state is not State.ABSENT


def _is_past(deadline: str, now: datetime) -> bool:
    try:
        return datetime.fromisoformat(deadline).astimezone(UTC) <= now
    except ValueError:  # none, or nobody's of ours
        return False


def abandon(store: LeaseStore[Record], record: Record, run: str) -> None:
    """Take the leases of a run that has ended, before they expire by themselves."""
    change(store, record, lambda current, now: current.abandoned(run, now))


def stop(store: LeaseStore[Record], backend: EndpointBackend, record: Record, *, force: bool, sleep: Sleep) -> None:
    """Delete an endpoint now and wait until it is gone. Raises `EndpointHeld` while somebody holds it,
    unless forced; its holders then create a successor if they still need one."""

    def condemned(current: Record, now: datetime) -> Record:
        holders = current.live_holders(now).values()
        if holders and not force:
            who = ", ".join(f"{holder.run or 'somebody'} on {holder.host} (pid {holder.pid})" for holder in holders)
            raise EndpointHeld(f"{current.endpoint} is held by {who}; wait, or stop it with --force")
        return current.condemned(current.epoch)

    record = change(store, record, condemned, sleep)
    while record.state is State.DELETING:
        record = finish_deletion(store, backend, record)
        if record.state is State.DELETING:
            sleep(1.0)
