"""Where leases are kept: compare-and-swap on one record a key, and one clock for all.

A record is a small pydantic model that names its key: an endpoint's (`endpoints/records.py`), an hour's
(`resources/hours.py`). `SqliteStore` serves the processes of one machine, `S3Store` any number of machines. Both
pass the same contract test.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Protocol, Self, TypeVar

from socialnlp_assets.resources.retry import retrying

Clock = Callable[[], datetime]
Sleep = Callable[[float], None]
CHANGES = 60  # tries of one change, half a minute in all


class StoreError(Exception):
    """The lease store refuses or cannot be reached. The message says what to do."""


class _Conflict(Exception):
    """Another write came first."""


class Leased(Protocol):
    """What a store keeps: an immutable pydantic model with a key."""

    @property
    def key(self) -> str: ...

    @classmethod
    def model_validate_json(cls, json_data: str | bytes) -> Self: ...

    def model_dump_json(self) -> str: ...


R = TypeVar("R", bound=Leased)


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Entry(Generic[R]):
    """A record and the version that a write must name to replace it."""

    record: R
    version: str


class LeaseStore(Protocol[R]):
    """Safe to use from several threads and processes."""

    name: str  # of this store alone: in the tags, and hashed in the names, of the endpoints that it accounts for

    def now(self) -> datetime:
        """The time that all users of this store agree on, whatever their own clocks say."""

    def read(self, key: str) -> Entry[R] | None:
        """The record kept under `key`, as the last successful write left it."""

    def write(self, record: R, version: str | None) -> bool:
        """Replace the record that has `version` (None: there is none yet). False, and no change, where
        another write came first; or where nobody can say whether this one arrived and was replaced."""

    def records(self) -> list[R]:
        """All of them, ended ones included."""


def change(store: LeaseStore[R], first: R, transition: Callable[[R, datetime], R], sleep: Sleep = time.sleep) -> R:
    """Apply `transition(record, now)` to the record kept under `first.key` (to `first` itself where there
    is none) and keep the result; again on the newer record where another write came first. Raises `StoreError`
    where no write succeeds."""

    def changed() -> R:
        entry = store.read(first.key)
        current = entry.record if entry else first
        following = transition(current, store.now())
        if following is current or store.write(following, entry.version if entry else None):
            return following
        raise _Conflict

    try:
        return retrying(
            _Conflict, patience=60, first_pause=0.02, longest_pause=1.0, most_attempts=CHANGES, sleep=sleep
        )(changed)
    except _Conflict:
        raise StoreError(
            f"{first.key}: none of {CHANGES} writes to {store.name} succeeded; may we write there?"
        ) from None
