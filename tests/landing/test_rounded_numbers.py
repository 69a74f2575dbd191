"""A number that has lost digits identifies nothing, and as a time may lie in another hour."""

from __future__ import annotations

import io
import json
import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialnlp_assets.landing import Message, Reject, read_records
from socialnlp_assets.sources import shapes, standardise

GOOD = {"messageId": "m", "channelType": "TWITTER", "createdTime": 1_795_161_600_123, "message": "The power is back"}


def as_json(records: list[dict[str, Any]]) -> bytes:
    return json.dumps(records).encode()


def as_lines(records: list[dict[str, Any]]) -> bytes:
    return b"\n".join(json.dumps(record).encode() for record in records)


def as_csv(records: list[dict[str, Any]]) -> bytes:
    lines = [";".join(records[0]), *(";".join(str(value) for value in record.values()) for record in records)]
    return "\n".join(lines).encode()


def as_parquet(records: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), sink)
    return sink.getvalue()


FORMATS = {"list": as_json, "lines": as_lines, "csv": as_csv, "parquet": as_parquet}
every_format = pytest.mark.parametrize("write", FORMATS.values(), ids=FORMATS)


def rows(data: bytes) -> list[dict[str, Any] | Reject]:
    found = read_records(data, "file", shapes())
    return [standardise(one, ["sprinklr"]) if isinstance(one, Message) else one for one in found]


def refused(data: bytes, column: str) -> bool:
    found = rows(data)
    return bool(found) and all(
        isinstance(one, Reject) and f"{column} is a rounded number" in one.reason and "digits" in one.reason
        for one in found
    )


ROUNDED = ["1,67346E+18", "1.67346E+18", "1,23457E+17", "1.23457e+17", "1E+18", "2,0E+15", "9007199254740993.0"]


@every_format
@pytest.mark.parametrize("identity", ROUNDED)
def test_an_identity_in_a_spreadsheets_notation_is_refused(write: Any, identity: str) -> None:
    assert refused(write([GOOD | {"messageId": identity}] * 3), "message id")


@every_format
@pytest.mark.parametrize("identity", [1.67346e18, float(2**53 + 2), 1e22])
def test_a_float_beyond_its_digits_is_no_identity(write: Any, identity: float) -> None:
    assert refused(write([GOOD | {"messageId": identity}]), "message id")


def test_a_number_with_an_exponent_in_json_is_no_identity() -> None:
    data = as_json([GOOD]).replace(b'"m"', b"1.67346E+12")
    assert refused(data, "message id")


@every_format
@pytest.mark.parametrize(
    ("identity", "name"),
    [
        *((1_673_461_234_567_890_123, "1673461234567890123"), ("1673461234567890123", "1673461234567890123")),
        *(("1E5", "1E5"), ("12e05", "12e05"), ("1.5", "1.5"), ("v1.0", "v1.0"), ("1,67346", "1,67346")),
        *(("1.673461234567890123E+18", "1673461234567890123"), (2**53 - 1, str(2**53 - 1))),
    ],
)
def test_exact_identities_stay(write: Any, identity: Any, name: str) -> None:
    (row,) = rows(write([GOOD | {"messageId": identity}]))
    assert isinstance(row, dict)
    assert row["message_id"] == name


@pytest.mark.parametrize("shown", ["########", "#N/A", "#RIF!", "#VALEUR!"])
def test_what_a_spreadsheet_shows_instead_of_a_value_is_no_identity(shown: str) -> None:
    (found,) = rows(as_csv([GOOD | {"messageId": shown}]))
    assert isinstance(found, Reject)
    assert "identifies nothing" in found.reason


def test_a_rounded_topic_is_no_topic() -> None:
    assert refused(as_csv([GOOD | {"topicIds": "1,67346E+18"}]), "topic ids") or refused(
        as_csv([GOOD | {"topicIds": "1.67346E+18"}]), "topic ids"
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_single_precision_has_too_few_digits(dtype: Any) -> None:
    column = np.array([60000], dtype) if dtype is np.float16 else np.array([1_673_461_234], dtype)
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([GOOD]).set_column(0, "messageId", pa.array(column)), sink)
    assert refused(sink.getvalue(), "message id")
    sink = io.BytesIO()
    times = pa.array(np.array([1_795_161_600_123], np.float32))
    pq.write_table(pa.Table.from_pylist([GOOD]).set_column(2, "createdTime", times), sink)
    assert refused(sink.getvalue(), "created at")


@every_format
@pytest.mark.parametrize("time", ["1.79516E+12", "1,79516E+12", "1.8E+9", "1,79516160E+12", "2E+12"])
def test_a_rounded_time_is_refused(write: Any, time: str) -> None:
    assert refused(write([GOOD | {"createdTime": time}] * 3), "created at")


@every_format
@pytest.mark.parametrize(
    ("time", "when"),
    [
        *(("1.795161600123E+12", "08:00:00.123"), ("1,795161600123E+12", "08:00:00.123")),
        *(("1.795.161.600.123", "08:00:00.123"), ("1 795 161 600 123", "08:00:00.123")),
        *(("20/11/2026 08:15", "08:15:00"), ("11/20/2026 8:15:30 PM", "20:15:30"), ("20.11.2026 08.15.30", "08:15:30")),
        *(("20-11-2026, 12:05 am", "00:05:00"), ("20/11/2026 8:15:30,123", "08:15:30.123")),
        *(("2026-11-20 08:15:30", "08:15:30"), (1_795_161_600_123.0, "08:00:00.123")),
    ],
)
def test_a_time_that_can_be_read_exactly_is_read(write: Any, time: Any, when: str) -> None:
    (row,) = rows(write([GOOD | {"createdTime": time}]))
    assert isinstance(row, dict), row
    assert row["created_at"] == datetime.fromisoformat(f"2026-11-20T{when}+00:00")


@pytest.mark.parametrize(
    ("time", "problem"),
    [
        *(("05/11/2026 08:15", "day may be its month"), ("2026-11-20", "a day without its time")),
        *(("46346.34375", "not plausible"), ("########", "a text where"), ("13/13/2026 08:15", "created at")),
        *(("20/11/2026 15:00 PM", "no time that a clock knows"), ("31/02/2026 08:15", "created at")),
    ],
)
def test_a_time_that_could_be_another_is_refused(time: str, problem: str) -> None:
    (found,) = rows(as_csv([GOOD | {"createdTime": time}]))
    assert isinstance(found, Reject)
    assert problem in found.reason


@given(number=st.integers(10**15, 10**19), digits=st.integers(1, 14), mark=st.sampled_from(".,"))
def test_no_rounded_number_is_ever_an_identity(number: int, digits: int, mark: str) -> None:
    mantissa, exponent = f"{number:.{digits}E}".split("E")
    assert refused(as_csv([GOOD | {"messageId": f"{mantissa.replace('.', mark)}E{exponent}"}]), "message id")


@given(number=st.floats(allow_nan=False, allow_infinity=False, min_value=2.0**53 + 2))
def test_no_large_float_is_ever_an_identity(number: float) -> None:
    assert math.isfinite(number)
    for data in (as_json([GOOD | {"messageId": number}]), as_parquet([GOOD | {"messageId": number}])):
        assert all(isinstance(found, Reject) for found in rows(data))


@given(
    when=st.datetimes(datetime(2001, 1, 1), datetime(2026, 11, 1)).map(lambda when: when.replace(microsecond=0)),
    style=st.sampled_from(["%d.%m.%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %I:%M:%S %p"]),
)
def test_a_spreadsheets_times_are_read_as_meant(when: datetime, style: str) -> None:
    (row,) = rows(as_csv([GOOD | {"createdTime": when.strftime(style)}]))
    assert isinstance(row, dict), row
    assert row["created_at"] == when.replace(tzinfo=UTC)
