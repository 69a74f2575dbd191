"""Google Maps reviews, by two ways: Places (New), open to all, shows five reviews of a place;
Business Profile, for places that the company owns, has every review that was ever written.

Configure a place in one of them: the two give the same review different identities.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from socialnlp_assets.resources.caller import Caller, SourceRefused, SourceUnavailable, shared_rate_limit
from socialnlp_assets.resources.google_auth import GoogleToken, judge_quota
from socialnlp_assets.resources.secrets import Secrets
from socialnlp_assets.sources.google_maps.reviews import changed_before, fresh, identity_of, page_of, time_of
from socialnlp_assets.sources.google_maps.shape import SHAPE
from socialnlp_assets.sources.source import HOUR, HourlySource, SourceOptions

FIELD_MASK = "id,displayName,reviews"
MOST_REVIEWS = 50  # a page of Business Profile
_SCOPE = "https://www.googleapis.com/auth/business.manage"


class GoogleMapsOptions(SourceOptions):
    """Of a workflow: which of the configured places it listens to."""

    place_type: str | None = None

    @model_validator(mode="after")
    def _has_places(self) -> GoogleMapsOptions:
        if not self.place_type:
            raise PydanticCustomError("source", "google_maps needs a place_type, such as `place_type: store`")
        return self

    def unwanted(self, raw: Mapping[str, Any]) -> str | None:
        """Other places' reviews, which a file that others drop may hold."""
        if raw.get("placeType", self.place_type) != self.place_type:
            return "another place type"
        return super().unwanted(raw)


class GoogleMaps(HourlySource):
    """Reviews of the places of each type.

    Secrets: ``google_places_key`` for Places, ``google_business`` (a service account's or a user's JSON) for
    Business Profile; each is read only where places are configured for it.
    """

    name = "google_maps"
    shape = SHAPE
    Options = GoogleMapsOptions

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

    def messages(self, hour: datetime, fed: Mapping[str, SourceOptions]) -> Mapping[str, Iterable[Any]]:
        """The hour's reviews of each workflow's place type."""
        types = {w: options.place_type for w, options in fed.items() if isinstance(options, GoogleMapsOptions)}
        return {workflow: self.reviews(place_type or "", hour, hour + HOUR) for workflow, place_type in types.items()}

    @staticmethod
    def order(message: Any) -> tuple[str, str]:
        written = time_of(message)
        return written.isoformat() if written else "", identity_of(message)

    def reviews(self, place_type: str, since: datetime, until: datetime) -> Iterator[Any]:
        """Raw reviews written in ``since <= time < until``, as delivered, each once."""
        seen = set[str]()
        for place in self.places.get(place_type, []):
            yield from fresh(self._place(place), since, until, seen)
        for location in self.locations.get(place_type, []):
            yield from fresh(self._location(location, since), since, until, seen)

    def _place(self, place: str) -> list[Any]:
        key = self.secrets.get("google_places_key").get_secret_value()
        return self._caller("Google Places").ask(
            "GET",
            f"{self.places_url}/v1/places/{quote(place, safe='')}",
            headers={"X-Goog-Api-Key": key, "X-Goog-FieldMask": FIELD_MASK},
            read=lambda reply: page_of(reply).reviews,
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
                reviews, following = self._token.ask(caller, "GET", url, read=page_of)
            except SourceRefused as refusal:
                if refusal.status != 400 or not page_token or restarts == 3:
                    raise
                page_token, restarts = "", restarts + 1  # page tokens expire; what was read is known by its identity
                continue
            yield from reviews
            if not following or (reviews and changed_before(reviews[-1], since)):
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
