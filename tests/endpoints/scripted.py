"""An endpoint in this process that answers as the contract says, or as a test does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from socialnlp_assets.models.catalogue import load_catalogue
from socialnlp_assets.resources.endpoints.backend import (
    ModelFailed,
    Reply,
)
from socialnlp_assets.resources.endpoints.metering import Meter
from socialnlp_assets.resources.endpoints.predictor import Predictor
from tests.fakes.clock import VirtualClock
from tests.fakes.models import answer

CATALOGUE = load_catalogue()


class Endpoint:
    """Answers as the contract says, unless a rule, called with the texts of each request, says otherwise."""

    def __init__(self, model: str = "normalizer", rule: Callable[[list[str]], Any] | None = None) -> None:
        self.entry = CATALOGUE[model]
        self.rule = rule
        self.requests: list[list[str]] = []
        self.targets: list[str | None] = []
        self.clock = VirtualClock()
        self.meter = Meter(model, "test")
        self._lock = threading.Lock()

    def invoke(self, body: bytes, target: str | None) -> Reply:
        request = json.loads(body)
        texts = request.get("inputs", request.get("instances"))
        with self._lock:
            self.requests.append(texts)
            self.targets.append(target)
        said = self.rule(texts) if self.rule else None
        if isinstance(said, Exception):
            raise said
        if isinstance(said, Reply):
            return said
        return Reply(answer(self.entry, body))

    def predictor(self, **options: Any) -> Predictor:
        options = {"in_flight": 1} | options
        clock = {"now": self.clock.seconds, "sleep": self.clock.advance}
        return Predictor(self.entry, self.invoke, self.meter, **clock, **options)


def once(error: Exception) -> Callable[[list[str]], Exception | None]:
    errors = [error]
    return lambda _: errors.pop() if errors else None


def failing_on(*poison: str, status: int = 500, message: str = "boom") -> Callable[[list[str]], Exception | None]:
    return lambda texts: ModelFailed(message, status=status) if set(poison) & set(texts) else None
