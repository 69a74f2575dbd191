"""The lake, on local disk and on S3: one contract."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pyarrow as pa
import pytest
from moto.server import ThreadedMotoServer

from socialnlp_assets.resources.lake import HourMissing, Lake

HOUR = datetime(2026, 11, 20, 8, tzinfo=UTC)
TABLE = pa.table({"message_id": ["a", "b"], "score": [0.5, 1.0]})


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of moto's server with an empty bucket `lake`."""
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "testing")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        boto3.client("s3", endpoint_url=address, region_name="us-east-1").create_bucket(Bucket="lake")
        yield address
    server.stop()


@pytest.fixture(params=["disk", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    if request.param == "disk":
        return Lake(uri=str(tmp_path / "lake"))
    return Lake(uri=f"s3://lake/{tmp_path.name}", region="us-east-1", endpoint_url=request.getfixturevalue("s3"))


def test_a_table_is_read_as_it_was_written(lake: Lake) -> None:
    path = lake.table_path("sprinklr", "posts", HOUR)
    assert path == "sprinklr/posts/date=2026-11-20/hour=08/part.parquet"
    size = lake.write_table(path, TABLE)
    assert lake.read_table(path) == TABLE
    assert lake.read_table(path, ["score"]).column_names == ["score"]
    assert [file.size for file in lake.objects("sprinklr")] == [size]


def test_writing_again_replaces(lake: Lake) -> None:
    path = lake.table_path("sprinklr", "posts", HOUR)
    lake.write_table(path, TABLE)
    lake.write_table(path, TABLE.slice(1))
    assert lake.read_table(path).to_pylist() == [{"message_id": "b", "score": 1.0}]
    assert len(list(lake.objects("sprinklr"))) == 1


def test_a_missing_hour_says_what_to_do(lake: Lake) -> None:
    with pytest.raises(HourMissing, match=r"hour=08/part\.parquet; materialise the asset"):
        lake.read_table(lake.table_path("sprinklr", "posts", HOUR))


def test_a_large_object_comes_in_pieces(lake: Lake) -> None:
    data = bytes(range(256)) * (16 << 10)
    lake.put("landing/large.json", data)
    pieces = list(lake.chunks("landing/large.json"))
    assert len(pieces) > 1
    assert b"".join(pieces) == data


def test_some_rows_of_a_table_are_written_in_their_order(lake: Lake) -> None:
    table = pa.table({"number": list(range(40_000))})
    positions = list(range(39_999, 0, -2))
    lake.write_table("some.parquet", table, positions)
    assert lake.read_table("some.parquet")["number"].to_pylist() == positions


def test_landed_files_come_by_name_without_unfinished_ones(lake: Lake) -> None:
    folder = lake.landing_folder("sprinklr", HOUR)
    for name in ("b.json", "a.json", ".hidden", "_SUCCESS", "c.json.tmp"):
        lake.put(f"{folder}/{name}", b"[]")
    assert [file.path for file in lake.landed("sprinklr", HOUR)] == [f"{folder}/a.json", f"{folder}/b.json"]


def test_the_entity_tag_changes_with_the_content_and_only_then(lake: Lake) -> None:
    folder = lake.landing_folder("sprinklr", HOUR)
    assert lake.put_if_changed(f"{folder}/a.json", b"[1]")
    first = lake.landed("sprinklr", HOUR)
    assert not lake.put_if_changed(f"{folder}/a.json", b"[1]")
    assert lake.landed("sprinklr", HOUR) == first
    assert lake.put_if_changed(f"{folder}/a.json", b"[2, 3]")
    assert lake.landed("sprinklr", HOUR)[0].etag != first[0].etag


def test_deleting_what_is_gone_is_no_error(lake: Lake) -> None:
    lake.put("x/a", b"1")
    lake.delete(["x/a", "x/a"])
    assert list(lake.objects("x")) == []
