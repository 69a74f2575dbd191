"""Asking somebody's API over HTTP: patiently, within its rate limits, without ever showing a secret."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import urllib3

from socialnlp_assets.resources.retry import named_pause, retrying

T = TypeVar("T")
log = logging.getLogger(__name__)
LONGEST_QUOTE = 500  # characters of what a source said, in a message
OAUTH_ERRORS = re.compile(
    r"invalid_(?:request|client|grant|scope)|unauthorized_client|unsupported_grant_type"  # RFC 6749, 5.2
)


class SourceError(Exception):
    """The source did not deliver. The message says what it answered and what to do."""


class SourceUnavailable(SourceError):
    """It failed for as long as we were patient. Running the hour again later may succeed."""


class SourceRefused(SourceError):
    """It will not answer, however often it is asked, until somebody changes something."""

    def __init__(self, message: str, *, status: int = 0, body: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.body = body  # what the source said, for callers that can do something about it


class TryAgain(Exception):
    """An answer that is worth another attempt, in `after` seconds where the source named a time."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


@dataclass(frozen=True)
class Answer:
    """A complete HTTP answer; `headers` has lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    of_tokens: bool = False  # it answers a request for tokens, so that any part of it may be one

    @property
    def text(self) -> str:
        """The body on one line."""
        return " ".join(self.body.decode(errors="replace").split())

    @property
    def quotable(self) -> str:
        """What messages may repeat of it: the text, or of an answer about tokens the error that it names."""
        if not self.of_tokens:
            return self.text
        known = OAUTH_ERRORS.search(self.text)
        return known[0] if known else "an answer about tokens, which is not shown"


class RateLimit:
    """At most so many calls in so many seconds, for each of several windows. Safe for several threads."""

    def __init__(
        self,
        limits: Iterable[tuple[int, float]],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._windows = [(calls, seconds, deque[float](maxlen=calls)) for calls, seconds in limits]
        self._lock = threading.Lock()
        self._clock, self._sleep = clock, sleep
        self._held_until = 0.0

    def wait(self) -> None:
        """Returns when the next call may be made, and counts it."""
        with self._lock:
            now = self._clock()
            start = max(
                [now, self._held_until, *(past[0] + s for calls, s, past in self._windows if len(past) == calls)]
            )
            for _, _, past in self._windows:
                past.append(start)
        if start - now > 5:
            log.warning("waiting %.0f s for the rate limit", start - now)
        if start > now:
            self._sleep(start - now)

    def hold(self, seconds: float) -> None:
        """No call before so many seconds have passed: the other side counts, too, and says that all are used up."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)


@cache
def shared_rate_limit(name: str, *limits: tuple[int, float]) -> RateLimit:
    """The rate limit of that name that all of this process shares."""
    del name
    return RateLimit(limits)


@dataclass
class Caller:
    """Sends requests to one source and retries what is worth it.

    `judge` sees every answer: it raises `TryAgain`, or `SourceRefused`, or returns to have it treated as usual (200 is
    read, 408, 429 and 5xx are tried again, the rest is refused).
    """

    source: str  # its name, for messages
    rate: RateLimit
    judge: Callable[[Answer], None] = lambda _: None
    timeout: float = 60.0  # seconds for one answer
    patience: float = 900.0  # seconds of pauses, in all, for one request
    first_pause: float = 1.0
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(maxsize=4, block=True))

    def ask(
        self,
        method: str,
        url: str,
        *,
        read: Callable[[Any], T],
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
    ) -> T:
        """What `read` makes of the JSON of a 200 answer; it raises `TryAgain` on one that is not whole.

        Raises `SourceUnavailable` or `SourceRefused`; neither shows a header or a form, nor what answers a form,
        which asks for tokens.
        """
        headers = headers or {}
        hide = [*(value.removeprefix("Bearer ") for value in headers.values()), *(form or {}).values()]

        def attempt() -> T:
            self.rate.wait()
            return read(_parsed(self._answer(method, url, headers, json, form)))

        def tell(problem: BaseException, number: int, pause: float) -> None:
            log.info("%s: %s; attempt %d in %.1f s", self.source, _shown(str(problem), hide), number + 1, pause)

        retries = retrying(TryAgain, patience=self.patience, first_pause=self.first_pause, before_pause=tell)
        try:
            return retries(attempt)
        except TryAgain as problem:
            why, attempts = _shown(str(problem), hide), retries.statistics["attempt_number"]
            raise SourceUnavailable(
                f"{self.source} did not answer in {attempts} attempts, last: {why}; run the hour again later"
            ) from None
        except SourceRefused as refusal:
            message = _shown(str(refusal), hide)
            raise SourceRefused(message, status=refusal.status, body=refusal.body) from None

    def _answer(
        self, method: str, url: str, headers: Mapping[str, str], value: Any, form: Mapping[str, str] | None
    ) -> Answer:
        options: dict[str, Any] = {"json": value} if value is not None else {}
        if form is not None:
            options = {"fields": form, "encode_multipart": False}
        try:
            reply = self.pool.request(
                method, url, headers=dict(headers), timeout=self.timeout, retries=False, redirect=False, **options
            )
        except urllib3.exceptions.HTTPError as error:  # no connection, no answer in time, or half an answer
            raise TryAgain(f"the connection failed ({type(error).__name__})") from None
        except ValueError as error:  # whose words show the header
            raise SourceRefused(
                f"{self.source} cannot be asked ({type(error).__name__}): see whether a secret holds a line end"
            ) from None
        answer = Answer(reply.status, {k.lower(): v for k, v in reply.headers.items()}, reply.data, form is not None)
        self.judge(answer)
        if answer.status == 200:
            return answer
        message = f"{self.source} answered {answer.status}: {answer.quotable}"
        if answer.status in (408, 429) or answer.status >= 500:
            raise TryAgain(message, named_pause(answer.headers.get("retry-after", "")))
        raise SourceRefused(message, status=answer.status, body=answer.body)


def _parsed(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise TryAgain(f"200 with something that is not JSON: {answer.quotable}") from None


def _shown(text: str, hidden: Iterable[str]) -> str:
    """The start of `text` with every secret in it masked: some services repeat in an error what they were sent.

    Masked before it is cut, which could leave half of a secret that is not known any more.
    """
    for secret in hidden:
        if len(secret) >= 8:  # shorter values are no secrets
            text = text.replace(secret, "**********")
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"
