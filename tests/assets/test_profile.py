"""What an hour was like, in counts, and whether another hour has the same texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from socialnlp_assets.assets.profile import (
    SKETCH,
    SKETCHED,
    HourProfile,
    Profiled,
    alike,
    as_table,
    copied_from,
    profile_of,
    read_profiles,
    sketch,
    trailing,
)
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.schemas import POSTS
from socialnlp_assets.workflow import load_workflows
from tests.assets.tables import table
from tests.platform.conftest import HOUR

STEPS = {step.name: step for step in load_workflows()["sprinklr"].all_steps()}
PROFILE = STEPS["profile"]
ONE = timedelta(hours=1)


def profiled() -> Profiled:
    """Four messages: two say the same, one is of letters beyond ASCII, one has what a program left."""
    keys = ["1", "2", "3", "4"]
    tables = {
        "posts": table(
            POSTS,
            message_id=keys,
            message=["thanks, great", "thanks, great", "perché?", "a &amp; b"],
            language=["en", "en", "it", "it"],
            created_at=[HOUR + timedelta(minutes=minute) for minute in (0, 9, 10, 59)],
            author=["a", "a", "b", None],
            author_followers=[0, 1, 700, None],
        ),
        "translations": table(
            STEPS["translations"].table(),
            message_id=keys,
            text_en=["thanks, great", "thanks, great", "terrible awful disgusting", "zzkq zzkqx zzkqy"],
            translated=[False, False, True, True],
        ),
        "sentiments": table(
            STEPS["sentiments"].table(),
            message_id=keys,
            sentiment=["positive", "positive", "negative", "neutral"],
            sent_positive=[0.95, 1.0, 0.02, 0.001],
        ),
    }
    return profile_of([STEPS[name] for name in tables], tables)


def test_an_hour_is_counted_by_what_its_columns_say() -> None:
    found = profiled()
    assert found["volume"] == {"messages": 4.0}
    assert found["posts.language"] == {"en": 2.0, "it": 2.0}
    assert found["posts.repeated"] == {"yes": 2.0, "no": 2.0}
    assert found["posts.letters"] == {"ASCII": 3.0, "others, too": 1.0}
    assert found["posts.marks"] == {"none": 3.0, "of a program": 1.0}
    assert found["posts.minutes"] == {"00": 2.0, "10": 1.0, "50": 1.0}
    assert found["posts.author"] == {"again": 2.0, "once": 1.0, "none": 1.0}
    assert found["posts.author_followers"] == {"0": 1.0, "1": 1.0, "10": 1.0, "none": 1.0}  # bits
    assert found["posts.message"] == {"4": 2.0 + 1.0, "3": 1.0}  # bits of its length
    assert found["translations.translated"] == {"False": 2.0, "True": 2.0}
    assert found["translations.unknown_words"]["0.9"] == 1.0
    assert found["sentiments.sentiment"] == {"positive": 2.0, "negative": 1.0, "neutral": 1.0}
    assert found["sentiments.sent_positive"] == {"0.9": 2.0, "0.01": 1.0, "0.0": 1.0}
    assert "posts.permalink" in found  # all of them none
    assert "posts.landing_file" not in found


def test_labels_are_counted_beside_the_tone_of_their_texts() -> None:
    by_tone = profiled()["sentiments.sentiment by tone"]
    assert by_tone["positive friendly"] == 2.0
    assert by_tone["negative unfriendly"] == 1.0


def test_texts_of_the_hour_are_kept_as_digests_that_forget_spaces_and_capitals() -> None:
    assert len(profiled()[SKETCH]) == 3
    assert sketch(["The  Power\nis back"]) == sketch(["the power is back"]) != sketch(["the power is out"])
    many = [f"text {number}" for number in range(3 * SKETCHED)]
    assert len(sketch(many)) == SKETCHED


def test_how_alike_hours_are_is_the_share_of_texts_that_both_have() -> None:
    texts = [f"text {number}" for number in range(100)]
    assert alike(sketch(texts), sketch(texts)) == 1.0
    assert alike(sketch(texts), sketch(texts[:50])) == 0.5
    assert alike(sketch(texts[:50]), sketch(texts)) == 1.0
    assert alike(sketch(texts), []) == alike([], sketch(texts)) == 0.0
    many = [f"text {number}" for number in range(10 * SKETCHED)]
    assert alike(sketch(many), sketch(many[: 5 * SKETCHED])) == pytest.approx(0.5, abs=0.15)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(uri=str(tmp_path / "lake"))


def keep(lake: Lake, when: datetime, profile: Profiled) -> None:
    lake.write_table(lake.table_path("sprinklr", HourProfile.name, when), as_table(profile, PROFILE.table()))


@pytest.mark.parametrize(
    ("back", "share", "told"),
    [
        (timedelta(hours=1), 1.0, "2026-11-20-07:00: 100% of its texts"),
        (timedelta(hours=24), 0.8, "2026-11-19-08:00: 80% of its texts"),
        (timedelta(days=7), 1.0, "2026-11-13-08:00: 100% of its texts"),
        (timedelta(hours=1), 0.7, None),
        (timedelta(hours=30), 1.0, None),  # neither of the day before nor of this hour of the day
        (timedelta(days=8), 1.0, None),
    ],
)
def test_an_hour_that_has_another_ones_texts_is_told_of(
    lake: Lake, back: timedelta, share: float, told: str | None
) -> None:
    texts = [f"text {number}" for number in range(50)]
    keep(lake, HOUR - back, {SKETCH: dict.fromkeys(sketch(texts[: int(50 * share)]), 1.0)})
    assert copied_from(lake, "sprinklr", HOUR, texts) == told


def test_a_profile_is_read_as_it_was_kept_and_hours_without_one_are_left_out(lake: Lake) -> None:
    profile = {"volume": {"messages": 3.0}, "posts.language": {"it": 2.0, "en": 1.0}}
    keep(lake, HOUR - ONE, profile)
    assert read_profiles(lake, "sprinklr", [HOUR - ONE, HOUR - 2 * ONE]) == {HOUR - ONE: profile}


def test_an_hour_is_compared_with_a_week_and_with_its_like_of_three_weeks_more() -> None:
    monday = datetime(2026, 11, 23, 8, tzinfo=UTC)
    hours = trailing(monday)
    assert hours[:168] == [monday - n * ONE for n in range(1, 169)]
    assert hours[168:] == [monday - timedelta(weeks=n) for n in (2, 3, 4)]
