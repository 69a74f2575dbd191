"""What becomes of each record that has landed, without Dagster and without checks."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from socialnlp_assets.assets.sorting import Sorter
from socialnlp_assets.landing import Message
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.settings import Settings
from socialnlp_assets.sources.source import SourceOptions
from tests.checks.scripted import ScriptedEndpoints, hour_of_step
from tests.platform.conftest import HOUR, message


def sorted_(folder: Path, *raws: dict[str, Any], key: bytes = b"ours") -> Sorter:
    settings = Settings(lake=str(folder / "lake"), state=folder / "state")
    hour = hour_of_step("sprinklr", "posts", Lake(uri=settings.lake_uri), settings, ScriptedEndpoints())
    sorter = Sorter(SourceOptions(kind="sprinklr", languages=("it", "en")), hour, key)
    for position, raw in enumerate(raws):
        sorter.take(Message(raw, "a.json", position))
    return sorter


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("La bolletta della luce è arrivata due volte", "it"),
        ("buena suerte", "it"),  # Spanish, it seems, of which two words are no proof
        ("super", "it"),
        ("😡😡", "und"),
        ("Der Strom ist wieder da, aber niemand weiß warum", None),  # German beyond doubt
    ],
)
def test_a_message_is_dropped_for_its_language_where_that_is_certain(
    tmp_path: Path, text: str, language: str | None
) -> None:
    sorter = sorted_(tmp_path, message(1, text, language=None))
    assert sorter.table()["language"].to_pylist() == ([language] if language else [])
    assert sorter.dropped == ({} if language else {"language de": 1})
    assert set(sorter.table()["language_detected"].to_pylist()) <= {True}


def test_an_author_is_known_by_a_hash_of_this_installation_alone(tmp_path: Path) -> None:
    (author,) = sorted_(tmp_path, message(1)).table()["author"].to_pylist()
    (again,) = sorted_(tmp_path, message(2)).table()["author"].to_pylist()
    (elsewhere,) = sorted_(tmp_path, message(1), key=b"theirs").table()["author"].to_pylist()
    assert author == again != elsewhere
    assert len(author) == 32


def test_every_record_is_counted_once(tmp_path: Path) -> None:
    earlier = int((HOUR - timedelta(hours=1)).timestamp() * 1000)
    sorter = sorted_(
        tmp_path,
        message(1),
        message(1),
        message(2, "first"),
        message(2, "then"),
        message(3, language="de"),
        message(4, channelCreatedTime=earlier),
        message(5, channelCreatedTime=None),
    )
    table = sorter.table()
    assert table["message"].to_pylist() == ["The power is back", "then"]
    assert sorter.dropped == Counter({"duplicate": 1, "delivered again, changed": 1, "language de": 1})
    assert [each.position for each in sorter.rejected] == [5, 6]  # before the first hour of the partitions; no time
    assert sorter.rows_in == table.num_rows + sorter.dropped.total() + len(sorter.rejected)
