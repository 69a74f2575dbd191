"""One call of `predict`: what it asks with, and what came of it so far."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from socialnlp_assets.resources.endpoints.backend import ModelFailed
from socialnlp_assets.resources.endpoints.requests import Row
from socialnlp_assets.tasks import Result, RowError


class Stopped(Exception):
    """Another request of the same call failed for good; that one's error is the one to raise."""


@dataclass
class Call:
    """Shared by the threads that send its requests."""

    results: list[Result | None]
    target: str | None
    shared: Mapping[str, Any]  # parameters that hold for all texts
    by_row: tuple[str, ...]  # names of those that differ by text
    stopped: threading.Event = field(default_factory=threading.Event)
    regained: int = 0
    _answered: int = 0
    _failed: int = 0
    _last_failed: Row | None = None
    _doubted: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fill(self, batch: Sequence[Row], results: Sequence[Result]) -> int:
        """Put each row's result wherever its text was asked. The number of rows that the model could not take."""
        for row, result in zip(batch, results, strict=True):
            for position in row.positions:
                self.results[position] = result
        failed = [row for row, result in zip(batch, results, strict=True) if isinstance(result, RowError)]
        with self._lock:
            self._failed += len(failed)
            self._answered += len(results) - len(failed)
            self._last_failed = failed[-1] if failed else self._last_failed
        return len(failed)

    def doubt(self, failures: int) -> tuple[int, Row] | None:
        """How many rows have failed, and one of them, if it is time to ask whether the model works: once a call."""
        with self._lock:
            if self._doubted or self._answered or self._failed < failures or self._last_failed is None:
                return None
            self._doubted = True
            return self._failed, self._last_failed


def split(batch: list[Row], error: Exception) -> list[list[Row]]:
    """The row that the model named and the rest, else two halves."""
    named = re.search(r"\b(?:inputs|instances)\[(\d+)\]", str(error)) if isinstance(error, ModelFailed) else None
    if named and int(named[1]) < len(batch):
        bad = int(named[1])
        return [[batch[bad]], batch[:bad] + batch[bad + 1 :]]
    middle = len(batch) // 2
    return [batch[:middle], batch[middle:]]
