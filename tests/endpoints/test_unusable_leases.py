"""A lease file that cannot be used: what is wrong with it, and the remedy, in a sentence."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from socialnlp_assets.resources.endpoints.records import Record
from socialnlp_assets.resources.leases import sqlite
from socialnlp_assets.resources.leases.sqlite import SqliteStore
from socialnlp_assets.resources.leases.store import StoreError
from tests.cli.small_disk import SmallDisk, small_disk

__all__ = ["small_disk"]


def told(store: SqliteStore[Record]) -> str:
    with pytest.raises(StoreError) as error:
        store.write(Record(model="sentiment", kind="process", config={}, config_hash="1a2b", prefix="nlp"), None)
    return str(error.value)


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore[Record]:
    return SqliteStore(tmp_path / "leases.db", Record)


def test_locked(store: SqliteStore[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "LOCKED_SECONDS", 0.1)
    other = sqlite3.connect(tmp_path / "leases.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert "another program has locked it for 0.1 s; end that one" in told(store)
    other.close()
    assert store.records() == []


def test_damaged(store: SqliteStore[Record], tmp_path: Path) -> None:
    (tmp_path / "leases.db").write_bytes(b"no database" * 1000)
    assert "file is not a database: end all runs and remove it" in told(store)


def test_cut(store: SqliteStore[Record], tmp_path: Path) -> None:
    file = tmp_path / "leases.db"
    file.write_bytes(file.read_bytes()[:5000])
    assert "end all runs and remove it" in told(store)


def test_removed_while_in_use(store: SqliteStore[Record], tmp_path: Path) -> None:
    (tmp_path / "leases.db").unlink()
    assert "if it was removed while it was in use, start again" in told(store)
    assert list(tmp_path.iterdir()) == []  # an empty one would look like ours
    SqliteStore(tmp_path / "leases.db", Record)


def test_read_only(small_disk: SmallDisk) -> None:
    small_disk.becomes("size=1m")
    store = SqliteStore(small_disk.path / "leases.db", Record)
    small_disk.becomes("ro")
    assert "we may not write it; correct its permissions, or set SOCIALNLP_LEASES" in told(store)
    assert store.records() == []
