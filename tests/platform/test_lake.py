"""The lake, on local disk and on S3: one contract."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import boto3
import obstore
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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


# Names that others choose

ODD = ["#1", "batch#1", "a%20b.json", "a b.json", "è.json", "~{^}|.json", "back\\slash", "a\x01b", "new\nline", "\x7f"]


def put_by_others(lake: Lake, key: str | bytes) -> None:
    """As no store of ours would name an object."""
    if lake.folder:
        path = lake.folder / os.fsdecode(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"[]")
    else:
        _, _, bucket, prefix = lake.uri.split("/")
        s3 = boto3.client("s3", endpoint_url=lake.endpoint_url, region_name=lake.region)
        s3.put_object(Bucket=bucket, Key=f"{prefix}/{os.fsdecode(key)}", Body=b"[]")


def listed(lake: Lake, folder: str) -> tuple[list[str], list[str]]:
    """What can be read below a folder, and what is told of the rest."""
    told: list[str] = []
    names = [file.path for file in lake.objects(folder, told.append)]
    assert all(lake.get(name) == b"[]" for name in names)
    return sorted(names), told


def test_what_cannot_be_addressed_is_told_and_all_else_is_read(lake: Lake) -> None:
    names = ODD if lake.folder else [name for name in ODD if "\n" not in name]  # moto's own limit
    for name in names:
        put_by_others(lake, f"l/{name}")
    names = [f"l/{name}" for name in names]
    found, told = listed(lake, "l")
    lost = [name for name in names if name not in found]
    assert len(told) == len(lost)
    control = [name for name in names if any(ord(character) < 32 or character == "\x7f" for character in name)]
    assert sorted(lost) == sorted([*control, *(name for name in names if lake.folder and name.endswith("#1"))])
    assert all(any(repr(name) in line and "give it another one" in line for line in told) for name in lost)


def test_what_the_console_makes_for_a_folder_is_no_object(lake: Lake) -> None:
    folder = lake.landing_folder("sprinklr", HOUR)
    if not lake.folder:
        for key in (f"{folder}/", f"{folder}//a.json"):
            put_by_others(lake, key)
    put_by_others(lake, f"{folder}/b.json")
    assert [file.path for file in lake.landed("sprinklr", HOUR)] == [f"{folder}/b.json"]
    found, told = listed(lake, "landing")
    assert (found, len(told)) == ([f"{folder}/b.json"], 0 if lake.folder else 1)


def test_an_hour_of_one_digit_is_that_hour(lake: Lake) -> None:
    put_by_others(lake, "landing/sprinklr/date=2026-11-20/hour=8/a.json")
    assert [file.path for file in lake.landed("sprinklr", HOUR)] == ["landing/sprinklr/date=2026-11-20/hour=8/a.json"]
    assert list(lake.landed("sprinklr", HOUR + timedelta(hours=10))) == []


@settings(max_examples=30)
@given(
    st.lists(st.binary(min_size=1, max_size=40).map(lambda n: n.replace(b"/", b"-").replace(b"\0", b"-")), max_size=8)
)
def test_no_name_on_a_disk_ends_a_listing(tmp_path_factory: pytest.TempPathFactory, names: list[bytes]) -> None:
    lake = Lake(uri=str(tmp_path_factory.mktemp("lake")))
    wanted = {name for name in names if name not in (b".", b"..")}
    for name in wanted:
        put_by_others(lake, b"l/" + name)
    found, told = listed(lake, "l")
    assert len(found) + len(told) == len(wanted)


def test_entity_tags_are_those_that_the_store_itself_gives(lake: Lake) -> None:
    """Ledgers of landing sensors hold them: spelled otherwise, every hour would run again."""
    lake.put("l/a.json", b"[]")
    (file,) = lake.objects("l")
    assert file.etag == (obstore.head(lake.store, "l/a.json")["e_tag"] or "").strip('"')


def test_a_lake_is_a_folder_or_lies_on_s3() -> None:
    with pytest.raises(ValueError, match=r"a folder or s3://bucket/prefix, not 'gs://lake'"):
        Lake(uri="gs://lake").put("a", b"")


# Credentials


@pytest.fixture
def no_keys(s3: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """moto's address, in an environment that names no keys."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return s3


def test_a_profile_opens_the_lake(no_keys: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "credentials").write_text(
        "[listening]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = secret\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "listening")
    lake = Lake(uri=f"s3://lake/{tmp_path.name}", region="us-east-1", endpoint_url=no_keys)
    lake.put("l/a", b"1")
    assert lake.get("l/a") == b"1"
    assert key_used(lake) == "AKIAPROFILE"


def test_web_identity_opens_the_lake(no_keys: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a pod's service account has it: a token in a file, and a role that STS gives for it."""
    (tmp_path / "token").write_text("a-token-of-the-cluster")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/listening")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", no_keys)
    lake = Lake(uri=f"s3://lake/{tmp_path.name}", region="us-east-1", endpoint_url=no_keys)
    lake.put("l/a", b"1")
    assert lake.get("l/a") == b"1"
    assert key_used(lake).startswith("ASIA")  # of a role that was taken on


def key_used(lake: Lake) -> str:
    """The access key that a request of this lake is signed with: it is in the address that it would sign."""
    address = obstore.sign(lake.store, "GET", "l/a", timedelta(minutes=1))
    return parse_qs(urlsplit(address).query)["X-Amz-Credential"][0].split("/")[0]
