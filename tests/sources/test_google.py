"""Google Maps reviews and Cloud Translation, from a stand-in with the real limits, quotas and signatures."""

from __future__ import annotations

import json
import logging
import traceback
from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from socialnlp_assets.resources.caller import SourceError, SourceRefused
from socialnlp_assets.resources.google_translate import GoogleTranslateResource
from socialnlp_assets.resources.secrets import EnvironmentSecrets, SecretError
from socialnlp_assets.sources.google_maps import GoogleMaps, identity_of, time_of
from socialnlp_assets.sources.google_maps.reviews import changed_before
from socialnlp_assets.sources.google_maps.stand_in import API_KEY, FakeGoogle, many_reviews
from socialnlp_assets.sources.invented.messages import place_review
from socialnlp_assets.sources.loopback import Faults
from socialnlp_assets.tasks import RowError

from .conftest import HOUR

END = HOUR + timedelta(hours=1)
FAST: dict[str, Any] = {"calls_per_second": 10_000, "first_pause_seconds": 0.01, "timeout_seconds": 60.0}
LOCATION = "accounts/1001/locations/2001"


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> FakeGoogle:
    google = FakeGoogle()
    monkeypatch.setenv("SOCIALNLP_SECRET_GOOGLE_PLACES_KEY", API_KEY)
    monkeypatch.setenv("SOCIALNLP_SECRET_GOOGLE_BUSINESS", google.service_account)
    monkeypatch.setenv("SOCIALNLP_SECRET_GOOGLE_TRANSLATE", google.service_account)
    return google


def reviews(google: FakeGoogle, secrets: EnvironmentSecrets, **options: Any) -> list[Any]:
    with google.serve() as url:
        maps = GoogleMaps(
            secrets=secrets, places_url=url, business_url=url, token_url=f"{url}/token", **{**FAST, **options}
        )
        return list(maps.reviews("store", HOUR, END))


def translate(google: FakeGoogle, secrets: EnvironmentSecrets, texts: list[str], src: Any, **options: Any) -> list[Any]:
    with google.serve() as url:
        engine = GoogleTranslateResource(secrets=secrets, url=url, token_url=f"{url}/token", **{**FAST, **options})
        return engine.predict(texts, src_lang=src)


def test_places_reviews_of_the_hour(google: FakeGoogle, secrets: EnvironmentSecrets) -> None:
    moments = [HOUR - timedelta(microseconds=1), HOUR, END - timedelta(microseconds=1), END]
    written = [place_review(f"number {n}", "en", 4, "ChIJ-1", moment, Random(n)) for n, moment in enumerate(moments)]
    google.places = {"ChIJ-1": written}
    found = reviews(google, secrets, places={"store": ["ChIJ-1"], "service_point": ["ChIJ-2"]})
    assert found == written[1:3]


def test_places_takes_the_nanoseconds_that_google_writes(google: FakeGoogle, secrets: EnvironmentSecrets) -> None:
    review = place_review("Fine.", "en", 4, "ChIJ-1", HOUR, Random(1)) | {
        "publishTime": "2026-11-20T08:59:59.999999999Z"
    }
    google.places = {"ChIJ-1": [review]}
    assert reviews(google, secrets, places={"store": ["ChIJ-1"]}) == [review]


def test_a_place_that_is_gone_says_so(google: FakeGoogle, secrets: EnvironmentSecrets) -> None:
    with pytest.raises(SourceRefused, match=r"404.*Place ID is no longer valid"):
        reviews(google, secrets, places={"store": ["ChIJ-gone"]})


def test_business_profile_reads_no_further_than_the_hour(google: FakeGoogle, secrets: EnvironmentSecrets) -> None:
    google.locations = {LOCATION: many_reviews(2000, END + timedelta(hours=1), timedelta(seconds=30))}
    found = reviews(google, secrets, locations={"store": [LOCATION]})
    expected = [r for r in google.locations[LOCATION] if HOUR <= time_of(r) < END]  # type: ignore[operator]
    assert sorted(map(identity_of, found)) == sorted(map(identity_of, expected))
    assert len(found) == 120
    assert google.calls <= 8  # a token and the pages of two hours, not the forty of the whole history


def test_business_profile_survives_what_google_does(google: FakeGoogle, secrets: EnvironmentSecrets) -> None:
    google.locations = {LOCATION: many_reviews(400, END, timedelta(seconds=15))}
    google.faults = Faults(rate=0.3, seed=3, kinds=("truncated", "reset", "500", "429"))
    google.page_token_uses, google.token_uses = 4, 3
    found = reviews(google, secrets, locations={"store": [LOCATION]})
    assert Counter(map(identity_of, found)).most_common(1)[0][1] == 1
    assert len(found) == 240
    assert google.faults.done


def test_a_review_is_known_by_its_name_at_google_else_by_what_it_says() -> None:
    assert identity_of({"name": "accounts/1/locations/2/reviews/3", "reviewId": "3"}) == (
        "accounts/1/locations/2/reviews/3"
    )
    assert identity_of({"reviewId": "3"}) == "3"
    assert identity_of({"text": "a", "rating": 1}) == identity_of({"rating": 1, "text": "a"}) != identity_of("a")


def test_a_review_is_as_old_as_its_last_change() -> None:
    before, after = (HOUR + timedelta(minutes=minutes) for minutes in (-1, 1))
    assert changed_before({"createTime": before.isoformat()}, HOUR)
    assert changed_before({"createTime": after.isoformat(), "updateTime": before.isoformat()}, HOUR)
    assert not changed_before({"createTime": before.isoformat(), "updateTime": after.isoformat()}, HOUR)
    assert not changed_before({"updateTime": "never"}, HOUR)


def test_an_edited_review_stays_in_the_hour_it_was_written(google: FakeGoogle, secrets: EnvironmentSecrets) -> None:
    history = many_reviews(5, END - timedelta(days=3), timedelta(minutes=1))
    history[0]["updateTime"] = (HOUR + timedelta(minutes=5)).isoformat()
    google.locations = {LOCATION: history}
    assert reviews(google, secrets, locations={"store": [LOCATION]}) == []


@pytest.mark.parametrize(("api", "auth"), [("v3", "service_account"), ("v2", "service_account"), ("v2", "api_key")])
def test_translations_come_in_order(
    api: str, auth: str, google: FakeGoogle, secrets: EnvironmentSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    if auth == "api_key":
        monkeypatch.setenv("SOCIALNLP_SECRET_GOOGLE_TRANSLATE", API_KEY)
    texts = ["c'è <b>luce</b>", "", "umeme & maji", "fine", "c'è <b>luce</b>", "   "]
    languages = ["it", "it", "sw", "en", "it", "sw"]
    translated = translate(google, secrets, texts, languages, api=api, auth=auth)
    assert translated == ["[it] c'è <b>luce</b>", "", "[sw] umeme & maji", "fine", "[it] c'è <b>luce</b>", "   "]
    assert sum(map(len, google.batches)) == 2  # neither English nor nothing is sent, and nothing twice


@pytest.mark.parametrize("api", ["v3", "v2"])
def test_batches_keep_to_googles_limits(api: str, google: FakeGoogle, secrets: EnvironmentSecrets) -> None:
    texts = [f"{n} {'è' * (n % 700)}" for n in range(1500)]
    assert translate(google, secrets, texts, "it", api=api) == [f"[it] {text}" for text in texts]
    assert max(map(len, google.batches)) <= (1024 if api == "v3" else 128)
    assert max(sum(map(len, batch)) for batch in google.batches) <= (30_000 if api == "v3" else 100_000)
    assert google.largest <= 100_000


def test_texts_that_json_makes_longer_keep_to_the_limit_of_a_request(
    google: FakeGoogle, secrets: EnvironmentSecrets
) -> None:
    texts = [f"{n} " + '\x01\n"\\' * 1000 for n in range(60)]
    assert translate(google, secrets, texts, "it", api="v2") == [f"[it] {text}" for text in texts]
    assert 50_000 < google.largest <= 100_000


def test_a_request_that_google_calls_too_large_is_halved(google: FakeGoogle, secrets: EnvironmentSecrets) -> None:
    google.faults.script(["ok", "too_large", "too_large"])  # the token, both texts, the first
    translated = translate(google, secrets, ["uno", "due"], "it", api="v2")
    assert isinstance(translated[0], RowError)
    assert translated[1] == "[it] due"


@pytest.mark.parametrize(("api", "most"), [("v3", 30_000), ("v2", 90_000 - 3)])  # in JSON it has quotes and a comma
def test_a_text_as_long_as_a_request_may_be_is_sent_alone_and_a_longer_one_not_at_all(
    api: str, most: int, google: FakeGoogle, secrets: EnvironmentSecrets
) -> None:
    texts = ["a" * most, "b" * (most + 1), "c", "d" * (most - 1)]
    longest, refused, short, long = translate(google, secrets, texts, "it", api=api)
    assert isinstance(refused, RowError)
    assert "long, Google takes" in refused.reason
    assert [longest, short, long] == [f"[it] {text}" for text in (texts[0], texts[2], texts[3])]
    assert sorted(map(len, (text for batch in google.batches for text in batch))) == [1, most - 1, most]


@pytest.mark.parametrize("api", ["v3", "v2"])
def test_one_bad_text_costs_one_row(api: str, google: FakeGoogle, secrets: EnvironmentSecrets) -> None:
    google.poison = "\ufffe"
    texts = [f"testo {n}" for n in range(60)]
    texts[17] += google.poison
    translated = translate(google, secrets, texts, "it", api=api)
    assert isinstance(translated[17], RowError)
    assert [t for n, t in enumerate(translated) if n != 17] == [f"[it] {t}" for n, t in enumerate(texts) if n != 17]


@pytest.mark.parametrize(
    ("options", "secret", "said"),
    [
        ({"api": "v2", "auth": "api_key"}, "wrong-google-key-0002", "API key not valid"),
        ({"api": "v3", "project": "not-ours"}, None, "Invalid 'parent'"),
        ({"api": "v3", "location": "nowhere"}, None, "Invalid 'parent'"),
    ],
)
def test_what_is_wrong_with_our_account_is_no_fault_of_the_texts(
    options: dict[str, Any],
    secret: str | None,
    said: str,
    google: FakeGoogle,
    secrets: EnvironmentSecrets,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if secret:
        monkeypatch.setenv("SOCIALNLP_SECRET_GOOGLE_TRANSLATE", secret)
    with pytest.raises(SourceRefused, match=f"{said}.*check the secret google_translate"):
        translate(google, secrets, [f"testo {n}" for n in range(100)], "it", **options)
    assert google.calls - google.tokens == 1


def test_a_language_that_google_does_not_know_costs_one_question(
    google: FakeGoogle, secrets: EnvironmentSecrets
) -> None:
    translated = translate(google, secrets, ["a", "b", "c"], "xx")
    assert all(isinstance(row, RowError) and "language" in row.reason for row in translated)
    assert len(google.batches) == 1


def test_the_minutes_quota_is_waited_out(google: FakeGoogle, secrets: EnvironmentSecrets) -> None:
    google.faults.script(["ok", "user_rate", "user_rate"])
    assert translate(google, secrets, ["ciao"], "it") == ["[it] ciao"]


@pytest.mark.parametrize("quota", ["daily", "per_day"])
def test_the_days_quota_stops_at_once(quota: str, google: FakeGoogle, secrets: EnvironmentSecrets) -> None:
    google.faults.script(["ok", quota])
    with pytest.raises(SourceRefused, match="after midnight Pacific time"):
        translate(google, secrets, ["ciao"], "it")
    assert google.calls == 2


def test_a_token_that_expired_is_renewed(google: FakeGoogle, secrets: EnvironmentSecrets) -> None:
    google.token_uses = 1
    texts = [f"{n} {'x' * 20_000}" for n in range(4)]
    assert translate(google, secrets, texts, "it") == [f"[it] {text}" for text in texts]
    assert google.tokens == 4


def test_an_api_key_with_v3_is_refused_at_once(secrets: EnvironmentSecrets) -> None:
    with pytest.raises(Exception, match="v3 takes no API keys"):
        GoogleTranslateResource(secrets=secrets, api="v3", auth="api_key")


def test_a_secret_that_is_no_key_file_says_so(
    google: FakeGoogle, secrets: EnvironmentSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOCIALNLP_SECRET_GOOGLE_TRANSLATE", '{"private_key": "half of it')
    with pytest.raises(SecretError, match=r"google_translate.*download the key again") as raised:
        translate(google, secrets, ["ciao"], "it")
    assert "half of it" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("trouble", ["wrong signature", "wrong places key", "unauthenticated"])
def test_no_secret_is_ever_shown(
    trouble: str,
    google: FakeGoogle,
    secrets: EnvironmentSecrets,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    private = json.loads(google.service_account)["private_key"]
    with pytest.raises(SourceError) as raised:  # noqa: PT012  one of three calls
        if trouble == "wrong signature":
            other = FakeGoogle().service_account
            private = json.loads(other)["private_key"]
            monkeypatch.setenv("SOCIALNLP_SECRET_GOOGLE_TRANSLATE", other)
            translate(google, secrets, ["ciao"], "it")
        elif trouble == "wrong places key":
            monkeypatch.setenv("SOCIALNLP_SECRET_GOOGLE_PLACES_KEY", "wrong-google-key-0002")
            reviews(google, secrets, places={"store": ["ChIJ-1"]})
        else:
            google.token_uses = 0
            reviews(google, secrets, locations={"store": [LOCATION]})
    shown = (
        "".join(traceback.format_exception(raised.value)) + repr(raised.value) + caplog.text + str(capfd.readouterr())
    )
    for secret in (API_KEY, "wrong-google-key-0002", "sample-google-token", *private.splitlines()):
        assert secret not in shown
