"""Sprinklr's listening stream: every message of a time window, each exactly once.

The reference leaves three things open, so nothing here depends on them. Whether a window includes its ends:
we ask for a millisecond more and keep ``since <= time < until`` ourselves. Whether `start` counts pages (as
the reference says) or rows (as some installations do): the second page tells. In what order messages come,
and whether they move between pages while we read: identities decide what is new.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

import dagster as dg
from pydantic import Field

from socialnlp_assets.resources.http import (
    Answer,
    Caller,
    SourceRefused,
    SourceUnavailable,
    TryAgain,
    retry_after,
    shared_rate_limit,
)
from socialnlp_assets.resources.secrets import Secrets
from socialnlp_assets.resources.sprinklr_auth import SprinklrToken

log = logging.getLogger(__name__)
MOST_ROWS = 1000  # a page
MOST_OF_A_WINDOW = 10_000  # messages that can be paged through in one window

_SUCCESS = ("SUCCESS", "OK", 200, "200")
_DIGITS = re.compile(r"[0-9]{1,18}")
_TIMES = {"SN_CREATED_TIME": ("channelCreatedTime", "snCreatedTime"), "SYSTEM_CREATED_TIME": ("createdTime",)}


class SprinklrResource(dg.ConfigurableResource[Any]):
    """The listening stream of one Sprinklr account.

    Its secrets are ``sprinklr_key``, ``sprinklr_secret`` and ``sprinklr_tokens`` (a refresh token); without the last
    the client's own credentials serve.
    """

    secrets: Secrets
    url: str = Field(default="https://api3.sprinklr.com/prod", description="with the environment, no slash at the end")
    api: Literal["v2", "v1"] = "v2"
    topics: dict[str, list[str]] = Field(default={}, description="workflow: the topics whose messages it takes")
    rest: str = Field(default="sprinklr", description="the workflow that drops and counts what nobody takes")
    time_field: Literal["SN_CREATED_TIME", "SYSTEM_CREATED_TIME"] = Field(
        default="SN_CREATED_TIME", description="an hour is when messages were published, or when Sprinklr had them"
    )
    redirect_uri: str = Field(default="", description="as registered with the application; asked for on renewal")
    rows: int = Field(default=MOST_ROWS, ge=1, le=MOST_ROWS, description="messages a page")
    calls_per_second: int = 10
    calls_per_hour: int = 1000
    timeout_seconds: float = 60.0
    patience_seconds: float = Field(default=900.0, description="pauses in all before a request is given up")
    first_pause_seconds: float = 1.0

    def messages(self, since: datetime, until: datetime, topics: Sequence[str] = ()) -> Iterator[Any]:
        """Raw messages of ``since <= time < until``, as delivered, each once; `topics` or else all configured ones.

        Raises `SourceUnavailable` when running the hour again later may help, `SourceRefused` when it will not.
        """
        wanted = tuple(topics) or tuple(sorted({topic for some in self.topics.values() for topic in some}))
        begin, end, seen = _milliseconds(since), _milliseconds(until), set[str]()
        for message in _Stream(self, wanted).window(begin - 1, end):
            identity, when = identity_of(message), time_of(message, self.time_field)
            if identity not in seen and (when is None or begin <= when < end):
                seen.add(identity)
                yield message


class _Page(NamedTuple):
    messages: list[Any]
    more: bool


@dataclass
class _Stream:
    """One reading of the stream, and how it is paged."""

    resource: SprinklrResource
    topics: tuple[str, ...]
    start_counts_rows: bool = False
    token: SprinklrToken = field(init=False, repr=False)

    def __post_init__(self) -> None:
        resource = self.resource
        key = resource.secrets.get("sprinklr_key").get_secret_value()
        rate = shared_rate_limit(
            f"{resource.url} {hashlib.sha256(key.encode()).hexdigest()}",
            (resource.calls_per_second, 1.0),
            (resource.calls_per_hour, 3600.0),
        )
        caller = Caller(
            "Sprinklr",
            rate,
            _judge,
            timeout=resource.timeout_seconds,
            patience=resource.patience_seconds,
            first_pause=resource.first_pause_seconds,
        )
        self.token = SprinklrToken(resource.secrets, caller, resource.url, resource.redirect_uri)

    def window(self, begin: int, end: int) -> Iterator[Any]:
        """The messages of a window in milliseconds, some twice; halved where it holds more than can be paged."""
        known = set[str]()
        start = idle = 0
        while len(known) < MOST_OF_A_WINDOW:
            messages, more = self._page(begin, end, start)
            yield from messages
            if not more:
                return
            before = len(known)
            known.update(map(identity_of, messages))
            idle = idle + 1 if len(known) == before else 0
            if idle == 3:
                raise SourceUnavailable(
                    "Sprinklr repeats the same messages and says there are more; run the hour later"
                )
            if start == 1 and before > 1 and len(known) == before + 1:
                self.start_counts_rows = True  # the second page is the first, moved on by one row
            start = len(known) if self.start_counts_rows else start + 1
        if end - begin <= 3:
            raise SourceRefused(f"Sprinklr has over {MOST_OF_A_WINDOW} messages in a millisecond; narrow the topics")
        middle = (begin + end) // 2
        log.info("over %d messages from %d to %d: asking for its halves", MOST_OF_A_WINDOW, begin, end)
        yield from self.window(begin, middle)
        yield from self.window(middle - 1, end)

    def _page(self, begin: int, end: int, start: int) -> _Page:
        query = {
            "sinceTime": begin,
            "untilTime": end,
            "timeField": self.resource.time_field,
            "timezoneOffset": 0,
            "details": {"widgetType": "STREAM"},
            "metric": "MENTIONS",
            "filters": [{"dimension": "TOPIC", "filterValues": list(self.topics)}] if self.topics else [],
            "start": start,
            "rows": self.resource.rows,
        }
        path = f"/api/{self.resource.api}/listening/query/stream"
        return self.token.ask("POST", path, json=query, read=_page_of)


def identity_of(message: Any) -> str:
    """What makes a raw message one and the same: its identity at the source, else its content."""
    if isinstance(message, Mapping):
        for name in ("messageId", "snMsgId"):
            if message.get(name):
                return f"{name} {message.get('snType', '')} {message[name]}"
    return hashlib.sha256(json.dumps(message, sort_keys=True).encode()).hexdigest()


def time_of(message: Any, time_field: str = "SN_CREATED_TIME") -> int | None:
    """When it was published (or collected), in milliseconds; None where it does not say."""
    values = [message.get(name) for name in _TIMES[time_field]] if isinstance(message, Mapping) else []
    return next((int(v) for v in values if isinstance(v, int) or (isinstance(v, str) and _DIGITS.fullmatch(v))), None)


def _page_of(reply: Any) -> _Page:
    """A page of either shape: v2 ``{data: {result, hasMore}, errors}``, v1 ``{status, response: {data, hasMore}}``."""
    if not isinstance(reply, dict):
        raise TryAgain("200 with something that is no page")
    if reply.get("errors") or reply.get("status", "SUCCESS") not in _SUCCESS:
        raise TryAgain(f"200 with {json.dumps(reply.get('errors') or reply['status'])}")
    if "not enabled" in str(reply.get("message", "")):
        raise SourceRefused(f"Sprinklr: {reply['message']}")
    page = reply.get("data") or reply.get("response")
    more = page.get("hasMore") if isinstance(page, dict) else None
    messages = page.get("result", page.get("data")) if isinstance(page, dict) else None
    if messages is None and more is False:
        return _Page([], False)
    if not isinstance(messages, list) or not isinstance(more, bool):
        raise TryAgain("200 with half a page")
    if more and not messages:
        raise TryAgain("200 with an empty page that says there is more")
    return _Page(messages, more)


def _judge(answer: Answer) -> None:
    """Sprinklr's gateway says 403 both for "later" and for "never"."""
    if answer.status != 403:
        return
    said = f"{answer.headers.get('x-mashery-error-code', '')} {answer.text}".lower().replace("_", " ")
    if "over rate" in said or "over qps" in said:
        raise TryAgain("403 Developer Over Rate", retry_after(answer))
    if "developer inactive" in said:
        raise SourceRefused(
            "Sprinklr answered 403 Developer Inactive: the secret sprinklr_key or its token is not valid for this "
            "environment, or the application was switched off; correct it in the developer portal",
            status=403,
        )


def _milliseconds(when: datetime) -> int:
    return round(when.timestamp() * 1000)
