"""Files as they land, in every format and in every state: what `posts` makes of them, without Dagster and checks."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from socialnlp_assets.assets.step import Result
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.settings import Settings
from socialnlp_assets.workflow import load_workflows
from tests.checks.scripted import ScriptedEndpoints, hour_of_step
from tests.platform.conftest import HOUR, message


class Landing:
    """The landing area of one hour."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(lake=str(folder / "lake"), state=folder / "state")
        self.lake = Lake(uri=self.settings.lake_uri)

    def land(self, content: bytes, name: str) -> str:
        path = f"{Lake.landing_folder('sprinklr', HOUR)}/{name}"
        self.lake.put(path, content)
        return path

    def posts(self) -> Result:
        """What the step makes of it."""
        hour = hour_of_step("sprinklr", "posts", self.lake, self.settings, ScriptedEndpoints())
        return load_workflows()["sprinklr"].all_steps()[0].compute(hour)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path)


def as_parquet(messages: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(messages), sink)
    return sink.getvalue()


def as_csv(messages: list[dict[str, Any]]) -> bytes:
    rows = [
        f"{m['messageId']},{m['channelType']},{m['channelCreatedTime']},{m['content']['text']},en" for m in messages
    ]
    return "\n".join(["messageId,channelType,channelCreatedTime,message,language", *rows]).encode()


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([message(1), message(2)]).encode(),
        gzip.compress(json.dumps([message(1), message(2)]).encode(), mtime=0),
        "\n".join(json.dumps(message(n)) for n in (1, 2)).encode(),
        json.dumps({"data": {"result": [message(1), message(2)], "hasMore": False}}).encode(),
        as_csv([message(1), message(2)]),
        as_parquet([message(1), message(2)]),
        json.dumps([message(1) | {"unknown": {"deep": [1]}}, message(2)]).encode(),
    ],
    ids=["list", "gzip", "lines", "reply", "csv", "parquet", "unknown fields"],
)
def test_every_format_is_read(landing: Landing, content: bytes) -> None:
    landing.land(content, "batch.bin")
    assert landing.posts().table["message_id"].to_pylist() == ["m1", "m2"]


@pytest.mark.parametrize(
    ("content", "rows_out", "rejected"),
    [
        (b"<html>Developer Over Rate</html>", 1, 1),
        (json.dumps([message(1), message(2)]).encode()[:-40], 2, 1),
        (b"", 1, 1),
        (gzip.compress(json.dumps([message(1)]).encode(), mtime=0)[:-12], 1, 1),
        (json.dumps([message(1, channelCreatedTime=None), message(2)]).encode(), 2, 1),
        (json.dumps([message(1, messageId=None), "text", 7, None, message(2)]).encode(), 2, 4),
        (b"\x00\x01\x02\xff\xfe", 1, 1),
    ],
    ids=["html", "truncated", "0 bytes", "truncated gzip", "no time", "no messages", "binary"],
)
def test_what_cannot_be_read_is_rejected_and_the_rest_goes_on(
    landing: Landing, content: bytes, rows_out: int, rejected: int
) -> None:
    bad = landing.land(content, "bad.json")
    landing.land(json.dumps([message(9)]).encode(), "good.json")
    found = landing.posts()
    assert found.table.num_rows == rows_out
    assert found.rows_in == rows_out + rejected
    assert len(found.rejected) == rejected
    assert all(bad in each.reason and each.file == bad for each in found.rejected)
