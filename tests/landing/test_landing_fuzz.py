"""Whatever lands: no crash, and each record comes out as a row or as a reject that says where and why."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socialnlp_assets.landing import Message, Reject, read_records, standardise
from socialnlp_assets.landing.shapes import FIELD_NAMES, SHAPES
from socialnlp_assets.schemas import POSTS

QUICK = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(
    max_examples=2_000,  # of each of five cases: ten thousand
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()), max_size=30)
)
names = st.sampled_from(sorted(FIELD_NAMES)) | st.text(max_size=5)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["text", "followers", "channelId", "languageCode", "code"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)
raw_messages = st.dictionaries(names, values, max_size=5)
likely = st.fixed_dictionaries(
    {"messageId": st.text(min_size=1, max_size=5), "channelType": st.sampled_from(["WEB", "TWITTER"])},
    optional={
        "createdTime": st.integers(1_700_000_000_000, 1_760_000_000_000) | scalars,
        "content": st.fixed_dictionaries({"text": scalars}),
        "topicIds": values,
        "language": scalars,
        "senderProfile": values,
        "location": values,
    },
)
records = st.lists(raw_messages | likely, max_size=3)
sources = st.sampled_from(sorted(SHAPES))


def check(data: bytes, source: str) -> tuple[int, int]:
    """Reads and standardises; returns how many rows and rejects came out, each of them sound."""
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    positions: list[int] = []
    for record in read_records(data, "file.json"):
        positions.append(record.position)
        row = standardise(record, source) if isinstance(record, Message) else record
        if isinstance(row, dict):
            rows.append(row)
        else:
            rejects.append(row)
    of_records = [position for position in positions if position >= 0]
    assert of_records == list(range(len(of_records)))
    for found in rejects:
        assert found.file == "file.json"
        assert found.reason.startswith("file.json")
        assert "deliver" in found.reason or "quote" in found.reason
        (found.reason + found.record).encode()
    table = pa.Table.from_pylist(rows, schema=POSTS.arrow)
    for column in POSTS.columns:
        if column.required and column.name != "language":
            assert table[column.name].null_count == 0, column.name
    return len(rows), len(rejects)


def list_of_messages(found: list[dict[str, Any]], source: str) -> None:
    assert sum(check(json.dumps(found).encode(), source)) == len(found)


def lines_of_messages(found: list[dict[str, Any]], source: str) -> None:
    if found:
        data = "\n".join(json.dumps({"messageId": None} | one) for one in found)
        assert sum(check(data.encode(), source)) >= 1


def damaged_list(found: list[dict[str, Any]], source: str, cuts: list[tuple[int, int, bytes]]) -> None:
    data = json.dumps(found).encode()
    for start, length, instead in cuts:
        start %= len(data) + 1
        data = data[:start] + instead + data[start + length :]
    check(data, source)
    check(gzip.compress(data)[: len(data) // 2 + 5], source)


def anything(data: bytes, source: str) -> None:
    check(data, source)


def table_of_anything(header: list[str], cells: str, source: str) -> None:
    check((",".join(header) + "\n" + cells).encode("utf-8", "surrogatepass"), source)


damage = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 20), st.binary(max_size=4)), max_size=3)
magic = st.sampled_from(
    [b"", b"[", b"{", b"PAR1", b"\x1f\x8b\x08", b"\xff\xfe", b"\xef\xbb\xbf[", b"messageId,message\n"]
)
start_of_anything = st.builds(bytes.__add__, magic, st.binary(max_size=200))
headers = st.lists(st.sampled_from([*sorted(FIELD_NAMES), "content.text", "content", ""]), min_size=1, max_size=6)
cells = st.text(st.sampled_from('abc1,;|\t"\n\r\0é{}[]\ud800 '), max_size=80)

CASES: dict[str, tuple[Any, dict[str, st.SearchStrategy[Any]]]] = {
    "list": (list_of_messages, {"found": records}),
    "lines": (lines_of_messages, {"found": records}),
    "damaged": (damaged_list, {"found": records, "cuts": damage}),
    "anything": (anything, {"data": start_of_anything}),
    "table": (table_of_anything, {"header": headers, "cells": cells}),
}


@pytest.mark.parametrize("case", CASES)
def test_every_record_is_a_row_or_a_reject(case: str) -> None:
    examine, arguments = CASES[case]
    QUICK(given(source=sources, **arguments)(examine))()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_every_record_is_a_row_or_a_reject_in_ten_thousand_examples(case: str) -> None:
    examine, arguments = CASES[case]
    LONG(given(source=sources, **arguments)(examine))()
