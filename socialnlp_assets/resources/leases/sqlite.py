"""Records in an SQLite file: the processes of one machine."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Generic
from urllib.parse import quote

from socialnlp_assets.files import private_file
from socialnlp_assets.resources.leases.store import Clock, Entry, R, StoreError, utc_now

LOCKED_SECONDS = 30.0  # another process's changes take milliseconds


class SqliteStore(Generic[R]):
    """`LeaseStore` of `kind` in the file at `path`. The clock is the machine's, the name a random one that the file
    keeps: other containers may have another file at the same path."""

    def __init__(self, path: Path, kind: type[R], clock: Clock = utc_now) -> None:
        self._path = path
        self._kind = kind
        self._clock = clock
        with self._errors():
            private_file(path)
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
        # One a call: a connection must not be shared by threads, nor survive a fork. It makes no file: an empty one
        # would hide that ours has been removed.
        with self._errors():
            address = f"file:{quote(str(self._path.absolute()))}?mode=rw"
            connection = sqlite3.connect(address, uri=True, timeout=LOCKED_SECONDS, isolation_level=None)
            with closing(connection):
                yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"the lease store {self._path} cannot be used: {_remedy(error)}") from error


def _remedy(error: sqlite3.Error | OSError) -> str:
    """What is wrong with the file, and what to do about it."""
    if isinstance(error, OSError):
        return f"{error.strerror}; SOCIALNLP_STATE or SOCIALNLP_LEASES must name a place where we may write"
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:  # the primary code of an extended one
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return f"another program has locked it for {LOCKED_SECONDS:g} s; end that one (fuser names it), try again"
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return f"{error}: end all runs and remove it, if it is ours; servers that it knew of end by themselves"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return "we may not write it; correct its permissions, or set SOCIALNLP_LEASES to another place"
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            return f"{error}; free some room on its disk, then try again"
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_ERROR:
            return f"{error}; if it was removed while it was in use, start again: it is made anew"
    return str(error)
