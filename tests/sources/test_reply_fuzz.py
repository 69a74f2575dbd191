"""Whatever a source answers: it is taken, asked for again, or an error that says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socialnlp_assets.landing import read_messages
from socialnlp_assets.resources.caller import SourceError, TryAgain
from socialnlp_assets.resources.google_translate import GoogleTranslateResource
from socialnlp_assets.resources.secrets import EnvironmentSecrets
from socialnlp_assets.sources import shapes
from socialnlp_assets.sources.google_maps import GoogleMaps
from socialnlp_assets.sources.google_maps.reviews import page_of as reviews_page
from socialnlp_assets.sources.google_maps.stand_in import API_KEY, FakeGoogle
from socialnlp_assets.sources.invented.messages import business_review, place_review, sprinklr_v1, sprinklr_v2
from socialnlp_assets.sources.loopback import Request, Response, serve
from socialnlp_assets.sources.sprinklr import Sprinklr
from socialnlp_assets.sources.sprinklr.stream import page_of as sprinklr_page
from socialnlp_assets.tasks import RowError
from socialnlp_assets.workflow import load_workflows

from .conftest import HOUR, pull_hour

WHEN = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
V2 = sprinklr_v2("La bolletta", "it", "bills", WHEN, Random(1))
V1 = sprinklr_v1("La bolletta", "it", "bills", WHEN, Random(1))
PLACE = place_review("Friendly.", "en", 5, "ChIJ-1", WHEN, Random(1))
BUSINESS = business_review("Friendly.", 5, "2001", WHEN, Random(1))
TOKENS = {"access_token": "sample-token", "refresh_token": "sample-refresh", "expires_in": 3599}
REPLIES: list[Any] = [
    {"data": {"result": [V2], "hasMore": False}, "errors": []},
    {"status": "SUCCESS", "response": {"data": [V1], "hasMore": False}},
    {"status": 200, "result": None, "hasMore": False},
    {"message": "Streaming in listening is not enabled for you.", "data": {}},
    {"id": "ChIJ-1", "reviews": [PLACE]},
    {"reviews": [BUSINESS], "nextPageToken": "page-50"},
    {"translations": [{"translatedText": "The bill"}], "data": {"translations": [{"translatedText": "The bill"}]}},
    {"error": {"code": 400, "message": "Invalid text", "status": "INVALID_ARGUMENT", "details": [{"reason": "X"}]}},
    TOKENS,
]
ODD: list[Any] = [None, True, False, 0, -1, 10**30, 1.5, "", "x", "²", "\ud83d", "9" * 5000, "a\nb", [], [None], {}]
ODD += ["2026-11-20T08:30:00", "2026-11-20", "0001-01-01T00:00:00+14:00", "1763625600000", {"": 1}, [[["x"]]], ["x"]]
OF_TOKENS = [200, 200, 200, 400, 401]  # Google's library waits for seconds after others
STATUSES = [*[200] * 12, 204, 302, 400, 401, 403, 404, 408, 413, 429, 500, 503]


def places_in(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to everything within a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(found for key, one in inner for found in places_in(one, (*way, key)))]


def spoilt(value: Any, way: tuple[Any, ...], odd: Any) -> Any:
    """`value` with something else at the end of `way`."""
    if not way:
        return odd
    copy = value.copy()
    copy[way[0]] = spoilt(value[way[0]], way[1:], odd)
    return copy


PLACES = [(reply, way) for reply in REPLIES for way in places_in(reply)]
once_spoilt = st.builds(lambda at, odd: spoilt(*at, odd), st.sampled_from(PLACES), st.sampled_from(ODD))
values = st.sampled_from(REPLIES) | once_spoilt | st.recursive(st.sampled_from(ODD), st.lists, max_leaves=4)
bodies = values.map(lambda value: json.dumps(value).encode())
cut = st.builds(lambda body, at: body[: at % (len(body) + 1)], bodies, st.integers(0, 5000))


def replies(statuses: list[int]) -> st.SearchStrategy[Response]:
    return st.builds(
        lambda status, body, retry: Response(status, body, headers={"Retry-After": retry}),
        st.sampled_from(statuses),
        bodies | bodies | cut | st.binary(max_size=20) | st.sampled_from([b"[" * 5000, b"9" * 5000, b"NaN"]),
        st.sampled_from(["", "0", "9" * 400, "²", "-1", "soon", "Fri, 20 Nov 99999 08:00:00 GMT"]),
    )


IMPATIENT: dict[str, Any] = {"patience_seconds": 0.0, "first_pause_seconds": 1e-6, "calls_per_second": 1_000_000}


def sprinklr(url: str, secrets: EnvironmentSecrets) -> Callable[[], None]:
    source = Sprinklr(secrets=secrets, url=url, calls_per_hour=10_000_000, **IMPATIENT)
    workflow = load_workflows()["sprinklr"]

    def ask() -> None:
        for content in pull_hour(source, [workflow], HOUR).values():
            assert not [reject for reject in read_messages(content, "f", shapes()).rejects if reject.position < 0]

    return ask


def google_maps(url: str, secrets: EnvironmentSecrets) -> Callable[[], None]:
    account: dict[str, Any] = {"places_url": url, "business_url": url, "token_url": f"{url}/token", **IMPATIENT}
    places, locations = {"store": ["ChIJ-1"]}, {"service_point": ["accounts/1001/locations/2001"]}
    maps = GoogleMaps(secrets=secrets, places=places, locations=locations, **account)
    workflows = [load_workflows()[name] for name in ("gmaps_stores", "gmaps_service_points")]

    def ask() -> None:
        for workflow in workflows:
            with suppress(SourceError):
                pull_hour(maps, [workflow], HOUR)

    return ask


def google_translate(url: str, secrets: EnvironmentSecrets) -> Callable[[], None]:
    account: dict[str, Any] = {"url": url, "token_url": f"{url}/token", **IMPATIENT}
    engines = [GoogleTranslateResource(secrets=secrets, api=api, **account) for api in ("v3", "v2")]

    def ask() -> None:
        for engine in engines:
            with suppress(SourceError):
                (found,) = engine.predict(["La bolletta"], src_lang="it")
                assert isinstance(found, str | RowError)

    return ask


CASES = {"sprinklr": sprinklr, "google maps": google_maps, "google translate": google_translate}


def fuzz(case: str, of_tokens: bool, secrets: EnvironmentSecrets, number: int) -> None:
    """Answers to questions, or `of_tokens` to requests for tokens, are anything; the others are as they should be."""
    reply = Response()

    def answer(request: Request) -> Response:
        asks_for_tokens = request.path in ("/oauth/token", "/token")
        return reply if asks_for_tokens == of_tokens else Response(200, json.dumps(TOKENS).encode())

    with serve(answer) as url:
        ask = CASES[case](url, secrets)

        def examine(next_reply: Response) -> None:
            nonlocal reply, ask
            reply = next_reply
            if of_tokens:  # a resource keeps those that it has
                ask = CASES[case](url, secrets)
            with suppress(SourceError):
                ask()

        limits = settings(max_examples=number, deadline=None, suppress_health_check=list(HealthCheck))
        limits(given(next_reply=replies(OF_TOKENS if of_tokens else STATUSES))(examine))()


@pytest.fixture
def all_secrets(secrets: EnvironmentSecrets, monkeypatch: pytest.MonkeyPatch) -> EnvironmentSecrets:
    account = FakeGoogle().service_account
    for name, value in {"PLACES_KEY": API_KEY, "BUSINESS": account, "TRANSLATE": account}.items():
        monkeypatch.setenv(f"SOCIALNLP_SECRET_GOOGLE_{name}", value)
    return secrets


@pytest.mark.slow
@pytest.mark.parametrize("of_tokens", [False, True], ids=["answers", "tokens"])
@pytest.mark.parametrize("case", CASES)
def test_any_reply(case: str, of_tokens: bool, all_secrets: EnvironmentSecrets) -> None:
    fuzz(case, of_tokens, all_secrets, 15 if of_tokens else 50)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_any_reply_in_five_hundred_examples(case: str, all_secrets: EnvironmentSecrets) -> None:
    fuzz(case, False, all_secrets, 500)


@pytest.mark.parametrize(
    "reply",
    [
        {"status": 200, "response": {"result": None, "hasMore": False}},
        {"status": "SUCCESS", "response": {"data": None, "hasMore": False}},
        {"data": {"result": [], "hasMore": False}, "errors": None},
    ],
)
def test_a_page_without_messages_is_empty(reply: Any) -> None:
    assert sprinklr_page(reply) == ([], False)


@pytest.mark.parametrize("reply", [{"data": ["x"]}, {"data": "x"}, {"data": {"hasMore": True}}, {"status": ["x"]}, []])
def test_what_is_no_page_is_asked_for_again(reply: Any) -> None:
    with pytest.raises(TryAgain):
        sprinklr_page(reply)


@pytest.mark.parametrize("reply", [{"reviews": "x"}, {"nextPageToken": 7}, {"nextPageToken": "\ud83d"}, ["x"], None])
def test_what_is_no_page_of_reviews_is_asked_for_again(reply: Any) -> None:
    with pytest.raises(TryAgain):
        reviews_page(reply)


def test_a_page_without_reviews_is_empty() -> None:
    assert reviews_page({}) == reviews_page({"reviews": None, "nextPageToken": None}) == ([], "")
