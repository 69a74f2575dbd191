"""One request to a leased endpoint, sent again while that may help. The one retry layer; the SDK's is switched off."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from socialnlp_assets.resources.endpoints.backend import (
    EndpointError,
    EndpointGone,
    InvocationTimeout,
    ModelFailed,
    NotReady,
    PayloadTooLarge,
    Reply,
    Throttled,
)
from socialnlp_assets.resources.endpoints.calls import Call, Stopped
from socialnlp_assets.resources.endpoints.metering import Meter
from socialnlp_assets.resources.endpoints.requests import Pace, Row, row_parameters
from socialnlp_assets.resources.retry import retrying
from socialnlp_assets.tasks import BadReply, Result, Task, reply_body, request_body

Invoke = Callable[[bytes, str | None], Reply]  # (body, target) -> reply; raises a subclass of InvocationError

UNANSWERED = (InvocationTimeout, PayloadTooLarge, ModelFailed, BadReply)  # what may be the batch's own fault
MAX_REGAINED = 3  # successors of an endpoint that one call asks for
PATIENCE = 600.0  # seconds of pauses before one request is given up
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 20.0  # seconds
ROW_ATTEMPTS = 3  # how often a single text may time out or crash the model before it is a RowError


class PredictionFailed(EndpointError):
    """No results: the endpoint could not be reached in time, or its model fails on everything."""


class ModelBroken(PredictionFailed):
    """The endpoint answers, and its model fails on everything."""

    @property
    def is_of_model(self) -> bool:
        return True


class _Again(Exception):
    """The request may be sent again as it is."""


class Requester:
    """Asks one leased endpoint. `invoke` and `regain` are as `Predictor` takes them; safe for several threads."""

    def __init__(
        self,
        task: Task,
        invoke: Invoke,
        meter: Meter,
        pace: Pace,
        regain: Callable[[threading.Event], None] | None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._task = task
        self._invoke = invoke
        self._meter = meter
        self._pace = pace
        self._regain = regain
        self._sleep = sleep
        self._now = now
        self._lives = 0  # how often the endpoint was regained
        self._regaining = threading.Lock()

    def ask(self, call: Call, batch: list[Row]) -> list[Result]:
        """One result a row. Raises one of `UNANSWERED` where the batch may be at fault, `PredictionFailed` where no
        answer can be had, and `Stopped`."""
        parameters = {**call.shared, **row_parameters(batch, call.by_row)}
        body = request_body.write(self._task, [row.text for row in batch], parameters)
        began, retries, failures = self._now(), 0, 0

        def once() -> list[Result]:
            nonlocal failures
            try:
                return self._try(call, batch, body)
            except UNANSWERED as error:
                failures += 1
                # A batch is split at once. A single text has another chance, unless it was refused.
                refused = isinstance(error, PayloadTooLarge) or (isinstance(error, ModelFailed) and error.status < 500)
                if len(batch) > 1 or refused or failures >= ROW_ATTEMPTS:
                    raise
                raise _Again(str(error)) from error

        def count(*_: object) -> None:
            nonlocal retries
            retries += 1
            self._meter.add(retries=1)

        again = retrying(
            *(Throttled, NotReady, _Again),
            patience=PATIENCE,
            first_pause=FIRST_PAUSE,
            longest_pause=LONGEST_PAUSE,
            before_pause=count,
            sleep=self._sleep,
        )
        try:
            return again(once)
        except (Throttled, NotReady, _Again) as error:
            seconds = self._now() - began
            raise PredictionFailed(f"gave up after {seconds:.0f} s and {retries + 1} tries: {error}") from error

    def _try(self, call: Call, batch: list[Row], body: bytes) -> list[Result]:
        if call.stopped.is_set():
            raise Stopped
        life, began = self._lives, self._now()
        try:
            reply = self._invoke(body, call.target)
            seconds = self._now() - began
            results = reply_body.read(self._task, reply.body, reply.headers, len(batch))
        except EndpointGone as error:
            self._recover(call, life, error)
            raise _Again(str(error)) from error
        except UNANSWERED:
            self._meter.failure(sent=len(body), seconds=self._now() - began)
            raise
        self._pace.took(sum(row.size for row in batch), seconds)
        self._meter.request(rows=len(batch), sent=len(body), received=len(reply.body), seconds=seconds)
        return results

    def _recover(self, call: Call, life: int, error: EndpointGone) -> None:
        """Get hold of a successor, once for all the threads that miss the endpoint."""
        if self._regain is None:
            raise error
        with self._regaining:
            if call.stopped.is_set():
                raise Stopped
            if self._lives != life:
                return  # another thread did
            if call.regained >= MAX_REGAINED:
                raise PredictionFailed(f"the endpoint vanished {call.regained + 1} times in one call: {error}")
            self._regain(call.stopped)
            call.regained += 1
            self._lives += 1
