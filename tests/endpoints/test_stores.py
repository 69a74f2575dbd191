"""The contract of a lease store, on every implementation; then what only S3 does."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from socialnlp_assets.resources.endpoints.backend import EndpointSpec
from socialnlp_assets.resources.endpoints.records import Holder, Record, State
from socialnlp_assets.resources.leases.s3 import S3Store
from socialnlp_assets.resources.leases.sqlite import SqliteStore
from socialnlp_assets.resources.leases.store import LeaseStore, StoreError, change
from tests.fakes import s3

FIRST = Record(spec=EndpointSpec("translator", "realtime", {"instance_type": "ml.m5.xlarge"}, "1f2e3d4c"))
HOUR = timedelta(hours=1)
Open = Callable[[], LeaseStore[Record]]


@pytest.fixture(scope="module", autouse=True)
def _credentials() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        yield


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def fake() -> Iterator[s3.FakeS3]:
    with s3.serve(s3.FakeS3()) as fake:
        yield fake


@pytest.fixture(params=["sqlite", "s3 by moto", "s3 by our fake"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens one and the same store, as each process would."""
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path / "state" / "leases.db", Record)
    if request.param == "s3 by moto":
        url = request.getfixturevalue("moto_url")
        bucket = f"leases-{os.urandom(4).hex()}"
        location = {"LocationConstraint": "eu-west-1"}
        boto3.client("s3", endpoint_url=url).create_bucket(Bucket=bucket, CreateBucketConfiguration=location)
        return lambda: S3Store(f"s3://{bucket}/lake/leases", Record, region="eu-west-1", endpoint_url=url)
    url = request.getfixturevalue("fake").url
    return lambda: S3Store("s3://bucket/leases", Record, region="eu-west-1", endpoint_url=url)


def joined(record: Record, name: str, now: datetime) -> Record:
    holder = Holder(id=name, run="run", step="step", host="here", pid=1, expires_at=now + HOUR)
    return record.joined(holder, now, HOUR)


def test_there_is_nothing_before_the_first_write(open_store: Open) -> None:
    assert open_store().read(FIRST.key) is None
    assert open_store().records() == []


def test_what_one_writes_another_reads(open_store: Open) -> None:
    record = joined(FIRST, "me", datetime(2026, 11, 20, 8, tzinfo=UTC))
    assert open_store().write(record, None)
    entry = open_store().read(FIRST.key)
    assert entry is not None
    assert entry.record == record
    assert open_store().records() == [record]


def test_the_first_write_happens_once(open_store: Open) -> None:
    assert open_store().write(FIRST, None)
    assert not open_store().write(joined(FIRST, "late", datetime.now(UTC)), None)
    assert open_store().records() == [FIRST]


def test_a_write_replaces_only_the_version_that_it_names(open_store: Open) -> None:
    store = open_store()
    store.write(FIRST, None)
    seen = store.read(FIRST.key)
    assert seen is not None
    assert open_store().write(joined(FIRST, "quick", datetime.now(UTC)), seen.version)
    assert not store.write(joined(FIRST, "slow", datetime.now(UTC)), seen.version)
    assert list(store.records()[0].holders) == ["quick"]


def test_a_record_that_returns_to_what_it_was_has_another_version(open_store: Open) -> None:
    store = open_store()
    store.write(FIRST, None)
    seen = store.read(FIRST.key)
    assert seen is not None
    other = joined(FIRST, "other", datetime.now(UTC))
    assert store.write(other, seen.version)
    between = store.read(FIRST.key)
    assert between is not None
    assert store.write(FIRST, between.version)
    assert not store.write(other, seen.version)  # the ABA problem


def test_nothing_replaces_what_does_not_exist(open_store: Open) -> None:
    assert not open_store().write(FIRST, "0" * 32)


def test_no_change_is_lost_when_sixteen_change_at_once(open_store: Open, request: pytest.FixtureRequest) -> None:
    # moto's compare-and-swap is not atomic: it proves nothing about races
    names = ["alone"] if "moto" in request.node.name else [f"holder-{number}" for number in range(16)]

    def join(name: str) -> None:
        change(open_store(), FIRST, lambda record, now: joined(record, name, now))

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(join, names))
    (record,) = open_store().records()
    assert sorted(record.holders) == sorted(names)
    assert record.epoch == 1


def test_the_clock_is_utc_and_right(open_store: Open) -> None:
    store = open_store()
    store.read(FIRST.key)
    assert abs(store.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert store.now().tzinfo is not None


# S3


def s3_store(fake: s3.FakeS3, **options: object) -> S3Store[Record]:
    return S3Store(
        "s3://bucket/leases", Record, region="eu-west-1", endpoint_url=fake.url, sleep=lambda _: None, **options
    )  # type: ignore[arg-type]


def test_409_is_no_write_and_the_change_is_made_on_what_is_there_then(fake: s3.FakeS3) -> None:
    fake.faults = ["409", "409"]
    store = s3_store(fake)
    assert not store.write(FIRST, None)
    record = change(store, FIRST, lambda record, now: joined(record, "me", now))
    assert store.records() == [record]


@pytest.mark.parametrize("fault", ["412", "lost"])
def test_a_write_whose_success_was_not_told_is_recognised_by_its_nonce(fake: s3.FakeS3, fault: str) -> None:
    fake.faults = [fault]
    store = s3_store(fake)
    assert store.write(FIRST, None)
    entry = store.read(FIRST.key)
    assert entry is not None
    fake.faults = [fault]
    assert store.write(joined(FIRST, "me", datetime.now(UTC)), entry.version)


def test_503_is_no_write(fake: s3.FakeS3) -> None:
    fake.faults = ["503"]
    assert not s3_store(fake).write(FIRST, None)
    assert s3_store(fake).records() == []


def test_a_store_that_takes_no_write_is_told(fake: s3.FakeS3) -> None:
    fake.faults = ["503"] * 1000
    with pytest.raises(StoreError, match=r"none of 60 writes to s3://bucket/leases succeeded"):
        change(s3_store(fake), FIRST, lambda record, now: joined(record, "me", now), lambda _: None)


def test_a_store_that_cannot_be_reached_is_asked_again_and_told() -> None:
    pauses: list[float] = []
    store = S3Store(
        "s3://bucket/leases", Record, region="eu-west-1", endpoint_url="http://127.0.0.1:9", sleep=pauses.append
    )
    with pytest.raises(StoreError, match=r"cannot be used: Could not connect"):
        store.read(FIRST.key)
    assert len(pauses) == 5
    with pytest.raises(StoreError, match=r"cannot be used: Could not connect"):
        store.write(FIRST, None)


@pytest.mark.parametrize("minutes", [-10, 10])
def test_machines_whose_clocks_differ_agree_on_what_has_expired(fake: s3.FakeS3, minutes: int) -> None:
    wrong = s3_store(fake, clock=lambda: datetime.now(UTC) + timedelta(minutes=minutes))
    right = s3_store(fake)
    term = timedelta(seconds=60)

    def enter(record: Record, now: datetime) -> Record:
        holder = Holder(id="me", run="", step="", host="", pid=1, expires_at=now + term)
        return record.joined(holder, now, HOUR)

    record = change(wrong, FIRST, enter)
    right.read(FIRST.key)
    assert list(record.live_holders(right.now())) == ["me"]
    assert not record.is_unwanted(right.now())
    assert record.live_holders(right.now() + term + timedelta(seconds=5)) == {}
    assert record.state is State.CREATING


def test_a_missing_bucket_is_named_with_what_is_needed(moto_url: str) -> None:
    store = S3Store("s3://nowhere/leases", Record, region="eu-west-1", endpoint_url=moto_url)
    with pytest.raises(StoreError, match=r"s3://nowhere/leases cannot be used.*NoSuchBucket.*s3:PutObject"):
        store.write(FIRST, None)


def test_a_store_is_not_just_any_address() -> None:
    with pytest.raises(ValueError, match="a path or s3://bucket/prefix, not 'gs://bucket'"):
        S3Store("gs://bucket", Record)


def test_a_record_of_an_earlier_version_is_read_and_replaced(tmp_path: Path) -> None:
    """Whose endpoint would be an orphan otherwise, and every round of the reaper would end at it."""
    store = SqliteStore(tmp_path / "leases.db", Record)
    store.write(FIRST, None)
    earlier = {
        "model": "translator",
        "kind": "realtime",
        "config": {"instance_type": "ml.m5.xlarge"},
        "config_hash": "1f2e3d4c",
        "prefix": "nlp",
        "state": "in service",
        "epoch": 3,
    }
    with closing(sqlite3.connect(tmp_path / "leases.db")) as connection, connection:
        connection.execute("UPDATE leases SET record = ?", (json.dumps(earlier),))
    (record,) = store.records()
    assert (record.spec, record.epoch, record.endpoint) == (FIRST.spec, 3, "nlp-translator-1f2e3d4c-e3")
    assert change(store, FIRST, lambda current, _: current.condemned(3)).state is State.DELETING
