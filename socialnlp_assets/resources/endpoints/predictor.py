"""`predict`: many texts in, one typed result a text out, in order, whatever happens on the way.

Between the lease, which owns the endpoint, and the backend, which owns the wire: what to send together
(`batching`), what to send again and what to give up on. The one retry layer; the SDK's is switched off.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Any

from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.resources.endpoints.batching import ENVELOPE_BYTES, Pace, Row, Rows, json_size, row_parameters
from socialnlp_assets.resources.endpoints.metering import Meter, Usage
from socialnlp_assets.resources.endpoints.protocol import (
    MAX_BODY_BYTES,
    EndpointError,
    EndpointGone,
    InvocationTimeout,
    ModelFailed,
    NotReady,
    PayloadTooLarge,
    Reply,
    Throttled,
)
from socialnlp_assets.tasks import BadReply, Result, RowError, reply_body, request_body, task

Invoke = Callable[[bytes, str | None], Reply]  # (body, target) -> reply; raises a subclass of InvocationError

# A model that fails on so many texts, or on all of a call, is asked for a harmless one. If it fails on that as well,
# it is broken: an error, not so many bad rows.
FAILURES_THAT_CAST_DOUBT = 8
HARMLESS = "good morning"
UNANSWERED = (InvocationTimeout, PayloadTooLarge, ModelFailed, BadReply)  # what may be the batch's own fault
MAX_REGAINED = 3  # successors of an endpoint that one call asks for


class PredictionFailed(EndpointError):
    """No results: the endpoint could not be reached in time, or its model fails on everything."""


class _Stopped(Exception):
    """Another request of the same call failed for good; that one's error is the one to raise."""


@dataclass(frozen=True)
class Retry:
    """Full jitter: the n-th pause is a random part of `base` × 2ⁿ, at most `cap` seconds.

    Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    base: float = 0.25
    cap: float = 20.0
    deadline: float = 600.0  # seconds of trying without an answer before one request gives up
    row_attempts: int = 3  # how often a single text may time out or crash the model before it is a RowError
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def pause(self, attempt: int) -> None:
        self.sleep(random.uniform(0, min(self.cap, self.base * 2 ** min(attempt, 16))))


class Predictor:
    """Asks one leased endpoint.

    `invoke` sends one body. `regain`, where given, is called when the endpoint is gone: it gets hold of a
    successor, after which `invoke` reaches that one, or raises, as it must when the event that it is given is
    set. It is called by one thread at a time, once for each loss.
    """

    def __init__(
        self,
        entry: ModelEntry,
        invoke: Invoke,
        meter: Meter,
        *,
        kind: str = "realtime",
        in_flight: int = 4,
        regain: Callable[[threading.Event], None] | None = None,
        retry: Retry | None = None,
    ) -> None:
        self._entry = entry
        self._task = task(entry.task, entry.labels)
        self._prepare = preparation(entry)
        self._invoke = invoke
        self._meter = meter
        self._max_bytes = MAX_BODY_BYTES[kind]
        self._in_flight = in_flight
        self._regain = regain
        self._retry = retry or Retry()
        self._pace = Pace()
        self._lives = 0  # how often the endpoint was regained
        self._regaining = threading.Lock()

    @property
    def usage(self) -> Usage:
        """What this holder has used so far; complete once the lease is given back."""
        return self._meter.usage

    def predict(self, texts: Sequence[str], *, target: str | None = None, **parameters: Any) -> list[Result]:
        """One result a text, in order; `target` names one of the models that share the endpoint.

        A parameter is a scalar for all texts or a list with one value a text. A text that the model cannot
        take becomes a `RowError`. Raises TypeError or ValueError for a wrong call, `PredictionFailed` when
        no answer can be had, and what `regain` raises.
        """
        self._check(texts, target, parameters)
        by_row = {name: values for name, values in parameters.items() if isinstance(values, list)}
        shared = {name: value for name, value in parameters.items() if name not in by_row}
        call = _Call([None] * len(texts), target or self._entry.target, shared, tuple(by_row))
        rows = self._distinct(texts, list(by_row.values()), call.results)
        self._meter.add(texts=len(texts))
        if rows:
            self._send_all(call, rows)
        results = [result for result in call.results if result is not None]
        self._meter.add(row_errors=sum(isinstance(result, RowError) for result in results))
        return results

    def _check(self, texts: Sequence[str], target: str | None, parameters: Mapping[str, Any]) -> None:
        if isinstance(texts, str):
            raise TypeError("predict takes a list of texts, not one text")
        for position, text in enumerate(texts):
            if not isinstance(text, str):
                raise TypeError(f"texts[{position}] is {type(text).__name__}, not a text; drop or fill it first")
        if target not in (self._entry.targets or (None,)):
            known = ", ".join(self._entry.targets) or "none"
            raise ValueError(f"target {target!r} is not one of this endpoint's models: {known}")
        for name, parameter in self._task.parameters.items():
            if parameter.required and name not in parameters:
                raise TypeError(f"{self._entry.task} needs {name}=, one value for all texts or a list")
        for name, values in parameters.items():
            if isinstance(values, list) and len(values) != len(texts):
                raise ValueError(f"{name} has {len(values)} values for {len(texts)} texts")

    def _distinct(
        self, texts: Sequence[str], by_row: Sequence[Sequence[Any]], results: list[Result | None]
    ) -> list[Row]:
        """The texts to send; the results of the others are filled in."""
        rows: dict[tuple[Any, ...], Row] = {}
        limit = self._max_bytes - ENVELOPE_BYTES
        for position, original in enumerate(texts):
            text = self._prepare(original)
            if not text or text.isspace():
                results[position] = self._task.read_blank()
                continue
            values = tuple(column[position] for column in by_row)
            row = rows.get((text, values))
            if row is not None:
                row.positions.append(position)
                continue
            try:
                size = json_size(text) + sum(map(json_size, values))
            except UnicodeEncodeError:
                results[position] = RowError("the text is not valid Unicode: it holds half of a surrogate pair")
                continue
            if size > limit:
                results[position] = RowError(f"the text takes {size:,} bytes; a request holds at most {limit:,}")
                continue
            rows[text, values] = Row(text, values, [position], size)
        return list(rows.values())

    def _send_all(self, call: _Call, distinct: list[Row]) -> None:
        rows = Rows(distinct, self._entry.request.max_rows)
        limit = self._max_bytes - ENVELOPE_BYTES

        def work() -> None:
            try:
                while not call.stopped.is_set() and (batch := rows.take(min(self._pace.max_bytes, limit))):
                    self._settle(call, batch)
            except _Stopped:
                return
            except BaseException:
                call.stopped.set()  # the other workers end after the request they are in
                raise

        workers = min(self._in_flight, rows.least_batches(self._pace.max_bytes))
        if workers == 1:
            work()
        else:
            with ThreadPoolExecutor(workers, thread_name_prefix="predict") as pool:
                try:
                    for future in as_completed([pool.submit(work) for _ in range(workers)]):
                        future.result()
                except BaseException:
                    call.stopped.set()  # also when this thread is interrupted
                    raise
        self._doubt(call, failures=1)

    def _settle(self, call: _Call, batch: list[Row]) -> int:
        """Every row of the batch gets its result, in as many requests as that takes. The number of rows that
        the model could not take."""
        try:
            results = self._ask(call, batch)
        except UNANSWERED as error:
            if len(batch) > 1:
                failed = sum(self._settle(call, part) for part in _split(batch, error))
                if not failed:  # no text was at fault: there were too many
                    self._pace.too_much(sum(row.size for row in batch))
                return failed
            results = [RowError(f"the model cannot take this text: {error}")]
        failed = call.fill(batch, results)
        self._doubt(call, FAILURES_THAT_CAST_DOUBT)
        return failed

    def _doubt(self, call: _Call, failures: int) -> None:
        """Raises `PredictionFailed` where so many texts have failed, none was answered, and the model is broken."""
        if not (doubt := call.doubt(failures)):
            return
        failed, row = doubt
        result: Result
        try:
            (result,) = self._ask(call, [Row(HARMLESS, row.values, [], json_size(HARMLESS))])
        except UNANSWERED as error:
            result = RowError(str(error))
        if isinstance(result, RowError):
            raise PredictionFailed(
                f"the model failed on {failed} texts and answered none, nor {HARMLESS!r}: {result.reason}. "
                "Read the endpoint's log; no text was set aside."
            )

    def _ask(self, call: _Call, batch: list[Row]) -> list[Result]:
        """One request, sent again while a retry may help."""
        parameters = {**call.shared, **row_parameters(batch, call.by_row)}
        body = request_body.write(self._task, [row.text for row in batch], parameters)
        now = self._retry.now
        attempt, failures, trying_since = 0, 0, now()
        while True:
            if call.stopped.is_set():
                raise _Stopped
            life, began = self._lives, now()
            try:
                reply = self._invoke(body, call.target)
                seconds = now() - began
                results = reply_body.read(self._task, reply.body, reply.headers, len(batch))
            except EndpointGone as error:
                self._recover(call, life, error)
                trying_since = now()
            except (Throttled, NotReady) as error:
                if now() - trying_since > self._retry.deadline:
                    raise PredictionFailed(
                        f"gave up after {now() - trying_since:.0f} s and {attempt + 1} tries: {error}"
                    ) from error
            except UNANSWERED as error:
                self._meter.failure(sent=len(body), seconds=now() - began)
                failures += 1
                # A batch is split at once. A single text has another chance, unless it was refused.
                refused = isinstance(error, PayloadTooLarge) or (isinstance(error, ModelFailed) and error.status < 500)
                if len(batch) > 1 or refused or failures >= self._retry.row_attempts:
                    raise
            else:
                self._pace.took(sum(row.size for row in batch), seconds)
                self._meter.request(rows=len(batch), sent=len(body), received=len(reply.body), seconds=seconds)
                return results
            self._meter.add(retries=1)
            self._retry.pause(attempt)
            attempt += 1

    def _recover(self, call: _Call, life: int, error: EndpointGone) -> None:
        """Get hold of a successor, once for all the threads that miss the endpoint."""
        if self._regain is None:
            raise error
        with self._regaining:
            if call.stopped.is_set():
                raise _Stopped
            if self._lives != life:
                return  # another thread did
            if call.regained >= MAX_REGAINED:
                raise PredictionFailed(f"the endpoint vanished {call.regained + 1} times in one call: {error}")
            self._regain(call.stopped)
            call.regained += 1
            self._lives += 1


@dataclass
class _Call:
    """One call of `predict`: what it asks with, and what came of it so far."""

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


def preparation(entry: ModelEntry) -> Callable[[str], str]:
    """How a text is readied before it is sent; NLTK is imported only where it is used."""
    if entry.prepare == "classification":
        from socialnlp_assets.nlp.cleaning import prepare_for_classification

        return prepare_for_classification
    if entry.prepare == "review":
        from socialnlp_assets.nlp.cleaning import prepare_review

        return prepare_review
    return str


def _split(batch: list[Row], error: Exception) -> list[list[Row]]:
    """The row that the model named and the rest, else two halves."""
    named = re.search(r"\b(?:inputs|instances)\[(\d+)\]", str(error)) if isinstance(error, ModelFailed) else None
    if named and int(named[1]) < len(batch):
        bad = int(named[1])
        return [[batch[bad]], batch[:bad] + batch[bad + 1 :]]
    middle = len(batch) // 2
    return [batch[:middle], batch[middle:]]
