"""What came of addresses, kept for some days: a re-run of an hour gives the same bytes without asking the web again.

One SQLite file, shared by the runs of a machine. It only saves time: where it cannot be read or written, the web is
asked.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from socialnlp_assets.files import private_file

from .extraction import Article

MOST_PAGES = 20_000  # the oldest go first
DAY = 24 * 3600
_TABLE = """
CREATE TABLE IF NOT EXISTS pages (address TEXT PRIMARY KEY, at REAL NOT NULL, status TEXT NOT NULL, article TEXT);
CREATE INDEX IF NOT EXISTS pages_by_age ON pages (at);
"""

_UNUSABLE = (sqlite3.Error, OSError, ValueError, TypeError)  # the latter: an article of another version's fields

Kept = tuple[str, Article | None]  # status, article


class PageCache:
    """The file at `path`; what is older than `days` is forgotten."""

    def __init__(self, path: Path, days: float, most: int = MOST_PAGES) -> None:
        self.path = path
        self.days = days
        self.most = most

    def get(self, address: str) -> Kept | None:
        with suppress(*_UNUSABLE), self._open() as pages:
            row = pages.execute(
                "SELECT status, article FROM pages WHERE address = ? AND at > ?", (address, self._oldest())
            ).fetchone()
            if row:
                return row[0], Article(**json.loads(row[1])) if row[1] else None
        return None

    def put(self, address: str, status: str, article: Article | None) -> None:
        shown = json.dumps(asdict(article)) if article else None
        with suppress(*_UNUSABLE), self._open() as pages:
            pages.execute("REPLACE INTO pages VALUES (?, ?, ?, ?)", (address, time.time(), status, shown))
            pages.execute("DELETE FROM pages WHERE at <= ?", (self._oldest(),))
            pages.execute(
                "DELETE FROM pages WHERE address IN (SELECT address FROM pages ORDER BY at DESC LIMIT -1 OFFSET ?)",
                (self.most,),
            )

    def _oldest(self) -> float:
        return time.time() - self.days * DAY

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection of the moment, for any thread; what it did is one transaction."""
        with closing(sqlite3.connect(private_file(self.path))) as pages, pages:
            pages.executescript(_TABLE)
            yield pages
