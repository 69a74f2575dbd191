"""What Arrow and pandas know of types ends where a Parquet file is read."""

from __future__ import annotations

import io
import json
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialnlp_assets.landing import Message, read_messages
from socialnlp_assets.partitions import floor_hour
from socialnlp_assets.sources import shapes, standardise

PLAIN = (str, int, float, bool, dict, list, type(None), datetime)
WHEN = datetime(2026, 11, 20, 8, 0, 0, 123456, UTC)
NANOSECONDS = 1_795_161_600_123_456_789


def written(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def read(table: pa.Table) -> list[dict[str, Any]]:
    messages, rejects = read_messages(written(table), "x.parquet", shapes())
    assert rejects == []
    return [message.raw for message in messages]


def value_of(array: pa.Array) -> Any:
    (raw,) = read(pa.table({"messageId": ["m"], "x": array}))
    assert_plain(raw)
    return raw["x"]


def assert_plain(value: Any) -> None:
    assert type(value) in PLAIN, type(value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        assert_plain(inner)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Rome"])
def test_times_of_every_unit_lie_in_their_hour(unit: str, zone: str | None) -> None:
    ticks = NANOSECONDS // {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[unit]
    column = pa.array([ticks], pa.timestamp(unit, zone))
    table = pa.table({"messageId": ["m"], "channelType": ["WEB"], "message": ["x"], "createdTime": column})
    row = standardise(Message(read(table)[0], "x", 0), ["sprinklr"])
    assert isinstance(row, dict), row
    assert type(row["created_at"]) is datetime
    assert floor_hour(row["created_at"]) == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert row["created_at"].microsecond == {"s": 0, "ms": 123000, "us": 123456, "ns": 123456}[unit]


def test_nanoseconds_are_cut_and_never_rounded_into_the_next_hour() -> None:
    last = pa.array([NANOSECONDS // (3600 * 10**9) * 3600 * 10**9 + 3600 * 10**9 - 1], pa.timestamp("ns", "UTC"))
    assert value_of(last) == datetime(2026, 11, 20, 8, 59, 59, 999999, UTC)


NAMED = uuid.uuid4()


@pytest.mark.parametrize(
    ("array", "value"),
    [
        (pa.array([NANOSECONDS], pa.timestamp("ns")), WHEN),
        (pa.array(["a"]).dictionary_encode(), "a"),
        (pa.array([Decimal("1673461234567890123")]), 1_673_461_234_567_890_123),
        (pa.array([Decimal("12.50")]), "12.50"),
        (pa.array([date(2026, 11, 20)]), "2026-11-20"),
        (pa.array([time(8, 15)]), "08:15:00"),
        (pa.array([8 * 3600 * 10**9], pa.time64("ns")), "08:00:00"),
        (pa.array([timedelta(seconds=90)]), 90.0),
        (pa.array([90 * 10**9], pa.duration("ns")), 90.0),
        (pa.array(["perché".encode()]), "perché"),
        (pa.array(["perché".encode("cp1252")]), "perché"),
        (pa.array([float("nan")]), None),
        (pa.array([None], pa.timestamp("ns")), None),
        (pa.array([1.5], pa.float32()), 1.5),
        (pa.array([NAMED.bytes], pa.uuid()), str(NAMED)),
        (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())), {"a": 1}),
        (pa.array([[{"at": WHEN, "of": [b"x", None]}]]), [{"at": WHEN, "of": ["x", None]}]),
        (pa.array([{"at": NANOSECONDS}], pa.struct([("at", pa.timestamp("ns"))])), {"at": WHEN}),
        (pa.array([2**64 - 1], pa.uint64()), 2**64 - 1),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_each_type_becomes_a_plain_value(array: pa.Array, value: Any) -> None:
    assert value_of(array) == value


def test_a_data_frame_with_times_categories_and_gaps() -> None:
    frame = pd.DataFrame(
        {
            "messageId": pd.array([1, 2], dtype="Int64"),
            "channelType": pd.Categorical(["WEB", "TWITTER"]),
            "createdTime": pd.to_datetime(["2026-11-20 08:00:00.123456789", None]).astype("datetime64[ns]"),
            "message": ["first", "second"],
        }
    )
    messages, rejects = read_messages(frame.to_parquet(), "x.parquet", shapes())
    assert rejects == []
    assert [message.raw["createdTime"] for message in messages] == [WHEN, None]
    for message in messages:
        assert_plain(message.raw)


def test_a_rejected_record_can_be_written() -> None:
    table = pa.table({"messageId": ["m"], "createdTime": pa.array([NANOSECONDS], pa.timestamp("ns"))})
    found = standardise(Message(read(table)[0], "x", 0), ["sprinklr"])
    assert not isinstance(found, dict)
    assert json.loads(found.record)["createdTime"].startswith("2026-11-20")


TYPES = st.sampled_from(
    [
        *(pa.int8(), pa.uint64(), pa.float32(), pa.float64(), pa.bool_(), pa.string(), pa.large_string(), pa.binary()),
        *(pa.date32(), pa.date64(), pa.time32("ms"), pa.time64("ns"), pa.timestamp("ns"), pa.timestamp("s", "UTC")),
        *(pa.duration("ns"), pa.decimal128(20, 3), pa.null(), pa.dictionary(pa.int32(), pa.string())),
    ]
)
NESTED = st.recursive(
    TYPES, lambda inner: inner.map(pa.list_) | inner.map(lambda one: pa.struct([("a", one)])), max_leaves=3
)


@settings(deadline=None)
@given(kind=NESTED, number=st.integers(0, 100))
def test_any_type_comes_out_plain_or_as_a_reject(kind: pa.DataType, number: int) -> None:
    value: Any = number
    if not pa.types.is_nested(kind):
        try:
            column = pa.array([value, None]).cast(kind) if not pa.types.is_null(kind) else pa.nulls(2)
        except pa.ArrowException:
            column = pa.nulls(2, kind)
    else:
        column = pa.nulls(2, kind)
    messages, rejects = read_messages(written(pa.table({"messageId": ["a", "b"], "x": column})), "x.parquet", shapes())
    assert len(messages) + len(rejects) == 2
    for message in messages:
        assert_plain(message.raw)
