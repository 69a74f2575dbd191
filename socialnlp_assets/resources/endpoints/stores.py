"""Where the records are kept: compare-and-swap on one record a logical endpoint, and one clock for all.

`SqliteStore` serves the processes of one machine, `S3Store` (in `s3_store`) any number of machines. Both
pass the same contract test.
"""

from __future__ import annotations

import random
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from socialnlp_assets.resources.endpoints.backend import EndpointError
from socialnlp_assets.resources.endpoints.records import Record

Clock = Callable[[], datetime]
Sleep = Callable[[float], None]
CHANGES = 60  # tries of one change, half a minute in all


class StoreError(EndpointError):
    """The lease store refuses or cannot be reached."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Entry:
    """A record and the version that a write must name to replace it."""

    record: Record
    version: str


class LeaseStore(Protocol):
    """Safe to use from several threads and processes."""

    name: str  # of this store alone: in the tags, and hashed in the names, of the endpoints that it accounts for

    def now(self) -> datetime:
        """The time that all users of this store agree on, whatever their own clocks say."""

    def read(self, key: str) -> Entry | None:
        """The record kept under `key`, as the last successful write left it."""

    def write(self, record: Record, version: str | None) -> bool:
        """Replace the record that has `version` (None: there is none yet). False, and no change, where
        another write came first; or where nobody can say whether this one arrived and was replaced."""

    def records(self) -> list[Record]:
        """All of them, ended ones included."""


def change(
    store: LeaseStore, first: Record, transition: Callable[[Record, datetime], Record], sleep: Sleep = time.sleep
) -> Record:
    """Apply `transition(record, now)` to the record kept under `first.key` (to `first` itself where there
    is none) and keep the result; again on the newer record where another write came first. Raises `StoreError`
    where no write succeeds."""
    for attempt in range(CHANGES):
        entry = store.read(first.key)
        current = entry.record if entry else first
        changed = transition(current, store.now())
        if changed is current or store.write(changed, entry.version if entry else None):
            return changed
        sleep(random.uniform(0, min(1.0, 0.02 * 2**attempt)))
    raise StoreError(f"{first.key}: none of {CHANGES} writes to {store.name} succeeded; may we write there?")


class SqliteStore:
    """Records in an SQLite file: one machine, any number of processes. The clock is the machine's, the name a
    random one that the file keeps: other containers may have another file at the same path."""

    def __init__(self, path: Path, clock: Clock = utc_now) -> None:
        self._path = path
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS leases (key TEXT PRIMARY KEY, version TEXT, record TEXT)")
            connection.execute("CREATE TABLE IF NOT EXISTS store (one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT)")
            connection.execute("INSERT OR IGNORE INTO store VALUES (1, ?)", (f"sqlite:{uuid.uuid4().hex}",))
            self.name: str = connection.execute("SELECT name FROM store").fetchone()[0]

    def now(self) -> datetime:
        return self._clock()

    def read(self, key: str) -> Entry | None:
        with self._connection() as connection:
            row = connection.execute("SELECT record, version FROM leases WHERE key = ?", (key,)).fetchone()
        return Entry(Record.model_validate_json(row[0]), row[1]) if row else None

    def write(self, record: Record, version: str | None) -> bool:
        values = {"key": record.key, "record": record.model_dump_json(), "new": uuid.uuid4().hex, "old": version}
        if version is None:
            statement = "INSERT OR IGNORE INTO leases (key, version, record) VALUES (:key, :new, :record)"
        else:
            statement = "UPDATE leases SET version = :new, record = :record WHERE key = :key AND version = :old"
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            written = connection.execute(statement, values).rowcount == 1
            connection.execute("COMMIT")
        return written

    def records(self) -> list[Record]:
        with self._connection() as connection:
            rows = connection.execute("SELECT record FROM leases ORDER BY key").fetchall()
        return [Record.model_validate_json(row[0]) for row in rows]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        # One a call: a connection must not be shared by threads, nor survive a fork.
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        try:
            yield connection
        finally:
            connection.close()
