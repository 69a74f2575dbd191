"""Mastodon: what is public under hashtags, on any of its instances, asked without an account.

A status has its own number on each instance, and one URI in all of them, which is its identity here. The numbers are
times ("snowflakes": milliseconds since 1970 in all but the last 16 bits), also of statuses that come from elsewhere,
so an hour is the numbers between its ends: each status is in one hour, and those pages never move.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import Field

from socialnlp_assets.landing import Row, Shape, field, fields
from socialnlp_assets.landing.html import plain_text
from socialnlp_assets.resources.caller import (
    Answer,
    Caller,
    RateLimit,
    SourceRefused,
    SourceUnavailable,
    TryAgain,
    shared_rate_limit,
)
from socialnlp_assets.sources.source import HOUR, HourlySource, SourceOptions

MOST_STATUSES = 40  # a page
WINDOW = 300.0  # seconds in which an instance counts calls
MEMBERS_ONLY = (401, 403, 422)  # what instances say that show nothing to strangers

Status = dict[str, Any]


def _hashtags(value: Any) -> list[str]:
    """Topics as we name them, or the status's own tags."""
    tags = [tag.get("name") if isinstance(tag, dict) else tag for tag in value] if isinstance(value, list) else value
    return [topic.lower() for topic in fields.topics(tags)]


def _complete(row: Row, raw: Mapping[str, Any]) -> None:
    del raw
    row["social"], row["kind"] = "MASTODON", "social"


class Mastodon(HourlySource):
    """The hashtags that each workflow follows. A status has those that it was found under as its topics."""

    name = "mastodon"
    shape = Shape(
        fields={
            "message_id": field("uri", "message_id", convert=fields.identifier, required=True),
            "created_at": field("created_at", convert=fields.moment, required=True),
            "language": field("language", convert=fields.language),
            "message": field("content", "message", convert=plain_text, required=True, nothing=""),
            "permalink": field("url", "uri", "permalink", convert=fields.optional_text),
            "topic_ids": field("topic_ids", "tags", convert=_hashtags, nothing=()),
            # `acct` lacks the host where the author is at home on the instance that was asked
            "author": field("account.url", "account.acct", "author", convert=fields.optional_identifier),
            "author_followers": field("account.followers_count", "author_followers", convert=fields.count),
        },
        complete=_complete,
        signs=frozenset({"uri", "account", "reblogs_count"}),
    )

    instances: list[str] = Field(
        default=["https://mastodon.social"], description="their addresses, no slash at the end"
    )
    hashtags: dict[str, list[str]] = Field(default={}, description="workflow: its hashtags")
    calls_per_five_minutes: int = Field(default=300, ge=1, description="of one instance; as Mastodon allows by default")
    timeout_seconds: float = 60.0
    patience_seconds: float = Field(default=900.0, description="pauses in all before a request is given up")
    first_pause_seconds: float = 1.0

    def messages(self, hour: datetime, fed: Mapping[str, SourceOptions]) -> Mapping[str, Iterable[Any]]:
        """The hour's statuses under each workflow's hashtags, one each, however many hashtags and instances show it."""
        shares: dict[str, dict[str, Status]] = {workflow: {} for workflow in fed}
        timelines: dict[tuple[str, str], list[Status]] = {}
        for workflow, share in shares.items():
            for hashtag in sorted({name.lstrip("#").lower() for name in self.hashtags.get(workflow, [])}):
                for instance in self.instances:
                    if (instance, hashtag) not in timelines:
                        timelines[instance, hashtag] = list(self.timeline(instance, hashtag, hour, hour + HOUR))
                    for status in timelines[instance, hashtag]:
                        known = share.setdefault(status["uri"], {**status, "instance": instance, "topic_ids": []})
                        known["topic_ids"] = sorted({*known["topic_ids"], hashtag})
        return {workflow: share.values() for workflow, share in shares.items()}

    def timeline(self, instance: str, hashtag: str, since: datetime, until: datetime) -> Iterator[Status]:
        """What an instance has under a hashtag with numbers of ``since <= time < until``, oldest page first."""
        newest, end = snowflake(since) - 1, snowflake(until)
        while True:
            query = {"limit": MOST_STATUSES, "min_id": newest, "max_id": end}
            page = self._caller(instance).ask(
                "GET", f"{instance}/api/v1/timelines/tag/{quote(hashtag, safe='')}?{urlencode(query)}", read=_page_of
            )
            numbered = {int(status["id"]): status for status in page}
            if not numbered:
                return
            yield from (status for number, status in numbered.items() if newest < number < end)
            if max(numbered) <= newest:
                raise SourceUnavailable(f"{instance} repeats the same page and says there are more; run the hour later")
            if max(numbered) >= end:
                return
            newest = max(numbered)

    @staticmethod
    def order(message: Any) -> tuple[str, str]:
        return str(message.get("created_at")), message["uri"]

    def _caller(self, instance: str) -> Caller:
        rate = shared_rate_limit(f"mastodon {instance}", (self.calls_per_five_minutes, WINDOW))
        return Caller(
            instance,
            rate,
            partial(_judge, instance, rate),
            timeout=self.timeout_seconds,
            patience=self.patience_seconds,
            first_pause=self.first_pause_seconds,
        )


def snowflake(when: datetime) -> int:
    """The first number that a status of this time can have."""
    return round(when.timestamp() * 1000) << 16


def _page_of(reply: Any) -> list[Status]:
    if not isinstance(reply, list):
        raise TryAgain("200 with something that is no timeline")
    for status in reply:
        if (
            not isinstance(status, dict)
            or not isinstance(status.get("uri"), str)
            or not isinstance(status.get("id"), str)
        ):
            raise TryAgain("200 with something that is no status")
        if not (status["id"].isascii() and status["id"].isdigit()):
            raise SourceRefused(f"the status {status['uri']} has no number that is a time: this is not Mastodon")
    return reply


def _judge(instance: str, rate: RateLimit, answer: Answer) -> None:
    """Calls are counted by the instance: ``X-RateLimit-Remaining`` are left until ``X-RateLimit-Reset``."""
    if answer.status in MEMBERS_ONLY:
        raise SourceRefused(
            f"{instance} answered {answer.status}: it shows hashtags to its members only; take another instance",
            status=answer.status,
        )
    pause = _until(answer.headers.get("x-ratelimit-reset", ""))
    if answer.status == 429:
        raise TryAgain("429 Too many requests", pause)
    if answer.headers.get("x-ratelimit-remaining") == "0" and pause is not None:
        rate.hold(min(pause, WINDOW))


def _until(moment: str) -> float | None:
    """Seconds until a time in ISO 8601; None where it is none."""
    try:
        return max(0.0, (datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
