"""One thread for the models, and a bound on what may wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class Busy(Exception):
    """As many requests as may wait are waiting; ask again later."""


class Abandoned(Exception):
    """Nobody waits for the answer any more."""


class Worker:
    """Runs one call at a time, in order of arrival; each call has all the cores.

    One thread, so that a handler needs no locks; one that pads runs its batches on further threads
    (`batching.by_length`). `most` bounds the requests that are waiting or running, `most_bytes` the bodies that
    have arrived for them and those that are arriving.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._admitted = self._bytes = 0
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")

    def check_free(self) -> None:
        """Raises `Busy` where there is no place now."""
        if self._admitted >= self._most:
            raise Busy(f"{self._most} requests are waiting already; ask again later")

    @contextmanager
    def memory(self) -> Iterator[Callable[[int], None]]:
        """A function that takes so many bytes, held until the end. It raises `Busy` where others hold too many."""
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if self._bytes + size > self._most_bytes:
                raise Busy(f"{self._bytes / 2**20:.0f} MB of requests are arriving or waiting; ask again later")
            self._bytes += size
            taken += size

        try:
            yield take
        finally:
            self._bytes -= taken

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place in the queue, taken once the body is there: a slow one keeps nobody out. Raises `Busy`."""
        self.check_free()
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    async def run(self, call: Callable[[], T], abandoned: Callable[[], Awaitable[bool]] | None = None) -> T:
        """`call()` on the model thread. Raises `Abandoned` when, its turn come, nobody wants it."""
        async with self._turn:
            if abandoned is not None and await abandoned():
                raise Abandoned
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
