"""Time that passes only when everybody waits for it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

# Real seconds without a change after which all are taken to wait; covers threads not yet known.
QUIET = 0.002


class VirtualClock:
    """A clock shared by threads. `sleep` returns at once in real time, but in order: time moves on, to the
    earliest waker, only while every thread that ever slept and still lives is asleep.

    A thread that has slept must not then block on something else (run it in a thread of its own).
    """

    def __init__(self, start: datetime = datetime(2026, 11, 20, 8, tzinfo=UTC)) -> None:
        self._now = start
        self._waking: dict[threading.Thread, datetime] = {}
        self._known: set[threading.Thread] = set()
        self._changed = threading.Condition()

    def now(self) -> datetime:
        with self._changed:
            return self._now

    def seconds(self) -> float:
        """The time as a monotonic clock tells it."""
        return self.now().timestamp()

    def advance(self, seconds: float) -> None:
        """Time passes whatever anybody does."""
        with self._changed:
            self._now += timedelta(seconds=seconds)
            self._changed.notify_all()

    def sleep(self, seconds: float) -> None:
        me = threading.current_thread()
        with self._changed:
            self._known.add(me)
            self._waking[me] = wake = self._now + timedelta(seconds=seconds)
            while self._now < wake:
                if not self._changed.wait(QUIET) and self._all_asleep():
                    self._now = max(self._now, min(self._waking.values()))
                    self._changed.notify_all()
            del self._waking[me]

    def _all_asleep(self) -> bool:
        self._known = {thread for thread in self._known if thread.is_alive()}
        return self._known <= set(self._waking)
