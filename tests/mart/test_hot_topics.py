"""What is on the rise is found in its hour, and what chance brings is not; stories are followed over hours."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from socialnlp_assets.alerts import AlertNotSent
from socialnlp_assets.alerts.resource import build_alerts
from socialnlp_assets.hot_topics.asset import tell_new
from socialnlp_assets.hot_topics.bursts import LEAST_HOURS, bursts
from socialnlp_assets.hot_topics.record import NAMES, update
from socialnlp_assets.hot_topics.rules import RULES, WarningRule
from socialnlp_assets.hot_topics.stories import Message, OpenStory, group, name_of
from socialnlp_assets.mart.build import Mart
from socialnlp_assets.settings import Settings
from socialnlp_assets.workflow import BUILT_IN, WorkflowError, load_workflow
from tests.alerts.test_alerts import receiver
from tests.mart.conftest import HOUR, WORKFLOWS, World, some_messages

FIRE = [
    "Fire at the Modena substation, half the town is dark",
    "RT Fire at the Modena substation, half the town is dark",
    "Half the town is dark after the fire at the Modena substation",
    "Modena substation fire: half of the town dark tonight",
]


def _hour(rng: np.random.Generator, volume: float = 1.0) -> dict[tuple[str, str], int]:
    means = [("phrase", f"phrase {n}", 60 / (n + 1)) for n in range(200)] + [
        ("theme", f"theme {n}", 40) for n in range(10)
    ]
    return {(kind, term): int(rng.poisson(mean * volume)) for kind, term, mean in means} | {
        ("all", "all"): int(rng.poisson(1_000 * volume))
    }


def test_three_times_the_usual_is_a_burst_and_nothing_else_is() -> None:
    rng = np.random.default_rng(1)
    before = [_hour(rng) for _ in range(24)]
    now = _hour(rng)
    assert bursts(now, before) == []
    found = bursts(now | {("theme", "theme 3"): 120, ("phrase", "never heard of"): 20}, before)
    assert {(each.kind, each.term) for each in found} == {("theme", "theme 3"), ("phrase", "never heard of")}
    assert found[0].ratio > 2.5
    assert bursts(now | {("theme", "theme 3"): 120}, before[: LEAST_HOURS - 1]) == []


def test_twice_the_volume_is_one_burst_and_not_one_of_every_phrase() -> None:
    rng = np.random.default_rng(2)
    before = [_hour(rng) for _ in range(24)]
    assert [each.kind for each in bursts(_hour(rng, volume=2.2), before)] == ["all"]
    assert bursts(_hour(rng, volume=2.2), before, level=2.2) == []  # it has been so for a day


def test_an_hour_that_was_a_burst_itself_does_not_hide_the_next() -> None:
    rng = np.random.default_rng(3)
    before = [_hour(rng) for _ in range(24)]
    for hour in before[:2]:
        hour["theme", "theme 3"] = 300
    assert ("theme", "theme 3") in {(each.kind, each.term) for each in bursts(before[0], before[1:])}


def test_messages_on_one_event_are_one_story_and_later_ones_join_it() -> None:
    others = [
        *("Cheese at the market was good", "We need rope for the boat", "My bill came on Tuesday"),
        *("Who has paint to give away", "They play football tonight"),
    ]
    first = group([Message(text, text) for text in [*FIRE[:3], *others]], [], others)
    assert [told.key for told in first] == FIRE[:3]
    (story,) = {told.story for told in first}
    later = group([Message(text, text) for text in [FIRE[3], *others]], [OpenStory(story, tuple(FIRE[:3]))], others)
    assert [(told.key, told.story) for told in later] == [(FIRE[3], story)]
    assert group([Message("1", ""), Message("2", ""), Message("3", "")], [], []) == []


def test_a_story_is_named_by_what_tells_it_from_the_rest() -> None:
    terms = ["Modena", "fire", "Enervia"] * 3 + ["Modena fire", "dark town"]
    assert name_of(terms, {"Enervia": 0.99, "fire": 0.01}, most=2) == ["Modena", "fire"]


def _told(seed: object, extra: list[str], topic: int = 12) -> list[dict[str, Any]]:
    """Messages that are not alike, a dozen of one topic, and `extra` texts of the event."""
    rng = Random(str(seed))
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(rng.choices(letters, k=7)) for _ in range(400)]
    texts = [" ".join(rng.choices(words, k=9)) for _ in range(topic)] + extra
    return [
        message | {"message_id": f"{seed} {number}", "text_enriched": text, "topic_ids": ["1"], "social": "WEB"}
        for number, (message, text) in enumerate(zip(some_messages(seed, len(texts)), texts, strict=True))
    ]


@pytest.mark.slow
def test_bursts_and_stories_are_those_of_a_full_rebuild_whatever_comes_late_or_goes(
    world: World, tmp_path: Path
) -> None:
    for day in range(4):
        world.publish(_told(f"{day} a", []), later=24 * day)
        world.publish(_told(f"{day} b", FIRE[:3] if day == 3 else []), later=24 * day + 1)
    world.update()
    assert update(world.mart).hours == 8
    assert update(world.mart).hours == 0
    (before,) = world.ask("SELECT messages, first_hour FROM story")
    assert before == (3, (HOUR + timedelta(hours=73)).replace(tzinfo=None))
    world.publish(_told("3 c", FIRE[2:], topic=60), later=74)  # a burst of everything, and the story goes on
    world.update()
    update(world.mart)
    assert world.ask("SELECT messages FROM story") == [(5,)]
    assert ("all", "all") in world.ask("SELECT kind, term FROM burst")
    world.publish(_told("0 a late", []), later=2)  # late hours, one run again with another text, one emptied
    world.publish(_told("3 b", FIRE[:2]), later=73)
    world.publish([], later=24)
    world.update()
    update(world.mart)
    again = Mart(tmp_path / "another")
    again.update(world.lake, WORKFLOWS)
    update(again)
    assert _rows(world.mart) == _rows(again)
    assert all(_rows(again).values())


def _rows(mart: Mart) -> dict[str, list[tuple[Any, ...]]]:
    with mart.open() as database:
        return {name: database.sql(f"FROM {name} ORDER BY ALL").fetchall() for name in NAMES}


@pytest.mark.slow
def test_a_burst_that_sounds_bad_is_one_warning_of_its_story_with_its_evidence(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(4):
        for later in (0, 1):
            calm = [message | {"sentiment": "neutral"} for message in _told(f"{day} {later}", [], topic=15)]
            world.publish(calm, later=24 * day + later)
    fire = [message | {"sentiment": "negative", "sent_negative": 0.9} for message in _told("fire", FIRE * 15, topic=0)]
    world.publish([*_told("3 1", [], topic=15), *fire], later=73)
    world.update()
    update(world.mart)
    with receiver() as (address, got):
        alerts = build_alerts(Settings(state=tmp_path, alerts=f"webhook:{address}/a,slack:ops"))
        with pytest.raises(AlertNotSent, match="the secret 'ops' is not set"):
            tell_new(world.mart, {"sprinklr": RULES}, alerts)
        monkeypatch.setenv("SOCIALNLP_SECRET_OPS", f"{address}/b")
        (warned,) = tell_new(world.mart, {"sprinklr": RULES}, alerts)
        assert tell_new(world.mart, {"sprinklr": RULES}, alerts) == [warned]
        stricter = {"sprinklr": (WarningRule(level="high", messages=1_000),)}
        assert tell_new(world.mart, stricter, alerts) == []
    assert [request.path for request in got] == ["/a", "/b"]  # nobody is told twice
    alert = got[0].json()
    assert (warned.level, warned.since) == ("high", (HOUR + timedelta(hours=73)).replace(tzinfo=None))
    assert "(high)" in alert["title"]
    assert any("Modena" in line for line in alert["lines"])


def test_a_rule_that_does_not_fit_is_told_with_file_line_and_remedy(tmp_path: Path) -> None:
    text = (BUILT_IN / "rwanda.yaml").read_text().replace("name: rwanda", "name: mine")
    file = tmp_path / "mine.yaml"
    file.write_text(text + "\nwarnings:\n  - {level: high, time: 3}\n  - {level: loud}\n")
    with pytest.raises(WorkflowError) as told:
        load_workflow(file)
    lines = str(told.value).splitlines()
    assert len(lines) == 2
    assert "did you mean `times`?" in lines[0]
    assert all(f"{file}:{len(text.splitlines()) + n}" in line for n, line in zip((3, 4), lines, strict=True))
