"""Feeds of the press, RSS, Atom and JSON Feed: every entry once, in the hour in which it was published.

A feed shows its last entries, old and new, so what an hour's pull lands is what has not been landed before; `posts`
moves late entries to their own hours. What has been landed is remembered in the lake, beside the landed files and
only once these are there, with what a conditional request needs. An entry stays as it was when it was first seen.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from hashlib import blake2b
from typing import Any, NamedTuple

import dagster as dg
from pydantic import Field

from socialnlp_assets.landing import Row, Shape, fields
from socialnlp_assets.landing import field as column
from socialnlp_assets.landing.html import plain_line, plain_text
from socialnlp_assets.resources.articles.address import PageError
from socialnlp_assets.resources.articles.web import Reply, Wanted, Web
from socialnlp_assets.resources.caller import SourceRefused, SourceUnavailable
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.retry import named_pause, retrying
from socialnlp_assets.sources.feeds.documents import Document, Entry, NoFeed, read_document
from socialnlp_assets.sources.source import HOUR, LandedHour, Source, SourceOptions

log = logging.getLogger(__name__)
ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
AT_ONCE = 8  # feeds that are asked at the same time; of one host, one
REMEMBERED = timedelta(days=7)  # before a feed's last change, an entry must have been shown for the last time
PASSING = frozenset({"timed out", "connection broke", "host does not answer"})


def _complete(row: Row, raw: Mapping[str, Any]) -> None:
    row["social"], row["kind"] = "WEB", "article"
    row["message"] = row["message"] or plain_line(raw.get("title")) or ""


class Feed(dg.Config):
    """One feed that a workflow reads."""

    url: str
    topics: list[str] = Field(min_length=1, description="the topics of its entries, by which output is laid out")
    language: str | None = Field(default=None, description="where neither the feed nor its entries name one")


class Feeds(Source):
    """The feeds that each workflow reads."""

    name = "feeds"
    shape = Shape(
        fields={
            "message_id": column("entry_id", "message_id", convert=fields.identifier, required=True),
            "created_at": column("created_at", "published", convert=fields.moment, required=True),
            "language": column("language", convert=fields.language),
            "title": column("title", convert=plain_line),
            "message": column("text", "message", convert=plain_text, nothing=""),
            "permalink": column("link", "permalink", convert=fields.optional_text),
            "topic_ids": column("topic_ids", convert=fields.topics, nothing=()),
            "author": column("author", convert=fields.optional_identifier),
        },
        complete=_complete,
        signs=frozenset({"entry_id", "feed"}),
    )

    subscriptions: dict[str, list[Feed]] = Field(default={}, description="workflow: its feeds")
    oldest_days: int = Field(
        default=30, ge=1, description="entries that are older when they are first seen are left out"
    )
    patience_seconds: float = Field(default=10.0, description="pauses in all before a feed is left for the next hour")
    first_pause_seconds: float = 1.0
    allowed_hosts: list[str] = Field(
        default=[], description="host:port pairs that may be asked although they are private"
    )

    def pull(self, lake: Lake, hour: datetime, fed: Mapping[str, SourceOptions]) -> Iterator[LandedHour]:
        """Lands what the feeds show, is published before the hour's end, and has not been landed before.

        A feed that cannot be read is a problem of the hour, and shows its entries the next hour, too; where none can
        be read, `SourceUnavailable`.
        """
        web = Web(frozenset(host.lower() for host in self.allowed_hosts))
        for workflow in fed:
            yield self._pull(lake, web, workflow, hour)

    @staticmethod
    def order(message: Any) -> tuple[str, str]:
        return message["created_at"], message["entry_id"]

    def _pull(self, lake: Lake, web: Web, workflow: str, hour: datetime) -> LandedHour:
        landed = _entries(lake, self.landing_path(workflow, hour))
        if not landed and not lake.landed(workflow, hour) and lake.exists(Lake.table_path(workflow, "posts", hour)):
            raise SourceRefused(
                f"the raw messages of {hour:%Y-%m-%d %H:00} UTC have been removed, and feeds do not show them again: "
                "what is new would replace what posts has of that hour; pull a later hour"
            )
        memory = Memory.read(lake, workflow)
        for begun in memory.begun:
            path = self.landing_path(workflow, datetime.fromisoformat(begun))
            memory.remember(_entries(lake, path))
        feeds = self.subscriptions.get(workflow, [])
        with ThreadPoolExecutor(AT_ONCE) as pool:
            readings = list(pool.map(partial(self._read, web, memory), feeds))
        problems = [reading.problem for reading in readings if reading.problem]
        if feeds and len(problems) == len(feeds):
            raise SourceUnavailable(
                f"no feed of {workflow} could be read: {'; '.join(problems)}; run the hour again later"
            )
        if not feeds:
            problems.append(f"it has no feeds: name some in the sources file, at feeds.subscriptions.{workflow}")
        fresh: dict[str, Entry] = {}
        for feed, reading in zip(feeds, readings, strict=True):
            self._take(feed, reading, hour, memory, fresh)
        if fresh:
            memory.begun.append(hour.isoformat())
            memory.write(lake, workflow)
        done = self.land(lake, workflow, hour, [*landed, *fresh.values()], problems)
        memory.remember(fresh.values())
        memory.begun.clear()
        memory.write(lake, workflow)
        return done

    def _take(self, feed: Feed, reading: Reading, hour: datetime, memory: Memory, fresh: dict[str, Entry]) -> None:
        """Add to `fresh` what is new of a feed, and keep what its next request needs to ask for news only."""
        if reading.document is None:
            return
        waiting = False  # something is to be landed by a later hour, which must be shown it again
        for entry in reading.document.entries:
            if memory.knows(entry):
                memory.remember([entry])
                continue
            published = _time(entry)
            if published is not None and published >= hour + HOUR:
                waiting = True
            elif published is None or published >= hour - timedelta(days=self.oldest_days):
                created = (published or hour).isoformat()
                new = fresh.setdefault(
                    entry["entry_id"], {"language": feed.language, "topic_ids": [], **entry, "created_at": created}
                )
                new["topic_ids"] = sorted({*new["topic_ids"], *feed.topics})
        memory.validators.pop(feed.url, None)
        if reading.document.whole and not waiting and reading.validators:
            memory.validators[feed.url] = reading.validators

    def _read(self, web: Web, memory: Memory, feed: Feed) -> Reading:
        """What a feed says now; of one that has not changed since, nothing."""
        try:
            retries = retrying(_Busy, patience=self.patience_seconds, first_pause=self.first_pause_seconds)
            reply: Reply = retries(_ask, web, feed.url, memory.validators.get(feed.url, {}))
            if reply.status == 304:
                return Reading()
            if reply.status != 200:
                raise NoFeed(f"answers HTTP {reply.status}")
            if reply.url != feed.url:
                log.info("the feed %s is at %s now; correct the sources file", feed.url, reply.url)
            document = read_document(reply.body, reply.headers.get("content-type", ""), feed.url, reply.url)
        except (NoFeed, _Busy, PageError) as error:
            log.warning("the feed %s: %s", feed.url, error)
            return Reading(problem=f"{feed.url}: {error}")
        kept = {"If-None-Match": "etag", "If-Modified-Since": "last-modified"}
        return Reading(document, {name: reply.headers[said] for name, said in kept.items() if said in reply.headers})


class Reading(NamedTuple):
    """What came of asking one feed."""

    document: Document | None = None
    validators: Mapping[str, str] = {}
    problem: str = ""


@dataclass
class Memory:
    """What is kept of a workflow's feeds from hour to hour."""

    validators: dict[str, Mapping[str, str]] = field(default_factory=dict)  # by feed: a conditional request's headers
    known: dict[str, dict[str, str]] = field(default_factory=dict)  # by feed: its landed entries → last day shown
    begun: list[str] = field(default_factory=list)  # hours whose file may hold entries that are not yet in `known`

    @classmethod
    def read(cls, lake: Lake, workflow: str) -> Memory:
        try:
            return cls(**json.loads(lake.get(cls.path(workflow))))
        except FileNotFoundError:
            return cls()

    def write(self, lake: Lake, workflow: str) -> None:
        for feed, known in self.known.items():
            oldest = (date.fromisoformat(max(known.values())) - REMEMBERED).isoformat()
            self.known[feed] = {fingerprint: day for fingerprint, day in known.items() if day >= oldest}
        lake.put_if_changed(self.path(workflow), json.dumps(asdict(self), sort_keys=True).encode())

    @staticmethod
    def path(workflow: str) -> str:
        return f"landing/{workflow}/_feeds/memory.json"

    def knows(self, entry: Entry) -> bool:
        """Whether it has been landed, be it from another feed of the workflow."""
        return any(_fingerprint(entry) in known for known in self.known.values())

    def remember(self, entries: Iterable[Entry]) -> None:
        """They have been landed, and are shown today."""
        for entry in entries:
            self.known.setdefault(entry["feed"], {})[_fingerprint(entry)] = date.today().isoformat()


class _Busy(Exception):
    """A feed that may answer in a moment, in `after` seconds where it named a time."""

    def __init__(self, problem: str, after: float | None = None) -> None:
        super().__init__(problem)
        self.after = after


def _ask(web: Web, url: str, validators: Mapping[str, str]) -> Reply:
    try:
        reply = web.get(url, Wanted({"Accept": ACCEPT, **validators}))
    except PageError as error:
        if str(error) in PASSING:
            raise _Busy(str(error)) from None
        raise
    if reply.status == 429 or reply.status >= 500:
        raise _Busy(f"answers HTTP {reply.status}", named_pause(reply.headers.get("retry-after", "")))
    return reply


def _entries(lake: Lake, path: str) -> list[Entry]:
    """What an earlier pull of the hour has landed."""
    try:
        found: list[Entry] = json.loads(lake.get(path))
    except FileNotFoundError:
        return []
    return found


def _time(entry: Entry) -> datetime | None:
    """When it was published; None where it does not say so, or nothing that can be."""
    try:
        return fields.moment(entry.get("published"))
    except ValueError:
        return None


def _fingerprint(entry: Entry) -> str:
    return blake2b(entry["entry_id"].encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
