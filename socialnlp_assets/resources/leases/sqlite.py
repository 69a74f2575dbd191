"""Records in an SQLite file: the processes of one machine."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Generic

from socialnlp_assets.resources.leases.store import Clock, Entry, R, StoreError, utc_now


class SqliteStore(Generic[R]):
    """`LeaseStore` of `kind` in the file at `path`. The clock is the machine's, the name a random one that the file
    keeps: other containers may have another file at the same path."""

    def __init__(self, path: Path, kind: type[R], clock: Clock = utc_now) -> None:
        self._path = path
        self._kind = kind
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS leases (key TEXT PRIMARY KEY, version TEXT, record TEXT)")
            connection.execute("CREATE TABLE IF NOT EXISTS store (one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT)")
            connection.execute("INSERT OR IGNORE INTO store VALUES (1, ?)", (f"sqlite:{uuid.uuid4().hex}",))
            self.name: str = connection.execute("SELECT name FROM store").fetchone()[0]

    def now(self) -> datetime:
        return self._clock()

    def read(self, key: str) -> Entry[R] | None:
        with self._connection() as connection:
            row = connection.execute("SELECT record, version FROM leases WHERE key = ?", (key,)).fetchone()
        return Entry(self._kind.model_validate_json(row[0]), row[1]) if row else None

    def write(self, record: R, version: str | None) -> bool:
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

    def records(self) -> list[R]:
        with self._connection() as connection:
            rows = connection.execute("SELECT record FROM leases ORDER BY key").fetchall()
        return [self._kind.model_validate_json(row[0]) for row in rows]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        # One a call: a connection must not be shared by threads, nor survive a fork.
        connection = None
        try:
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            yield connection
        except sqlite3.Error as error:
            raise StoreError(
                f"the lease store {self._path} cannot be used: {error}. It must be a file that we may write, on a disk "
                "with room, and is made anew where it is missing: where it is damaged, remove it while nothing runs"
            ) from error
        finally:
            if connection:
                connection.close()
