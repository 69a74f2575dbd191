"""`Storage`: Dagster's history of runs and events in SQLite files, with what is opened and compiled kept.

Named by the `dagster.yaml` of one machine. Dagster's own makes an engine of SQLAlchemy for each of a thousand
statements of a small hour, throws it away with the SQL that it has compiled, and waits for the disk twice: when a
change is committed, and when a file is closed, for nobody else has it open. Here a commit does not wait for the disk:
a machine that loses its power may lose the last events, and no more, as SQLite promises of `synchronous=NORMAL`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.schedules import SqliteScheduleStorage
from dagster._core.storage.sqlite import create_db_conn_string
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event

BUSY_SECONDS = 60.0  # for which a statement waits for those of other processes
FILES = 16  # that are kept open: what all runs have in common, and the latest runs


@lru_cache(FILES)
def engine_of(address: str) -> Engine:
    """The engine of a file, with its connections. SQLAlchemy gives a process that was forked others."""
    engine = create_engine(address, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _do_not_wait(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine


_KNOWN: set[str] = set()  # addresses of files whose tables this process has found to be there


def _is_known(address: str) -> bool:
    """Whether the tables of a file were looked at before. Dagster's own looks for each instance, of which every tick
    of a sensor makes one, and each look has Alembic read a hundred files: a tenth of a second."""
    return address in _KNOWN and Path(address.removeprefix("sqlite:///")).exists()


class Events(SqliteEventLogStorage):
    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            address = self.conn_string_for_shard(shard)
            engine = engine_of(address)
            if not _is_known(address):
                engine.dispose()  # a file of that name may have been wiped
                self._initdb(engine)
                _KNOWN.add(address)
            with engine.connect() as connection, connection.begin():
                changes = _changes(connection)
                yield connection
                changed = _changes(connection) > changes
            if changed and shard != INDEX_SHARD_NAME:
                os.utime(self.path_for_shard(shard))  # the UI watches this file, and SQLite writes into one beside it


def _changes(connection: Connection) -> int:
    """Rows that it has ever changed."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver.total_changes


class Runs(SqliteRunStorage):
    @classmethod
    def from_local(cls, base_dir: str, inst_data: ConfigurableClassData | None = None) -> Self:
        address = create_db_conn_string(base_dir, "runs")
        found = cls(address, inst_data) if _is_known(address) else super().from_local(base_dir, inst_data)
        _KNOWN.add(address)
        return found

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with engine_of(self._conn_string).connect() as connection, connection.begin():
            yield connection


class Ticks(SqliteScheduleStorage):
    """Of sensors and schedules, which write several times a minute each, whether or not there is anything to do."""

    @classmethod
    def from_local(cls, base_dir: str, inst_data: ConfigurableClassData | None = None) -> Self:
        address = create_db_conn_string(base_dir, "schedules")
        made = cls(address, inst_data) if _is_known(address) else super().from_local(base_dir, inst_data)
        _KNOWN.add(address)
        return made  # type: ignore[return-value]  # Dagster's own says of what class it is, and makes one of ours

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with engine_of(self._conn_string).connect() as connection, connection.begin():
            yield connection


class Storage(DagsterSqliteStorage):
    """`config: {base_dir: …}`, the DAGSTER_HOME: the same files in the same places as Dagster's own."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # Dagster's own would first open all of this its way.
        super(DagsterSqliteStorage, self).__init__()  # type: ignore[no-untyped-call]
        self.base_dir, self._inst_data = base_dir, inst_data
        history = Path(base_dir) / "history"
        self._run_storage = Runs.from_local(str(history))
        self._schedule_storage = Ticks.from_local(str(Path(base_dir) / "schedules"))
        self._event_log_storage = Events(str(history / "runs"))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Storage:
        return cls.from_local(config_value["base_dir"], inst_data)
