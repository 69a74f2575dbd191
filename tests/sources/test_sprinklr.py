"""Pulling Sprinklr's stream from a stand-in that behaves, and misbehaves, as Sprinklr does."""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from socialnlp_assets.landing import read_messages
from socialnlp_assets.resources.caller import SourceError, SourceRefused, SourceUnavailable
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.secrets import EnvironmentSecrets
from socialnlp_assets.sources import shapes, standardise
from socialnlp_assets.sources.loopback import FAULTS, Faults
from socialnlp_assets.sources.sprinklr import Sprinklr, identity_of, stream, time_of
from socialnlp_assets.sources.sprinklr import stand_in as fake
from socialnlp_assets.sources.sprinklr.stand_in import FakeSprinklr, many_messages
from socialnlp_assets.workflow import load_workflows

from .conftest import HOUR, pull_hour

END = HOUR + timedelta(hours=1)
FAST: dict[str, Any] = {"calls_per_second": 10_000, "calls_per_hour": 1_000_000, "first_pause_seconds": 0.01}


def pulled(account: FakeSprinklr, secrets: EnvironmentSecrets, **options: Any) -> list[Any]:
    with account.serve() as url:
        return list(Sprinklr(secrets=secrets, url=url, **{**FAST, **options}).window(HOUR, END))


def in_the_hour(messages: list[Any]) -> list[str]:
    begin, end = HOUR.timestamp() * 1000, END.timestamp() * 1000
    return sorted(identity_of(m) for m in messages if begin <= (time_of(m) or 0) < end)


@pytest.mark.parametrize("api", ["v2", "v1"])
@pytest.mark.parametrize("inclusive_ends", [True, False])
def test_an_hour_is_half_open_whatever_the_source_thinks_of_ends(
    api: str, inclusive_ends: bool, secrets: EnvironmentSecrets
) -> None:
    account = FakeSprinklr(many_messages(120, HOUR, api), inclusive_ends=inclusive_ends)
    messages = pulled(account, secrets, api=api, rows=50)
    assert sorted(map(identity_of, messages)) == in_the_hour(list(account.messages))
    assert {time_of(m) for m in messages} >= {HOUR.timestamp() * 1000, END.timestamp() * 1000 - 1}
    assert len(messages) == 120


def test_messages_are_delivered_as_they_came(secrets: EnvironmentSecrets) -> None:
    account = FakeSprinklr(many_messages(30, HOUR))
    by_identity = {identity_of(m): m for m in account.messages}
    assert all(by_identity[identity_of(m)] == m for m in pulled(account, secrets))


@pytest.mark.parametrize(("start_counts", "overlap"), [("pages", 0), ("pages", 7), ("rows", 0), ("rows", 7)])
def test_start_may_count_pages_or_rows(start_counts: Any, overlap: int, secrets: EnvironmentSecrets) -> None:
    account = FakeSprinklr(many_messages(450, HOUR), start_counts=start_counts, overlap=overlap)
    messages = pulled(account, secrets, rows=100)
    assert sorted(map(identity_of, messages)) == in_the_hour(list(account.messages))
    assert account.calls <= 8  # not a call a message


def test_only_the_topics_asked_for(secrets: EnvironmentSecrets) -> None:
    account = FakeSprinklr(many_messages(200, HOUR))
    messages = pulled(account, secrets, topics={"sprinklr": ["3"], "rwanda": ["5"]})
    assert messages
    assert all({3, 5} & set(m["topicIds"]) for m in messages)


@pytest.fixture
def hundred(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that pages through a hundred messages of a window, where the real one goes through ten thousand."""
    monkeypatch.setattr(stream, "MOST_OF_A_WINDOW", 100)
    monkeypatch.setattr(fake, "MOST_OF_A_WINDOW", 100)


@pytest.mark.usefixtures("hundred")
@pytest.mark.parametrize("inclusive_ends", [True, False])
def test_a_window_too_large_to_page_is_halved(secrets: EnvironmentSecrets, inclusive_ends: bool) -> None:
    account = FakeSprinklr(many_messages(500, HOUR), inclusive_ends=inclusive_ends)
    messages = pulled(account, secrets, rows=20)
    assert Counter(map(identity_of, messages)) == Counter(in_the_hour(list(account.messages)))
    assert account.calls < 100


@pytest.mark.usefixtures("hundred")
@pytest.mark.parametrize("inclusive_ends", [True, False])
def test_no_message_falls_between_two_halves(secrets: EnvironmentSecrets, inclusive_ends: bool) -> None:
    """A message a millisecond, so that one is at each end of every half."""
    one = many_messages(2, HOUR)[0]
    begin = int(HOUR.timestamp() * 1000)
    raws = [{**one, "messageId": str(number), "channelCreatedTime": begin + number} for number in range(300)]
    account = FakeSprinklr(raws, inclusive_ends=inclusive_ends)
    with account.serve() as url:
        window = Sprinklr(secrets=secrets, url=url, rows=20, **FAST).window(HOUR, HOUR + timedelta(milliseconds=300))
        assert Counter(int(message["messageId"]) for message in window) == Counter(range(300))


@pytest.mark.usefixtures("hundred")
def test_more_messages_in_a_millisecond_than_can_be_paged_are_an_error(secrets: EnvironmentSecrets) -> None:
    one = many_messages(2, HOUR)[0]
    account = FakeSprinklr([{**one, "messageId": str(number)} for number in range(110)])
    with account.serve() as url, pytest.raises(SourceRefused, match="narrow the topics"):
        list(Sprinklr(secrets=secrets, url=url, rows=20, **FAST).window(HOUR, HOUR + timedelta(milliseconds=4)))


def test_a_source_that_repeats_itself_is_not_asked_for_ever(secrets: EnvironmentSecrets) -> None:
    account = FakeSprinklr([many_messages(2, HOUR)[0]] * 500)
    with pytest.raises(SourceUnavailable, match="repeats the same messages"):
        pulled(account, secrets, rows=20)
    assert account.calls < 10


@pytest.mark.slow
@pytest.mark.parametrize("api", ["v2", "v1"])
def test_ten_thousand_messages_through_a_misbehaving_source_arrive_exactly_once(
    api: str, secrets: EnvironmentSecrets, tmp_path: Path
) -> None:
    kinds = tuple(sorted({*FAULTS, "over_rate"} - {"slow"}))
    faults = Faults(rate=0.35, kinds=kinds, seed=7, slow_seconds=2.5)
    faults.script(["truncated", "over_rate", "slow", "reset", "half_json", "html", "empty", "429", "500"])
    account = FakeSprinklr(many_messages(10_000, HOUR, api), overlap=9, token_uses=4, faults=faults)
    lake, workflows = Lake(uri=str(tmp_path / "lake")), [load_workflows()[name] for name in ("sprinklr", "rwanda")]
    with account.serve() as url:
        source = Sprinklr(secrets=secrets, url=url, api=api, rows=500, timeout_seconds=1.5, **FAST)
        for path, content in pull_hour(source, workflows, HOUR).items():
            lake.put(path, content)

    rows: dict[str, dict[str, Any]] = {}  # by message
    landed: Counter[str] = Counter()
    for workflow in workflows:
        (file,) = lake.landed(workflow.name, HOUR)
        messages, rejects = read_messages(lake.chunks(file.path), file.path, shapes())
        assert not rejects
        for one in messages:
            row = standardise(one, ["sprinklr"])
            assert isinstance(row, dict)
            assert row["language"] in workflow.source.languages
            assert HOUR <= row["created_at"] < END
            rows[row["message_id"]] = row
            landed[identity_of(one.raw)] += 1
    assert len(rows) == len(landed) == 10_000
    assert sorted(landed) == in_the_hour(list(account.messages))
    english = sum(row["language"] == "en" for row in rows.values())
    assert Counter(landed.values()) == {1: 10_000 - english, 2: english}  # English feeds both workflows
    assert account.renewals > 3
    assert set(faults.done) >= {"truncated", "slow", "reset", "over_rate"}


@pytest.mark.parametrize(
    "kind", ["truncated", "half_json", "html", "empty", "reset", "429", "500", "502", "503", "over_rate"]
)
def test_one_bad_answer_costs_a_second_question(kind: str, secrets: EnvironmentSecrets) -> None:
    account = FakeSprinklr(many_messages(40, HOUR))
    account.faults.script(["ok", kind])  # the token, then the page
    assert len(pulled(account, secrets)) == 40
    assert account.faults.done == [kind]


def test_a_new_refresh_token_is_kept_for_the_next_process(secrets: EnvironmentSecrets) -> None:
    account = FakeSprinklr(many_messages(40, HOUR))
    pulled(account, secrets)
    assert account.renewals == 1
    later = EnvironmentSecrets(state=secrets.state)
    assert len(pulled(account, later)) == 40
    assert account.renewals == 1  # the kept access token still served
    account.access_token = "revoked by the source"
    assert len(pulled(account, later)) == 40
    assert account.renewals == 2


def test_tokens_that_another_process_renewed_are_taken_from_the_store(secrets: EnvironmentSecrets) -> None:
    account = FakeSprinklr(many_messages(40, HOUR))
    with account.serve() as url:
        ours = Sprinklr(secrets=secrets, url=url, **{**FAST, "rows": 10})
        reading = ours.window(HOUR, END)
        next(reading)
        account.access_token = "revoked by the source"
        theirs = Sprinklr(secrets=EnvironmentSecrets(state=secrets.state), url=url, **FAST)
        assert len(list(theirs.window(HOUR, END))) == 40
        assert len(list(reading)) == 39
    assert account.renewals == 2


def test_a_used_up_refresh_token_says_what_to_do(secrets: EnvironmentSecrets) -> None:
    account = FakeSprinklr([], refresh_token="somebody else used ours", client_credentials=False)
    with pytest.raises(SourceRefused, match="generate new tokens in Sprinklr's developer portal"):
        pulled(account, secrets)


def test_a_refresh_token_lost_on_the_way_is_made_up_for_by_the_clients_credentials(
    secrets: EnvironmentSecrets,
) -> None:
    account = FakeSprinklr(many_messages(40, HOUR))
    account.faults.script(["reset"])  # the source renewed, and we never learnt of it
    assert len(pulled(account, secrets)) == 40
    assert account.renewals == 2


def test_without_a_refresh_token_the_clients_credentials_serve(
    secrets: EnvironmentSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOCIALNLP_SECRET_SPRINKLR_TOKENS")
    assert len(pulled(FakeSprinklr(many_messages(40, HOUR)), secrets)) == 40


def test_developer_inactive_is_final(secrets: EnvironmentSecrets) -> None:
    account = FakeSprinklr([], active=False)
    with pytest.raises(SourceRefused, match=r"Developer Inactive.*sprinklr_key"):
        pulled(account, secrets)
    assert account.calls == 2  # a token, one question, and no more


@pytest.mark.slow
def test_developer_over_rate_is_waited_out(secrets: EnvironmentSecrets) -> None:
    account = FakeSprinklr(many_messages(60, HOUR), calls_per_second=3)
    assert len(pulled(account, secrets, rows=10)) == 60  # 7 calls, in a source that takes 3 a second


def test_a_source_that_stays_down_is_given_up_after_our_patience(secrets: EnvironmentSecrets) -> None:
    account = FakeSprinklr([], faults=Faults(rate=1.0, kinds=("500",)))
    with pytest.raises(SourceUnavailable, match="run the hour again later"):
        pulled(account, secrets, patience_seconds=0.1)


def test_a_stream_that_is_not_enabled_is_said(secrets: EnvironmentSecrets) -> None:
    with pytest.raises(SourceRefused, match="not enabled"):
        pulled(FakeSprinklr([], enabled=False), secrets)


@pytest.mark.parametrize(
    "trouble", ["refused token", "wrong key", "unauthorised", "down", "half of the tokens", "line end"]
)
def test_no_secret_is_ever_shown(
    trouble: str,
    secrets: EnvironmentSecrets,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)  # urllib3's own messages too
    account = FakeSprinklr(many_messages(20, HOUR))
    if trouble == "refused token":
        account.refresh_token, account.client_credentials = (
            "another",
            False,
        )  # the stand-in repeats the refresh token it was sent
    elif trouble == "wrong key":
        monkeypatch.setenv("SOCIALNLP_SECRET_SPRINKLR_KEY", "wrong-api-key-0002")
    elif trouble == "line end":
        monkeypatch.setenv("SOCIALNLP_SECRET_SPRINKLR_KEY", f"{fake.KEY}\r\n")  # as files end; no header takes it
        EnvironmentSecrets(state=secrets.state).put(
            "sprinklr_tokens", SecretStr('{"access_token": "sample-access-token"}')
        )
    elif trouble == "unauthorised":
        account.token_uses = 0  # it repeats the access token, too
    elif trouble == "half of the tokens":
        account.faults = Faults(rate=1.0, kinds=("half_json",))
    else:
        account.faults = Faults(rate=1.0)
    resource = Sprinklr(secrets=secrets)
    with pytest.raises(SourceError) as raised:
        pulled(account, secrets, patience_seconds=0.2, timeout_seconds=0.3)
    trace = "".join(traceback.format_exception(raised.value))
    shown = f"{trace} {raised.value!r} {caplog.text} {capfd.readouterr()} {resource!r} {secrets!r}"
    for secret in (fake.KEY, fake.SECRET, "sample-refresh-token", "wrong-api-key-0002", "sample-access-token"):
        assert secret not in shown
