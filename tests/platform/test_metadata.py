"""What the UI shows of an hour."""

from __future__ import annotations

import pytest

from tests.platform.conftest import Platform, message

pytestmark = pytest.mark.slow  # each runs an hour, with its checks


def test_the_ui_says_what_waits_in_quarantine_and_why(platform: Platform) -> None:
    broken = [message(number, channelCreatedTime="no time") for number in range(7)]
    platform.land([message(100), *broken])
    (event,) = platform.ingest().get_asset_materialization_events()
    shown = event.materialization.metadata
    assert shown["rows_quarantined"].value == 7
    assert str(shown["quarantine"].value).endswith("quarantine/sprinklr/posts/date=2026-11-20/hour=08/part.parquet")
    lines = str(shown["quarantined"].value).splitlines()
    assert "record 1" in lines[0]
    assert lines[-1] == "- and 2 more: `socialnlp quarantine list`"


def test_an_hour_without_quarantine_says_nothing_of_it(platform: Platform) -> None:
    platform.land([message(1)])
    (event,) = platform.ingest().get_asset_materialization_events()
    assert "quarantine" not in event.materialization.metadata
    assert "| message&#95;id | m1 |" in str(event.materialization.metadata["preview"].value)
