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
    (`batching.by_length`). `most` bounds the requests that are being read, waiting or running, and with them
    the memory of their bodies.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._admitted = 0
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place in the queue, taken before the body is read. Raises `Busy`."""
        if self._admitted >= self._most:
            raise Busy(f"{self._most} requests are waiting already; ask again later")
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
