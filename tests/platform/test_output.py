"""`output` replaces an hour exactly, wherever an earlier run was killed."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from pydantic import PrivateAttr

from socialnlp_assets.assets.output import publish
from socialnlp_assets.assets.step import Hour
from socialnlp_assets.resources.lake import Lake
from tests.platform.conftest import HOUR, Platform


class Killed(BaseException):
    """The process ends, and no `except Exception` hears of it."""


class MortalLake(Lake):
    """A lake whose process is killed when it has written `writes` tables."""

    writes: int
    _written: int = PrivateAttr(default=0)

    def write_table(self, *arguments: Any) -> int:
        if self._written == self.writes:
            raise Killed
        self._written += 1
        return super().write_table(*arguments)


def publish_topics(platform: Platform, lake: Lake, *topics: str) -> None:
    """Publish an hour of one message that has `topics`."""
    hour = Hour("sprinklr", "output", HOUR, platform.settings.start, lake, dg.build_asset_context().log, None)
    publish(hour, pa.table({"message_id": ["m1"], "social": ["WEB"], "topic_ids": [list(topics)]}))


def topics_of(lake: Lake) -> list[str]:
    return sorted(file.path.split("/topic_id=")[1].split("/")[0] for file in lake.objects("output"))


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_run_after_one_that_was_killed_leaves_exactly_its_own_partitions(platform: Platform, writes: int) -> None:
    publish_topics(platform, platform.lake, "1", "2")
    with pytest.raises(Killed):
        publish_topics(platform, MortalLake(uri=platform.settings.lake_uri, writes=writes), "2", "3", "4")
    publish_topics(platform, platform.lake, "2", "5")
    assert topics_of(platform.lake) == ["2", "5"]


def test_what_a_killed_run_did_not_reach_is_still_there(platform: Platform) -> None:
    """Old partitions go last: until then a reader finds the hour's messages, if some of them twice."""
    publish_topics(platform, platform.lake, "1", "2")
    with pytest.raises(Killed):
        publish_topics(platform, MortalLake(uri=platform.settings.lake_uri, writes=1), "3", "4")
    assert topics_of(platform.lake) == ["1", "2", "3"]
