"""A raw review's identity and time, and a page of reviews, of either of Google's APIs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from socialnlp_assets.resources.caller import TryAgain


def identity_of(review: Any) -> str:
    """What makes a raw review one and the same: its name at Google, else its content."""
    if isinstance(review, dict) and (name := review.get("name") or review.get("reviewId")):
        return str(name)
    return json.dumps(review, sort_keys=True)


def time_of(review: Any) -> datetime | None:
    """When it was written; None where it does not say."""
    return _moment(review, "publishTime", "createTime")


def fresh(reviews: Iterable[Any], since: datetime, until: datetime, seen: set[str]) -> Iterator[Any]:
    """The reviews of the window that are not yet in `seen`; one without a time is not for us to lose."""
    for review in reviews:
        identity, written = identity_of(review), time_of(review)
        if identity not in seen and (written is None or since <= written < until):
            seen.add(identity)
            yield review


def changed_before(review: Any, since: datetime) -> bool:
    changed = _moment(review, "updateTime", "createTime")
    return changed is not None and changed < since


def _moment(review: Any, *names: str) -> datetime | None:
    for name in names:
        try:
            moment = datetime.fromisoformat(review[name])
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (KeyError, TypeError, ValueError):
            continue
    return None


class Page(NamedTuple):
    reviews: list[Any]
    following: str  # the token of the next page


def page_of(reply: Any) -> Page:
    """A page of either API, which leave out what is empty."""
    page = Page(reply.get("reviews") or [], reply.get("nextPageToken") or "") if isinstance(reply, dict) else None
    if page is None or not isinstance(page.reviews, list):
        raise TryAgain("200 with something that is no page of reviews")
    if not isinstance(page.following, str) or not page.following.isascii():
        raise TryAgain("200 with something that is no page token")
    return page
