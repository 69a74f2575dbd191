"""Google Maps reviews, by two ways: Places (New), open to all, shows five reviews of a place;
Business Profile, for places that the company owns, has every review that was ever written.

Configure a place in one of them: the two give the same review different identities.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import dagster as dg
from pydantic import Field, PrivateAttr

from socialnlp_assets.resources.google_auth import GoogleToken, judge_quota
from socialnlp_assets.resources.http import Caller, SourceRefused, SourceUnavailable, TryAgain, shared_rate_limit
from socialnlp_assets.resources.secrets import Secrets

FIELD_MASK = "id,displayName,reviews"
MOST_REVIEWS = 50  # a page of Business Profile
_SCOPE = "https://www.googleapis.com/auth/business.manage"


class GoogleMapsResource(dg.ConfigurableResource[Any]):
    """Reviews of the places of each type.

    Secrets: ``google_places_key`` for Places, ``google_business`` (a service account's or a user's JSON) for
    Business Profile; each is read only where places are configured for it.
    """

    secrets: Secrets
    places: dict[str, list[str]] = Field(default={}, description="place type: Places identities, ChIJ…")
    locations: dict[str, list[str]] = Field(default={}, description="place type: accounts/<a>/locations/<l>")
    places_url: str = "https://places.googleapis.com"
    business_url: str = "https://mybusiness.googleapis.com"
    token_url: str = Field(default="", description="another token service than the credentials name")
    calls_per_second: int = 10
    timeout_seconds: float = 60.0
    patience_seconds: float = Field(default=900.0, description="pauses in all before a request is given up")
    first_pause_seconds: float = 1.0
    _token: GoogleToken | None = PrivateAttr(default=None)

    def reviews(self, place_type: str, since: datetime, until: datetime) -> Iterator[Any]:
        """Raw reviews written in ``since <= time < until``, as delivered, each once.

        Raises `SourceUnavailable` when running the hour again later may help, `SourceRefused` when it will not.
        """
        seen = set[str]()
        for place in self.places.get(place_type, []):
            yield from _fresh(self._place(place), since, until, seen)
        for location in self.locations.get(place_type, []):
            yield from _fresh(self._location(location, since), since, until, seen)

    def _place(self, place: str) -> list[Any]:
        key = self.secrets.get("google_places_key").get_secret_value()
        return self._caller("Google Places").ask(
            "GET",
            f"{self.places_url}/v1/places/{quote(place, safe='')}",
            headers={"X-Goog-Api-Key": key, "X-Goog-FieldMask": FIELD_MASK},
            read=lambda reply: _page_of(reply).reviews,
        )

    def _location(self, location: str, since: datetime) -> Iterator[Any]:
        """Newest change first, so that reading ends where nothing can be of `since` or later."""
        if self._token is None:
            self._token = GoogleToken(self.secrets, "google_business", _SCOPE, self.token_url, self.first_pause_seconds)
        caller, page_token, restarts = self._caller("Google Business Profile"), "", 0
        while True:
            query = {"pageSize": MOST_REVIEWS, "orderBy": "updateTime desc"}
            query |= {"pageToken": page_token} if page_token else {}
            try:
                url = f"{self.business_url}/v4/{quote(location)}/reviews?{urlencode(query)}"
                reviews, following = self._token.ask(caller, "GET", url, read=_page_of)
            except SourceRefused as refusal:
                if refusal.status != 400 or not page_token or restarts == 3:
                    raise
                page_token, restarts = "", restarts + 1  # page tokens expire; what was read is known by its identity
                continue
            yield from reviews
            if not following or (reviews and _changed_before(reviews[-1], since)):
                return
            if following == page_token:
                raise SourceUnavailable("Google repeats the same page and says there are more; run the hour later")
            page_token = following

    def _caller(self, name: str) -> Caller:
        return Caller(
            name,
            shared_rate_limit(f"{name} {self.places_url} {self.business_url}", (self.calls_per_second, 1.0)),
            judge_quota,
            timeout=self.timeout_seconds,
            patience=self.patience_seconds,
            first_pause=self.first_pause_seconds,
        )


def identity_of(review: Any) -> str:
    """What makes a raw review one and the same: its name at Google, else its content."""
    if isinstance(review, dict) and (name := review.get("name") or review.get("reviewId")):
        return str(name)
    return json.dumps(review, sort_keys=True)


def time_of(review: Any) -> datetime | None:
    """When it was written; None where it does not say."""
    return _moment(review, "publishTime", "createTime")


def _fresh(reviews: Iterable[Any], since: datetime, until: datetime, seen: set[str]) -> Iterator[Any]:
    """The reviews of the window that are not yet in `seen`; one without a time is not for us to lose."""
    for review in reviews:
        identity, written = identity_of(review), time_of(review)
        if identity not in seen and (written is None or since <= written < until):
            seen.add(identity)
            yield review


def _changed_before(review: Any, since: datetime) -> bool:
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


class _Page(NamedTuple):
    reviews: list[Any]
    following: str  # the token of the next page


def _page_of(reply: Any) -> _Page:
    """A page of either API, which leave out what is empty."""
    page = _Page(reply.get("reviews") or [], reply.get("nextPageToken") or "") if isinstance(reply, dict) else None
    if page is None or not isinstance(page.reviews, list):
        raise TryAgain("200 with something that is no page of reviews")
    if not isinstance(page.following, str) or not page.following.isascii():
        raise TryAgain("200 with something that is no page token")
    return page
