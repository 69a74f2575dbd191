"""Time that passes only when everybody waits for it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

QUIET = 0.002  # real seconds without a change before anybody looks whether all are asleep
# After so long, whoever neither sleeps nor lets anything happen is taken to wait for a sleeper.
STUCK = 2.0
# Threads of this name take part from their start, others from their first sleep.
PARTAKING = "warm-"


class VirtualClock:
    """A clock shared by threads. `sleep` returns at once in real time, but in order: time moves on, to the
    earliest waker, only while every thread that ever slept and still lives is asleep. A thread that has slept
    and then blocks on something else (a join) holds time up for a moment each time.
    """

    def __init__(self, start: datetime = datetime(2026, 11, 20, 8, tzinfo=UTC), stuck: float = STUCK) -> None:
        self._now = start
        self._stuck = stuck
        self._waking: dict[threading.Thread, datetime] = {}
        self._known: set[threading.Thread] = set()
        # They belong to the world before: one that lived on held up each step of the next worlds for `STUCK`.
        self._strangers = set(threading.enumerate())
        self._changed = threading.Condition()
        self._last_change = time.monotonic()

    def now(self) -> datetime:
        with self._changed:
            return self._now

    def seconds(self) -> float:
        """The time as a monotonic clock tells it."""
        return self.now().timestamp()

    def advance(self, seconds: float) -> None:
        """Time passes whatever anybody does."""
        with self._changed:
            self._move_to(self._now + timedelta(seconds=seconds))

    def sleep(self, seconds: float) -> None:
        me = threading.current_thread()
        with self._changed:
            self._known.add(me)
            self._last_change = time.monotonic()
            self._waking[me] = wake = self._now + timedelta(seconds=seconds)
            while self._now < wake:
                if not self._changed.wait(QUIET) and self._all_wait():
                    self._move_to(max(self._now, min(self._waking.values())))
            del self._waking[me]

    def _move_to(self, time_: datetime) -> None:
        self._now = time_
        self._last_change = time.monotonic()
        self._changed.notify_all()

    def _all_wait(self) -> bool:
        partaking = {thread for thread in threading.enumerate() if thread.name.startswith(PARTAKING)} - self._strangers
        self._known = {thread for thread in self._known | partaking if thread.is_alive()}
        return self._known <= set(self._waking) or time.monotonic() - self._last_change > self._stuck
