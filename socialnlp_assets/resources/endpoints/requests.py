"""How texts become requests: identical ones once, sorted by length, within count, bytes and time."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import Any

# Bytes of JSON around the texts of a request: keys, scalar parameters.
ENVELOPE_BYTES = 1024
# What the first requests carry, before anything is known of the model's speed. At 291 tokens a second (an
# int8 translator on two cores) this takes some fifteen seconds.
FIRST_REQUEST_BYTES = 16 * 1024


_ENCODER = json.JSONEncoder(ensure_ascii=False)


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One distinct text with its own parameters, and every place that asked for it."""

    text: str
    values: tuple[Any, ...]  # one value for each parameter that differs by text
    positions: list[int]
    size: int  # bytes in the request


class Rows:
    """The distinct texts of one call, handed out in batches, longest first.

    Longest first keeps a batch's texts of one length (nothing is padded) and leaves the short ones, which
    even out the workers, for the end.
    """

    def __init__(self, rows: Sequence[Row], max_rows: int) -> None:
        self._rows = sorted(rows, key=lambda row: -row.size)
        self._max_rows = max_rows
        self._next = 0
        self._lock = threading.Lock()

    def least_batches(self, max_bytes: int) -> int:
        """How many batches it takes at least."""
        size = sum(row.size for row in self._rows)
        return max(ceil(len(self._rows) / self._max_rows), ceil(size / max_bytes))

    def take(self, max_bytes: int) -> list[Row]:
        """The next batch, of at least one row; empty when all are taken."""
        with self._lock:
            end, size = self._next, 0
            while end < len(self._rows) and end - self._next < self._max_rows:
                size += self._rows[end].size
                if size > max_bytes and end > self._next:
                    break
                end += 1
            batch = self._rows[self._next : end]
            self._next = end
            return batch


class Pace:
    """How many bytes of text a request may carry so that it ends well below the runtime's 60 seconds.

    Known only by trying: a quick answer doubles the allowance, one slower than `seconds` cuts it to what would
    have fitted. What was once too much halves it, and from there it grows by a twentieth only.
    """

    def __init__(self, seconds: float = 20.0) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._ceiling = inf
        self.max_bytes = FIRST_REQUEST_BYTES

    def took(self, size: int, seconds: float) -> None:
        """A request of `size` bytes was answered in `seconds`."""
        with self._lock:
            if seconds > self._seconds:
                self.max_bytes = max(1, min(self.max_bytes, int(size * self._seconds / seconds)))
            elif seconds < self._seconds / 4 and 2 * size > self.max_bytes:
                self.max_bytes = ceil(self.max_bytes * (2 if self.max_bytes < self._ceiling else 1.05))

    def too_much(self, size: int) -> None:
        """A request of `size` bytes failed and its parts did not."""
        with self._lock:
            self._ceiling = self.max_bytes = max(1, min(self.max_bytes, size // 2))


def json_size(value: Any) -> int:
    """Bytes that `value` takes in a request, its comma included; UnicodeEncodeError if it is no valid text."""
    return len(_ENCODER.encode(value).encode()) + 1


def row_parameters(batch: Sequence[Row], names: Sequence[str]) -> Mapping[str, list[Any]]:
    """The parameters that differ by text, one list each, in the order of the batch."""
    return {name: [row.values[index] for row in batch] for index, name in enumerate(names)}
