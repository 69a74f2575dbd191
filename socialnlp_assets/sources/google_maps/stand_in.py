"""A stand-in for Google: Places (New), Business Profile reviews, Cloud Translation v2 and v3, and the OAuth
token service, which checks signatures as the real one does.

    python -m socialnlp_assets.sources.google_maps.stand_in --port 8097 --hour 2026-11-20T08

Then ``curl -d '["user_rate", "truncated"]' http://127.0.0.1:8097/faults`` makes the next two answers go wrong.
"""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any

import click

from socialnlp_assets.sources.invented.messages import Raw, business_review, place_review
from socialnlp_assets.sources.invented.phrases import fill, phrases
from socialnlp_assets.sources.loopback import Fault, Faults, Request, Response, as_json, serve

API_KEY = "sample-google-key-0001"
PROJECT = "sample-project"


def _error(code: int, status: str, message: str, reason: str = "") -> Response:
    """Google's error model (AIP-193); what has a `reason` has it in an ErrorInfo."""
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
    details = {"details": [info]} if reason else {}
    return as_json({"error": {"code": code, "message": message, "status": status, **details}}, code)


def _wrong_key() -> Response:
    """Every API that takes keys says 400, not 401 or 403, to one that there is not."""
    return _error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", "API_KEY_INVALID")


OWN_FAULTS: dict[str, Fault] = {
    "user_rate": lambda _: _error(403, "PERMISSION_DENIED", "User Rate Limit Exceeded"),
    "daily": lambda _: _error(403, "PERMISSION_DENIED", "Daily Limit Exceeded"),
    "per_day": lambda _: _error(
        429,
        "RESOURCE_EXHAUSTED",
        "Quota exceeded for quota metric 'v2 and v3 general model characters' and limit 'v2 and v3 general model "
        "characters per day' of service 'translate.googleapis.com' for consumer 'project_number:1'.",
        "RATE_LIMIT_EXCEEDED",
    ),
    "too_large": lambda _: _error(413, "REQUEST_TOO_LARGE", "Request payload size exceeds the limit"),
    "unauthenticated": lambda _: _error(401, "UNAUTHENTICATED", "Request had invalid credentials."),
}


@dataclass
class FakeGoogle:
    """`places` and `locations` hold the reviews of each; a translation is ``[<language>] <text>``.

    An access token is good for `token_uses` requests, a page token for `page_token_uses`.
    """

    places: Mapping[str, Sequence[Raw]] = field(default_factory=dict)
    locations: Mapping[str, Sequence[Raw]] = field(default_factory=dict)
    poison: str = ""  # a text that holds this makes the whole request invalid
    token_uses: int = 1_000_000
    page_token_uses: int = 1_000_000
    faults: Faults = field(default_factory=Faults)
    calls: int = 0
    tokens: int = 0
    batches: list[list[str]] = field(default_factory=list)  # what translations were asked for
    largest: int = 0  # bytes of a v2 request
    _uses: int = 0
    _page_uses: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, port: int = 0) -> AbstractContextManager[str]:
        """Serves while the block runs; yields the address of all the APIs; tokens at its ``/token``."""
        return serve(self._answer, self.faults, port, OWN_FAULTS)

    @cached_property
    def service_account(self) -> str:
        """The JSON of a service account's key that this stand-in accepts."""
        from cryptography.hazmat.primitives import serialization

        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return json.dumps(
            {
                "type": "service_account",
                "project_id": PROJECT,
                "private_key_id": "1",
                "private_key": pem.decode(),
                "client_email": f"listener@{PROJECT}.iam.example",
                "token_uri": "https://oauth2.example/token",
            }
        )

    @cached_property
    def _key(self) -> Any:
        from cryptography.hazmat.primitives.asymmetric import rsa

        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def _public_key(self) -> bytes:
        from cryptography.hazmat.primitives import serialization

        encoding, format = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        return bytes(self._key.public_key().public_bytes(encoding, format))

    def _answer(self, request: Request) -> Response:
        with self._lock:
            self.calls += 1
            if request.path == "/token":
                return self._token(request)
            if found := re.fullmatch(r"/v1/places/([^/]+)", request.path):
                return self._place(request, found[1])
            if found := re.fullmatch(r"/v4/(accounts/[^/]+/locations/[^/]+)/reviews", request.path):
                return self._authorised(request) or self._reviews(request, found[1])
            if found := re.fullmatch(r"/v3/(projects/[^/]+/locations/[^/]+):translateText", request.path):
                return self._authorised(request) or self._translate_v3(request.json(), found[1])
            if request.path == "/language/translate/v2":
                return self._keyed(request) or self._translate_v2(request)
            return _error(404, "NOT_FOUND", "Not found")

    def _token(self, request: Request) -> Response:
        from google.auth import jwt

        try:
            claims = jwt.decode(request.form()["assertion"], certs=self._public_key, verify=False)
            jwt.decode(request.form()["assertion"], certs=self._public_key, audience=claims["aud"])
        except (KeyError, ValueError):
            return as_json({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)
        self.tokens, self._uses = self.tokens + 1, 0
        return as_json({"access_token": self._access_token, "token_type": "Bearer", "expires_in": 3599})

    @property
    def _access_token(self) -> str:
        return f"sample-google-token-{self.tokens:04d}"

    def _authorised(self, request: Request) -> Response | None:
        self._uses += 1
        given = request.headers.get("authorization")
        if not self.tokens or given != f"Bearer {self._access_token}" or self._uses > self.token_uses:
            return _error(401, "UNAUTHENTICATED", f"Request had invalid credentials: {given}")
        return None

    def _keyed(self, request: Request) -> Response | None:
        """Lets pass who has the API key, or a token instead of one."""
        key = request.headers.get("x-goog-api-key")
        if key is None:
            return self._authorised(request)
        return None if key == API_KEY else _wrong_key()

    def _place(self, request: Request, place: str) -> Response:
        if refusal := self._keyed(request):
            return refusal
        if "reviews" not in request.headers.get("x-goog-fieldmask", ""):
            return _error(400, "INVALID_ARGUMENT", "FieldMask is a required parameter.")
        if place not in self.places:
            return _error(404, "NOT_FOUND", "The Place ID is no longer valid.")
        return as_json({"id": place, "displayName": {"text": "Enervia"}, "reviews": self.places[place][:5]})

    def _reviews(self, request: Request, location: str) -> Response:
        size, token = min(50, int(request.query.get("pageSize", 50))), request.query.get("pageToken", "")
        if token:
            self._page_uses += 1
            if self._page_uses > self.page_token_uses:
                self._page_uses = 0
                return _error(400, "INVALID_ARGUMENT", "The page token has expired.")
        if request.query.get("orderBy", "updateTime desc") != "updateTime desc":
            return _error(400, "INVALID_ARGUMENT", "Invalid orderBy.")
        first = int(token.removeprefix("page-")) if token else 0
        reviews = sorted(self.locations.get(location, ()), key=lambda r: r["updateTime"], reverse=True)
        reply: dict[str, Any] = {"totalReviewCount": len(reviews), "averageRating": 3.5}
        if reviews[first : first + size]:
            reply["reviews"] = reviews[first : first + size]
        if first + size < len(reviews):
            reply["nextPageToken"] = f"page-{first + size}"
        return as_json(reply)

    def _translate_v3(self, body: Mapping[str, Any], parent: str) -> Response:
        texts = body["contents"]
        if parent != f"projects/{PROJECT}/locations/global":
            return _error(400, "INVALID_ARGUMENT", "Invalid 'parent'.; Invalid location name. Unsupported location.")
        if len(texts) > 1024 or sum(map(len, texts)) > 30_000:
            return _error(400, "INVALID_ARGUMENT", "Text is too long.")
        if refusal := self._refused(texts, body["sourceLanguageCode"]):
            return refusal
        done = [self._translated(text, body["sourceLanguageCode"], body.get("mimeType")) for text in texts]
        return as_json({"translations": [{"translatedText": text} for text in done]})

    def _translate_v2(self, request: Request) -> Response:
        body = request.json()
        texts = [body["q"]] if isinstance(body["q"], str) else body["q"]
        if len(texts) > 128:
            return _error(400, "INVALID_ARGUMENT", "Too many text segments")
        self.largest = max(self.largest, len(request.body))
        if len(request.body) > 100_000:
            return _error(413, "REQUEST_TOO_LARGE", "Request payload size exceeds the limit")
        if refusal := self._refused(texts, body["source"]):
            return refusal
        kind = "text/plain" if body.get("format") == "text" else "text/html"
        done = [self._translated(text, body["source"], kind) for text in texts]
        return as_json({"data": {"translations": [{"translatedText": text} for text in done]}})

    def _refused(self, texts: Sequence[str], source: str) -> Response | None:
        self.batches.append(list(texts))
        if source not in ("it", "fr", "sw", "en", "es", "de"):
            return _error(400, "INVALID_ARGUMENT", "Source language code is invalid.")
        if self.poison and any(self.poison in text for text in texts):
            return _error(400, "INVALID_ARGUMENT", "Invalid text")
        return None

    @staticmethod
    def _translated(text: str, source: str, kind: str | None) -> str:
        return f"[{source}] {text if kind == 'text/plain' else html.escape(text)}"


def many_reviews(count: int, until: datetime, every: timedelta, location: str = "2001", seed: int = 1) -> list[Raw]:
    """A history of reviews of one location: one `every` so often, the last just before `until`."""
    rng, pool = Random(seed), phrases("reviews_stores")
    moments = [until - timedelta(milliseconds=1) - number * every for number in range(count)]
    return [
        business_review(fill(pool[n % len(pool)].text, "en", rng), 1 + n % 5, location, moment, rng)
        for n, moment in enumerate(moments)
    ]


@click.command(help=__doc__)
@click.option("--port", default=8097)
@click.option("--hour", type=click.DateTime(["%Y-%m-%dT%H"]), default="2026-11-20T08", help="UTC")
@click.option("--fault-rate", default=0.0, help="share of the answers that go wrong at random")
def main(port: int, hour: datetime, fault_rate: float) -> None:
    end, rng = hour.replace(tzinfo=UTC) + timedelta(hours=1), Random(1)
    place = [place_review("Friendly and quick.", "en", 5, "ChIJ-1", end - timedelta(minutes=9), rng)]
    reviews = many_reviews(300, end, timedelta(minutes=7))
    account = FakeGoogle({"ChIJ-1": place}, {"accounts/1001/locations/2001": reviews}, faults=Faults(fault_rate))
    with account.serve(port) as address:
        click.echo(f"{address} — key {API_KEY}; place ChIJ-1, accounts/1001/locations/2001; Ctrl-C ends it")
        click.echo(f"service account: {account.service_account}")
        threading.Event().wait()


if __name__ == "__main__":
    main()
