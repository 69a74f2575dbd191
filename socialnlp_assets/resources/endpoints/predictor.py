"""`predict`: many texts in, one typed result a text out, in order, whatever happens on the way.

Between the lease, which owns the endpoint, and the backend, which owns the wire: what to send together
(`requests`), what to split, and when to stop. What is sent again, and how often, is in `requester`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.resources.endpoints.backend import MAX_BODY_BYTES, EndpointError, ModelFailed
from socialnlp_assets.resources.endpoints.calls import Call, Stopped, split
from socialnlp_assets.resources.endpoints.metering import Meter, Usage
from socialnlp_assets.resources.endpoints.requester import UNANSWERED, Invoke, ModelBroken, PredictionFailed, Requester
from socialnlp_assets.resources.endpoints.requests import ENVELOPE_BYTES, Pace, Row, Rows, json_size
from socialnlp_assets.tasks import BadReply, Result, RowError, task

# A model that fails on so many texts, or on all of a call, is asked for a harmless one. If it fails on that as well,
# it is broken: an error, not so many bad rows.
FAILURES_THAT_CAST_DOUBT = 8
HARMLESS = "good morning"


class Predictor:
    """Asks one leased endpoint.

    `invoke` sends one body. `regain`, where given, is called when the endpoint is gone: it gets hold of a
    successor, after which `invoke` reaches that one, or raises, as it must when the event that it is given is
    set. It is called by one thread at a time, once for each loss. `failed` is told of the error that ends a call.
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
        failed: Callable[[EndpointError], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._entry = entry
        self._task = task(entry.task, entry.labels)
        self._prepare = preparation(entry)
        self._meter = meter
        self._max_bytes = MAX_BODY_BYTES[kind]
        self._in_flight = in_flight
        self._failed = failed
        self._pace = Pace()
        self._requester = Requester(self._task, invoke, meter, self._pace, regain, sleep, now)

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
        call = Call([None] * len(texts), target or self._entry.target, shared, tuple(by_row))
        rows = self._distinct(texts, list(by_row.values()), call.results)
        self._meter.add(texts=len(texts))
        if rows:
            try:
                self._send_all(call, rows)
            except EndpointError as error:
                self._failed(error)
                raise
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

    def _send_all(self, call: Call, distinct: list[Row]) -> None:
        rows = Rows(distinct, self._entry.request.max_rows)
        limit = self._max_bytes - ENVELOPE_BYTES

        def work() -> None:
            try:
                while not call.stopped.is_set() and (batch := rows.take(min(self._pace.max_bytes, limit))):
                    self._settle(call, batch)
            except Stopped:
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

    def _settle(self, call: Call, batch: list[Row]) -> int:
        """Every row of the batch gets its result, in as many requests as that takes. The number of rows that
        the model could not take."""
        try:
            results = self._requester.ask(call, batch)
        except UNANSWERED as error:
            if len(batch) > 1:
                failed = sum(self._settle(call, part) for part in split(batch, error))
                if not failed:  # no text was at fault: there were too many
                    self._pace.too_much(sum(row.size for row in batch))
                return failed
            results = [RowError(f"the model cannot take this text: {error}")]
        failed = call.fill(batch, results)
        self._doubt(call, FAILURES_THAT_CAST_DOUBT)
        return failed

    def _doubt(self, call: Call, failures: int) -> None:
        """Raises `PredictionFailed` where so many texts have failed, none was answered, and the model is broken."""
        if not (doubt := call.doubt(failures)):
            return
        failed, row = doubt
        try:
            (result,) = self._requester.ask(call, [Row(HARMLESS, row.values, [], json_size(HARMLESS))])
        except UNANSWERED as error:
            problem: Exception = error
        else:
            if not isinstance(result, RowError):
                return
            problem = ModelFailed(result.reason, status=400)
        is_broken = _is_of_model(problem, has_parameters=bool(call.shared or call.by_row))
        raise (ModelBroken if is_broken else PredictionFailed)(
            f"the model failed on {failed} texts and answered none, nor {HARMLESS!r}: {problem}. "
            "Read the endpoint's log; no text was set aside."
        ) from problem


def _is_of_model(error: Exception, *, has_parameters: bool) -> bool:
    """Whether a model is broken that answers a harmless text with `error`: not if it was slow, which may be the
    network, or refuses what may be the parameters."""
    if isinstance(error, ModelFailed):
        return error.status >= 500 or not has_parameters
    return isinstance(error, BadReply)


def preparation(entry: ModelEntry) -> Callable[[str], str]:
    """How a text is readied before it is sent; NLTK is imported only where it is used."""
    if entry.prepare == "classification":
        from socialnlp_assets.nlp.cleaning import prepare_for_classification

        return prepare_for_classification
    if entry.prepare == "review":
        from socialnlp_assets.nlp.cleaning import prepare_review

        return prepare_review
    if entry.prepare == "tweet":
        from socialnlp_assets.nlp.noise import as_tweet

        return as_tweet
    return str
