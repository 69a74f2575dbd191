"""An hour pulled as landing files: shared among workflows, the same again, nothing lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from socialnlp_assets.landing import read_messages
from socialnlp_assets.resources.secrets import EnvironmentSecrets
from socialnlp_assets.settings import Settings
from socialnlp_assets.sources import shapes
from socialnlp_assets.sources.google_maps import GoogleMaps
from socialnlp_assets.sources.google_maps.stand_in import API_KEY, FakeGoogle, many_reviews
from socialnlp_assets.sources.loopback import Faults
from socialnlp_assets.sources.source import landing_file
from socialnlp_assets.sources.sources_file import SourcesError, build_section, configured_sources
from socialnlp_assets.sources.sprinklr import Sprinklr, identity_of
from socialnlp_assets.sources.sprinklr.sharing import split_by_language
from socialnlp_assets.sources.sprinklr.stand_in import FakeSprinklr, many_messages
from socialnlp_assets.workflow import load_workflows

from .conftest import HOUR, pull_hour
from .test_google import END, LOCATION, timedelta
from .test_sprinklr import FAST, in_the_hour

ROUTES = {"sprinklr": ("it", "en"), "rwanda": ("sw", "fr", "en")}
FOLDER = "date=2026-11-20/hour=08"


def said(language: Any, *topics: Any) -> dict[str, Any]:
    return {"messageId": f"{language} {topics}", "language": language, "topicIds": list(topics)}


@pytest.mark.parametrize(
    ("language", "takers"),
    [
        ("it", ["sprinklr"]),
        ("sw", ["rwanda"]),
        ("en", ["sprinklr", "rwanda"]),
        ("en-GB", ["sprinklr", "rwanda"]),
        ("FR", ["rwanda"]),
        ("und", ["sprinklr", "rwanda"]),  # each detects it and keeps what is its own
        (None, ["sprinklr", "rwanda"]),
        ("de", ["sprinklr"]),  # nobody's: one workflow drops and counts it
    ],
)
def test_messages_are_split_by_language(language: Any, takers: list[str]) -> None:
    shares = split_by_language([said(language)], ROUTES)
    assert [workflow for workflow, share in shares.items() if share] == takers


@pytest.mark.parametrize(
    ("message", "takers"),
    [
        (said("en", 9), ["rwanda"]),
        (said("en", "1", 9), ["sprinklr", "rwanda"]),
        (said("und", 1), ["sprinklr"]),
        (said("it", 9), ["sprinklr"]),  # Rwanda's topic, but not its language
        (said("it", 5), ["sprinklr"]),  # matched nobody's topics
        ("no message at all", ["sprinklr"]),
    ],
)
def test_topics_of_its_own_narrow_what_a_workflow_takes(message: Any, takers: list[str]) -> None:
    shares = split_by_language(
        [message], dict(reversed(ROUTES.items())), {"sprinklr": ["1", "2"], "rwanda": ["9"]}, "sprinklr"
    )
    assert [workflow for workflow in ROUTES if shares[workflow]] == takers


def test_an_hour_of_sprinklr_feeds_both_workflows_and_is_the_same_again(secrets: EnvironmentSecrets) -> None:
    workflows = [load_workflows()[name] for name in ROUTES]
    account = FakeSprinklr(many_messages(300, HOUR), overlap=5)
    with account.serve() as url:
        source = Sprinklr(secrets=secrets, url=url, rows=70, **FAST)
        files = pull_hour(source, workflows, HOUR)
        account.messages = list(reversed(account.messages))
        account.faults = Faults(rate=0.2, seed=5, kinds=("truncated", "reset", "500"))
        account.overlap = 0
        assert pull_hour(source, workflows, HOUR) == files
    assert list(files) == [f"landing/{name}/{FOLDER}/sprinklr.json" for name in ROUTES]
    shares = {key.split("/")[1]: json.loads(content) for key, content in files.items()}
    assert {m["language"] for m in shares["sprinklr"]} == {"it", "en"}
    assert {m["language"] for m in shares["rwanda"]} == {"sw", "fr", "en"}
    everything = {identity_of(m) for share in shares.values() for m in share}
    assert sorted(everything) == in_the_hour(list(account.messages))


def test_an_hour_without_messages_is_an_empty_file(secrets: EnvironmentSecrets) -> None:
    with FakeSprinklr([]).serve() as url:
        files = pull_hour(Sprinklr(secrets=secrets, url=url), [load_workflows()["sprinklr"]], HOUR)
    assert files == {f"landing/sprinklr/{FOLDER}/sprinklr.json": b"[]"}


def test_an_hour_of_reviews_goes_to_the_workflow_of_its_place_type(
    secrets: EnvironmentSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    google = FakeGoogle(locations={LOCATION: many_reviews(70, END, timedelta(minutes=1))})
    monkeypatch.setenv("SOCIALNLP_SECRET_GOOGLE_BUSINESS", google.service_account)
    monkeypatch.setenv("SOCIALNLP_SECRET_GOOGLE_PLACES_KEY", API_KEY)
    workflows = [load_workflows()[name] for name in ("gmaps_stores", "gmaps_service_points")]
    with google.serve() as url:
        maps = GoogleMaps(secrets=secrets, locations={"store": [LOCATION]}, business_url=url, token_url=f"{url}/token")
        files = pull_hour(maps, workflows, HOUR)
    counts = {key: len(json.loads(content)) for key, content in files.items()}
    assert counts == {
        f"landing/gmaps_stores/{FOLDER}/google-maps.json": 60,
        f"landing/gmaps_service_points/{FOLDER}/google-maps.json": 0,
    }


def test_landing_bytes_do_not_depend_on_the_order_of_fields() -> None:
    assert landing_file([{"a": 1, "è": "ù"}]) == landing_file([{"è": "ù", "a": 1}]) == '[{"a":1,"è":"ù"}]'.encode()


def test_half_an_emoji_lands_as_it_was_delivered() -> None:
    half, whole = {"text": "perché \ud83d"}, {"text": "perché 😀"}
    assert landing_file([half, whole]) == b'[{"text":"perch\\u00e9 \\ud83d"},{"text":"perch\xc3\xa9 \xf0\x9f\x98\x80"}]'
    assert json.loads(landing_file([half, whole])) == [half, whole]


def test_an_hour_that_holds_half_an_emoji_is_pulled(secrets: EnvironmentSecrets) -> None:
    messages = many_messages(20, HOUR)
    messages[3]["content"]["text"] = messages[4]["messageId"] = "\ud83d"
    with FakeSprinklr(messages).serve() as url:
        files = pull_hour(Sprinklr(secrets=secrets, url=url, **FAST), [load_workflows()["sprinklr"]], HOUR)
    (content,) = files.values()
    records = read_messages(content, "sprinklr.json", shapes())
    assert not records.rejects
    assert sorted(map(identity_of, (m.raw for m in records.messages))) == in_the_hour(messages)


def test_the_sources_file(tmp_path: Path) -> None:
    file = tmp_path / "sources.yaml"
    file.write_text(
        "sprinklr:\n  url: http://127.0.0.1:1/prod2\n  topics: {rwanda: ['9']}\n"
        "google_maps:\n  places: {store: [ChIJ-1]}\n"
    )
    settings = Settings(sources=file, state=tmp_path)
    configured = configured_sources(settings)
    assert list(configured) == ["sprinklr", "google_maps"]
    assert configured["sprinklr"].topics == {"rwanda": ["9"]}  # type: ignore[attr-defined]
    assert configured["google_maps"].places == {"store": ["ChIJ-1"]}  # type: ignore[attr-defined]
    assert configured_sources(Settings(state=tmp_path)) == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("twitter: {}", "sections sprinklr, google_maps, feeds, mastodon, google_translate"),
        ("[1", "not YAML"),
        (None, "unset SOCIALNLP_SOURCES"),
        ("sprinklr: {topic: {}}", "there is no topic; known here: url, api, topics"),
        ("sprinklr: {rows: 5000}", "less than or equal to 1000"),
        ("sprinklr: 7", "sprinklr"),
    ],
)
def test_a_sources_file_that_does_not_fit_says_so(content: str | None, said: str, tmp_path: Path) -> None:
    file = tmp_path / "sources.yaml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SourcesError, match=said) as raised:
        build_section(Settings(sources=file, state=tmp_path), Sprinklr)
    assert str(file) in str(raised.value)
