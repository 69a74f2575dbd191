"""`posts` on real files in a real lake: every record becomes a row, is dropped for a reason, moved or quarantined."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from socialnlp_assets.landing.message import RECORD_LIMIT
from socialnlp_assets.resources.lake import Lake
from tests.platform.conftest import HOUR, Platform, message

pytestmark = pytest.mark.slow  # each runs an hour, with its checks


def counts(platform: Platform, **arguments: Any) -> dict[str, Any]:
    """Run `posts`; the metadata of what it published."""
    result = platform.ingest(**arguments)
    assert result.success
    (event,) = result.get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_messages_become_rows_with_hashed_authors(platform: Platform) -> None:
    platform.land([message(1), message(2)])
    found = counts(platform)
    assert (found["rows_in"], found["rows_out"]) == (2, 2)
    first = platform.rows("posts")[0]
    assert first["message"] == "The power is back"
    assert first["social"] == "TWITTER"
    assert first["topic_ids"] == ["1"]
    assert first["author"]
    assert first["author"] != "77"
    assert "Ada" not in json.dumps(platform.rows("posts"), default=str)


def test_duplicates_and_foreign_languages_are_dropped_and_counted(platform: Platform) -> None:
    platform.land([message(1), message(1), message(2, language="de"), message(3, language="fr")])
    found = counts(platform)
    assert found["dropped"] == {"duplicate": 1, "language de": 1, "language fr": 1}
    assert [row["message_id"] for row in platform.rows("posts")] == ["m1"]


def test_the_same_identity_on_two_channels_is_two_messages(platform: Platform) -> None:
    reddit = message(1, "It is out again", channelType="REDDIT")
    platform.land([message(1), reddit, reddit, message(1)])
    assert counts(platform)["dropped"] == {"duplicate": 2}
    found = [(row["message_id"], row["social"]) for row in platform.rows("posts")]
    assert found == [("m1", "TWITTER"), ("REDDIT:m1", "REDDIT")]


def test_a_missing_language_is_detected(platform: Platform) -> None:
    platform.land([message(1, "La bolletta della luce è arrivata due volte questo mese", language=None)])
    counts(platform)
    (row,) = platform.rows("posts")
    assert (row["language"], row["language_detected"]) == ("it", True)


def test_an_empty_message_without_language_stays(platform: Platform) -> None:
    platform.land([message(1, "", language=None)])
    counts(platform)
    assert platform.rows("posts")[0]["language"] == "und"


def test_a_message_of_another_hour_is_moved_there_and_not_lost(platform: Platform) -> None:
    earlier = int((HOUR - timedelta(minutes=5)).timestamp() * 1000)
    platform.land([message(1), message(2, channelCreatedTime=earlier)])
    found = counts(platform)
    assert found["dropped"] == {"moved to its own hour": 1}
    assert found["moved_to"] == {"2026-11-20 07:00": 1}
    counts(platform)  # the hour again: the message is not moved twice
    before = HOUR - timedelta(hours=1)
    assert counts(platform, hour=before)["rows_in"] == 1
    assert [row["message_id"] for row in platform.rows("posts", hour=before)] == ["m2"]


def test_a_time_before_the_partitions_is_quarantined(platform: Platform) -> None:
    platform.land([message(1), message(2, channelCreatedTime=1_000_000_000_000)])
    counts(platform)
    (row,) = platform.quarantined()
    assert row["position"] == 1
    assert "batch.json, record 1: its hour, 2001-09-09 01:00 UTC, is outside the partitions" in row["reason"]


def test_a_message_of_a_much_later_hour_is_moved_there_too(platform: Platform) -> None:
    """What a source delivers into the wrong hour is not lost for being late: only a time to come is no time."""
    earlier = HOUR - timedelta(hours=72)
    platform.land([message(1)], hour=earlier)
    assert counts(platform, hour=earlier)["moved_to"] == {"2026-11-20 08:00": 1}
    assert counts(platform)["rows_out"] == 1


def test_a_message_of_an_hour_whose_raw_messages_are_gone_is_quarantined(platform: Platform) -> None:
    path = platform.land([message(1)])
    counts(platform)
    platform.lake.delete([path])  # as retention does
    later = HOUR + timedelta(hours=1)
    platform.land([message(2)], hour=later)
    platform.land([message(3, channelCreatedTime=int(later.timestamp() * 1000))], "good.json", hour=later)
    assert counts(platform, hour=later)["rows_quarantined"] == 1
    (row,) = platform.quarantined()
    assert "the raw messages of its hour, 2026-11-20 08:00 UTC, have been removed" in row["reason"]
    assert platform.lake.landed("sprinklr", HOUR) == []


def test_an_hour_that_fails_changes_neither_table_nor_quarantine(platform: Platform) -> None:
    platform.land([message(1), message(2, channelCreatedTime=None)])
    counts(platform)
    rows, quarantined = platform.rows("posts"), platform.quarantined()
    assert len(quarantined) == 1
    broken = platform.land(b"not messages")
    result = platform.ingest()
    assert not result.success
    failed = [check.check_name for check in result.get_asset_check_evaluations() if not check.passed]
    assert failed == ["contract"]
    assert (platform.rows("posts"), platform.quarantined()) == (rows, quarantined)
    failure = result.failure_data_for_node("sprinklr__posts")
    assert failure
    assert failure.user_failure_data
    assert f"1 records could not be taken, the first for this: {broken}" in str(failure.user_failure_data.description)
    assert "batch" in str(failure.user_failure_data.metadata["not_taken"].value)


def test_an_hour_in_which_nothing_landed_is_empty_and_no_failure(platform: Platform) -> None:
    assert counts(platform)["rows_out"] == 0
    assert platform.rows("posts") == []


def test_an_hour_whose_raw_messages_are_gone_keeps_its_rows(platform: Platform) -> None:
    path = platform.land([message(1)])
    counts(platform)
    platform.lake.delete([path])  # as retention does
    failed = platform.ingest().failure_data_for_node("sprinklr__posts")
    assert failed
    assert failed.user_failure_data
    assert "its raw messages have been removed" in str(failed.user_failure_data.description)
    assert [row["message_id"] for row in platform.rows("posts")] == ["m1"]
    platform.land([], "none.json")  # emptied on purpose
    counts(platform)
    assert platform.rows("posts") == []


def test_quarantine_keeps_as_much_of_a_record_as_landing_does(platform: Platform) -> None:
    platform.land([message(1), message(2, "x" * 100_000, channelType=None)])
    counts(platform)
    (row,) = platform.quarantined()
    assert len(row["record"]) == RECORD_LIMIT


def test_quarantine_empties_when_the_record_is_delivered_right(platform: Platform) -> None:
    platform.land([message(1), message(2, channelType=None)])
    counts(platform)
    assert len(platform.quarantined()) == 1
    platform.land([message(1), message(2)])
    counts(platform)
    assert platform.quarantined() == []
    assert len(platform.rows("posts")) == 2


def test_of_what_is_delivered_again_and_changed_the_later_counts(platform: Platform) -> None:
    platform.land([message(1, "first"), message(2, "stays")], "b.json")
    platform.land([message(1, "edited", topicIds=["1", "2"]), message(2, "stays")], "a.json")
    folder = Path(platform.settings.lake_uri, Lake.landing_folder("sprinklr", HOUR))
    os.utime(folder / "b.json", (1, 1))  # delivered long before the other, whatever the names say
    assert counts(platform)["dropped"] == {"delivered again, changed": 1, "duplicate": 1}
    found = {row["message_id"]: row for row in platform.rows("posts")}
    assert (found["m1"]["message"], found["m1"]["topic_ids"]) == ("edited", ["1", "2"])
    assert (found["m2"]["message"], len(found)) == ("stays", 2)


def test_personal_data_of_texts_is_replaced_and_counted(platform: Platform) -> None:
    platform.land(
        [
            message(
                1, "Call +39 340 123 4567 or anna@example.com", permalink="https://anna:pw@twitter.com/anna/status/17"
            )
        ]
    )
    counted = {name: count for name, count in counts(platform).items() if "personal" in name}
    assert counted == {"personal_data/email": 1, "personal_data/phone": 1}
    (row,) = platform.rows("posts")
    assert row["message"] == "Call [phone] or [email]"
    assert row["permalink"] == "https://x.com/i/status/17"


def test_personal_data_stays_where_the_settings_say_so(platform: Platform) -> None:
    platform.settings = platform.settings.model_copy(update={"keep_personal_data": True})
    platform.land([message(1, "Call +39 340 123 4567")])
    platform.ingest()
    assert platform.rows("posts")[0]["message"] == "Call +39 340 123 4567"
