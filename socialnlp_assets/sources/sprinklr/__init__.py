"""Sprinklr: what its listening stream collects, in one account for several workflows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from socialnlp_assets.resources.secrets import Secrets
from socialnlp_assets.sources.source import HOUR, HourlySource, SourceOptions
from socialnlp_assets.sources.sprinklr.shape import SHAPE
from socialnlp_assets.sources.sprinklr.sharing import split_by_language
from socialnlp_assets.sources.sprinklr.stream import Stream, identity_of, time_of

MOST_ROWS = 1000  # a page


class Sprinklr(HourlySource):
    """The listening stream of one Sprinklr account.

    Its secrets are ``sprinklr_key``, ``sprinklr_secret`` and ``sprinklr_tokens`` (a refresh token); without the last
    the client's own credentials serve.
    """

    name = "sprinklr"
    shape = SHAPE

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

    def messages(self, hour: datetime, fed: Mapping[str, SourceOptions]) -> Mapping[str, Iterable[Any]]:
        """One reading of the stream, shared among the workflows by language and topic."""
        languages = {workflow: options.languages for workflow, options in fed.items()}
        return split_by_language(self.window(hour, hour + HOUR), languages, self.topics, self.rest)

    def window(self, since: datetime, until: datetime, topics: Sequence[str] = ()) -> Iterator[Any]:
        """Raw messages of ``since <= time < until``, as delivered, each once; `topics` or else all configured ones."""
        wanted = tuple(topics) or tuple(sorted({topic for some in self.topics.values() for topic in some}))
        begin, end, seen = _milliseconds(since), _milliseconds(until), set[str]()
        for message in Stream(self, wanted).window(begin - 1, end):
            identity, when = identity_of(message), time_of(message, self.time_field)
            if identity not in seen and (when is None or begin <= when < end):
                seen.add(identity)
                yield message

    @staticmethod
    def order(message: Any) -> tuple[int, str]:
        return time_of(message) or 0, identity_of(message)


def _milliseconds(when: datetime) -> int:
    return round(when.timestamp() * 1000)
