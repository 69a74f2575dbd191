"""A clock on which work takes its time and waiting takes none, and a SageMaker that writes bills by it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.sagemaker import FakeSageMaker

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
LOOK_SECONDS = 0.01
ANNOUNCING = "warm-"  # threads of this name take part from their start, others from their first sleep


class HourClock:
    """Each second of `work`, such as processor seconds used so far, counts `scale` seconds: other programs on the
    machine do not count. A sleep is skipped once all who take part sleep; the thread that made the clock takes part,
    so while that one works, the others' sleeps last."""

    def __init__(self, work: Callable[[], float], scale: float = 1.0) -> None:
        self._work, self._scale = work, scale
        self._changed = threading.Condition()
        self._waking: dict[threading.Thread, float] = {}
        self._known = {threading.current_thread()}
        self.restart()

    def restart(self) -> None:
        """It is the beginning again: what went before was preparation."""
        self.waited = 0.0  # seconds that were skipped
        self._began = self._work()

    def seconds(self) -> float:
        return self.waited + (self._work() - self._began) * self._scale

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds())

    def sleep(self, seconds: float) -> None:
        me = threading.current_thread()
        with self._changed:
            self._known.add(me)
            self._waking[me] = wake = self.seconds() + seconds
            while (now := self.seconds()) < wake:
                first = min(self._waking.values())
                if first > now and self._all_sleep():
                    self.waited += first - now
                    self._changed.notify_all()
                else:
                    self._changed.wait(LOOK_SECONDS)
            del self._waking[me]

    def _all_sleep(self) -> bool:
        announcing = {thread for thread in threading.enumerate() if thread.name.startswith(ANNOUNCING)}
        self._known = {thread for thread in self._known | announcing if thread.is_alive()}
        return self._known <= set(self._waking)


class Billing(FakeSageMaker):
    """Notes for each endpoint on instances that was deleted how long it was in service."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.bill: dict[str, float] = {}

    @property
    def paid(self) -> float:
        """Endpoint seconds, one instance each."""
        return sum(self.bill.values())

    def _delete_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        endpoint = self.endpoints.get(request["EndpointName"])
        answer = super()._delete_endpoint(request)
        if endpoint and "InstanceType" in endpoint.config["ProductionVariants"][0]:
            self.bill[endpoint.name] = (self.now() - endpoint.ready).total_seconds()
        return answer
