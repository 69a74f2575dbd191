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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from socialnlp_assets.resources.caller import (
    Answer,
    Caller,
    SourceRefused,
    SourceUnavailable,
    TryAgain,
    shared_rate_limit,
)
from socialnlp_assets.resources.retry import named_pause
from socialnlp_assets.sources.sprinklr.tokens import SprinklrToken

if TYPE_CHECKING:
    from socialnlp_assets.sources.sprinklr import Sprinklr

log = logging.getLogger(__name__)
MOST_OF_A_WINDOW = 10_000  # messages that can be paged through in one window

_SUCCESS = ("SUCCESS", "OK", 200, "200")
_DIGITS = re.compile(r"[0-9]{1,18}")
_TIMES = {"SN_CREATED_TIME": ("channelCreatedTime", "snCreatedTime"), "SYSTEM_CREATED_TIME": ("createdTime",)}


class _Page(NamedTuple):
    messages: list[Any]
    more: bool


@dataclass
class Stream:
    """One reading of the stream, and how it is paged."""

    resource: Sprinklr
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
        return self.token.ask("POST", path, json=query, read=page_of)


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


def page_of(reply: Any) -> _Page:
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
        raise TryAgain("403 Developer Over Rate", named_pause(answer.headers.get("retry-after", "")))
    if "developer inactive" in said:
        raise SourceRefused(
            "Sprinklr answered 403 Developer Inactive: the secret sprinklr_key or its token is not valid for this "
            "environment, or the application was switched off; correct it in the developer portal",
            status=403,
        )
