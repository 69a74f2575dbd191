"""Mastodon's hashtags: every status of an hour once, however many hashtags, instances and pages show it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from socialnlp_assets.landing import Message
from socialnlp_assets.resources.caller import RateLimit, SourceRefused, SourceUnavailable
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.sources import standardise
from socialnlp_assets.sources.mastodon import Mastodon
from socialnlp_assets.sources.mastodon.stand_in import FakeMastodon, Raw, status
from socialnlp_assets.sources.source import SourceOptions

from .conftest import HOUR

END = HOUR + timedelta(hours=1)
FAST = {"patience_seconds": 30.0, "first_pause_seconds": 0.01}


def at(minutes: float) -> datetime:
    return HOUR + timedelta(minutes=minutes)


def pulled(instances: Sequence[FakeMastodon], *hashtags: str, hour: datetime = HOUR, **options: Any) -> list[Raw]:
    """What an hour's pull for one workflow lands."""
    fed = {"open_web": SourceOptions(kind="mastodon", languages=("en",))}
    with ExitStack() as stack:
        lake = Lake(uri=stack.enter_context(TemporaryDirectory()))
        urls = [stack.enter_context(instance.serve()) for instance in instances]
        settings = {"instances": urls, "hashtags": {"open_web": list(hashtags)}, **FAST, **options}
        (landed,) = Mastodon(**settings).pull(lake, hour, fed)
        found: list[Raw] = json.loads(lake.get(landed.path))
    return found


def numbers(statuses: Sequence[Raw]) -> list[int]:
    return [int(found["uri"].rsplit("/", 1)[1]) for found in statuses]


def test_a_status_becomes_a_post() -> None:
    made = status(7, at(5), "Energia", text="Power & light > darkness")
    (raw,) = pulled([FakeMastodon([{**made, "tags": [{"name": "energia"}]}])], "#Energia")
    row = standardise(Message(raw, "f", 0))
    assert isinstance(row, dict), row
    assert (row["source"], row["social"], row["kind"]) == ("mastodon", "MASTODON", "social")
    assert row["message"] == "Power & light > darkness\n#Energia"
    assert row["message_id"] == "https://social.example/users/ada/statuses/7"
    assert row["permalink"] == "https://social.example/@ada/7"
    assert row["created_at"] == at(5)
    assert row["language"] == "en"
    assert row["topic_ids"] == ["energia"]
    assert row["author"] == "MASTODON:https://social.example/@ada"
    assert row["author_followers"] == 12


def test_a_status_that_others_drop_has_its_own_hashtags() -> None:
    row = standardise(Message(status(7, at(5), "Energia", "luce", language=None), "f", 0))
    assert isinstance(row, dict)
    assert row["topic_ids"] == ["energia", "luce"]
    assert row["language"] is None


def test_an_hour_of_many_pages_is_whole_with_its_ends_and_nothing_else() -> None:
    last = END - timedelta(milliseconds=1)
    inside = [HOUR, last, *(at(n % 60 + n / 1000) for n in range(200))]
    outside = [HOUR - timedelta(milliseconds=1), END]
    statuses = [status(n, when, "energia") for n, when in enumerate([*inside, *outside])]
    instance = FakeMastodon(statuses)
    assert sorted(numbers(pulled([instance], "energia"))) == list(range(len(inside)))
    assert len(instance.asked) == 7  # five and a bit of forty, and one that is empty


def test_many_statuses_of_one_millisecond_are_told_apart() -> None:
    statuses = [status(n, at(3), "energia") for n in range(120)]
    assert sorted(numbers(pulled([FakeMastodon(statuses)], "energia"))) == list(range(120))


def test_the_same_status_under_two_hashtags_and_on_two_instances_is_one() -> None:
    both, one = status(1, at(1), "energia", "luce"), status(2, at(2), "luce")
    elsewhere = {**both, "id": str(int(both["id"]) + 5), "favourites_count": 9}
    found = pulled([FakeMastodon([both, one]), FakeMastodon([elsewhere])], "energia", "luce")
    assert numbers(found) == [1, 2]
    assert [raw["topic_ids"] for raw in found] == [["energia", "luce"], ["luce"]]
    assert found[0]["favourites_count"] == 0  # as the first instance has it


def test_the_same_number_on_two_instances_is_two_statuses() -> None:
    one = status(1, at(1), "energia")
    other = {**one, "uri": "https://other.example/users/bob/statuses/1"}
    assert len(pulled([FakeMastodon([one]), FakeMastodon([other])], "energia")) == 2


def test_each_workflow_gets_its_own_hashtags_and_a_timeline_is_asked_for_once(tmp_path: Path) -> None:
    instance = FakeMastodon([status(1, at(1), "energia"), status(2, at(2), "luce")])
    lake, options = Lake(uri=str(tmp_path)), SourceOptions(kind="mastodon", languages=("en",))
    with instance.serve() as url:
        source = Mastodon(instances=[url], hashtags={"a": ["energia"], "b": ["luce", "energia"]}, **FAST)
        landed = {
            one.workflow: one.messages for one in source.pull(lake, HOUR, {"a": options, "b": options, "c": options})
        }
    assert landed == {"a": 1, "b": 2, "c": 0}
    assert len(instance.asked) == 4


@pytest.mark.parametrize(
    "fault", ["500", "503", "429", "reset", "truncated", "half_json", "html", "empty", "no_timeline"]
)
def test_what_passes_is_waited_for(fault: str) -> None:
    instance = FakeMastodon([status(n, at(n % 60), "energia") for n in range(100)])
    instance.faults.script(["ok", fault, fault])
    assert len(pulled([instance], "energia")) == 100
    assert instance.faults.done == [fault, fault]


def test_no_call_is_made_beyond_what_the_instance_counts() -> None:
    """Its window is shorter than ours, so that ours never waits: what holds calls back is what its headers say."""
    instance = FakeMastodon([status(n, at(n % 60), "energia") for n in range(300)], calls=3, window_seconds=1.0)
    assert len(pulled([instance], "energia")) == 300
    assert instance.refused <= 1  # the window may turn between an answer and its reading


def test_a_429_waits_until_the_window_ends() -> None:
    instance = FakeMastodon([status(1, at(1), "energia")], calls=1, window_seconds=1.0)
    with instance.serve() as url:
        source = Mastodon(instances=[url], hashtags={"open_web": ["energia"]}, **FAST)
        for _ in range(2):
            assert len(list(source.timeline(url, "energia", HOUR, END))) == 1
    assert instance.refused <= 2


@pytest.mark.parametrize("state", ["members", "gone"])
def test_what_somebody_must_change_is_said_at_once(state: str) -> None:
    instance = FakeMastodon([])
    if state == "members":
        instance.faults.script(["members"])
        with pytest.raises(SourceRefused, match="answered 422: it shows hashtags to its members only; take another"):
            pulled([instance], "energia")
    else:
        with instance.serve() as url, pytest.raises(SourceRefused, match="answered 404"):
            list(Mastodon(**FAST).timeline(f"{url}/nowhere", "energia", HOUR, END))
    assert len(instance.asked) == 1


def test_ids_that_are_no_times_are_refused() -> None:
    class Other(FakeMastodon):
        def page(self, hashtag: str, request: Any) -> list[Raw]:
            del hashtag, request
            return [{**status(1, at(1), "energia"), "id": "01JD3W7ZK2"}]

        def answer(self, request: Any) -> Any:
            from socialnlp_assets.sources.loopback import as_json

            return as_json(self.page("", request))

    with pytest.raises(SourceRefused, match="this is not Mastodon"):
        pulled([Other([])], "energia")


def test_an_instance_that_repeats_itself_is_not_asked_for_ever() -> None:
    class Stuck(FakeMastodon):
        def page(self, hashtag: str, request: Any) -> list[Raw]:
            del hashtag, request
            return list(self.statuses)

    instance = Stuck([status(1, at(1), "energia")])
    with pytest.raises(SourceUnavailable, match="repeats the same page"):
        pulled([instance], "energia")
    assert len(instance.asked) == 2


def test_an_instance_that_ignores_the_end_of_the_hour_adds_nothing_to_it() -> None:
    class Endless(FakeMastodon):
        def page(self, hashtag: str, request: Any) -> list[Raw]:
            return super().page(hashtag, replace(request, query={**request.query, "max_id": str(1 << 80)}))

    statuses = [status(n, at(n), "energia") for n in range(50, 200)]
    assert numbers(pulled([Endless(statuses)], "energia")) == list(range(50, 60))


def test_a_limit_that_is_held_lets_no_call_through() -> None:
    now = [0.0]
    limit = RateLimit([], lambda: now[0], lambda seconds: now.__setitem__(0, now[0] + seconds))
    limit.wait()
    assert now[0] == 0.0
    limit.hold(7.0)
    limit.wait()
    assert now[0] == 7.0
