"""Renewing what is held while somebody works with it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

logger = logging.getLogger(__name__)


class Heartbeat(threading.Thread):
    """Calls `beat` every `interval` until stopped. A beat that fails is told; the next one may not."""

    def __init__(self, beat: Callable[[], None], interval: timedelta) -> None:
        super().__init__(name="lease-heartbeat", daemon=True)
        self._beat = beat
        self._interval = interval.total_seconds()
        self._stopped = threading.Event()

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        while not self._stopped.wait(self._interval):
            try:
                self._beat()
            except Exception as error:
                logger.warning("A heartbeat has failed; the next one may not: %s", error)
