"""Whatever lands: no crash, and each record comes out as a row or as a reject that says where and why."""

from __future__ import annotations

import gzip
import io
import json
import math
from functools import cache
from itertools import accumulate, cycle
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socialnlp_assets.landing import Message, Reject, read_records
from socialnlp_assets.schemas import POSTS
from socialnlp_assets.sources import known_sources, shapes, standardise

QUICK = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck))

# Hypothesis takes about 0.1 ms for each choice that it makes, and the parsers less for a whole message. So a message
# of three fields is one choice: a number whose digits, to the base of all pairs of a name and a value, say which.
TEXTS = [
    "",
    " ",
    "WEB",
    "x" * 2000,
    "\ud83d",
    "\0",
    "é",
    "it_IT",
    "eng",
    "und",
    "FIVE",
    "1e400",
    "NaN",
    "1,2;3",
    "[1, 2]",
]
TEXTS += ["2026-11-20T08:00:00Z", "1763625600000", "99999-01-01", "[", "{'text': 1}", '{"text": "x"}', "[" * 500]
TEXTS += ["(Translated by Google) x (Original) y", "accounts/1/locations/2/reviews/3"]
NUMBERS = [0, -1, 5, 2**63, 10**400, 1.5, math.nan, math.inf, 1_763_625_600, 1_763_625_600_000, -(10**13)]
SCALARS: list[Any] = [None, True, *NUMBERS, *TEXTS]
NESTED: list[Any] = [[], [None], ["1", 1, None, ""], [[[]]], [{}], {}, {"": 1}, {"additional": {"code": "IT"}}]
INNER = ["text", "title", "languageCode", "followers", "channelId", "name", "additional", "code"]
VALUES = [*SCALARS, *NESTED, *({key: value} for key in INNER for value in SCALARS)]
FIELD_NAMES = frozenset[str]().union(*(shape.names for shape in shapes()))
FIELDS = [(name, value) for name in (*sorted(FIELD_NAMES), "", "unknown") for value in VALUES]
COMPLETE: list[dict[str, Any]] = [
    {},
    {
        "messageId": "m",
        "channelType": "WEB",
        "createdTime": 1_763_625_600_000,
        "content": {"text": "The power is back"},
    },
    {"reviewId": "r", "publishTime": "2025-11-20T08:00:00Z"},
]


def message_of(number: int) -> dict[str, Any]:
    number, kind = divmod(number, len(COMPLETE))
    message = dict(COMPLETE[kind])
    while number:
        number, field = divmod(number, len(FIELDS))
        message.update([FIELDS[field]])
    return message


messages = st.integers(0, len(COMPLETE) * len(FIELDS) ** 3).map(message_of)
anything_at_all = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()), max_size=30)
)
free = st.builds(lambda name, value: {name: value}, st.sampled_from(sorted(FIELD_NAMES)), anything_at_all)
records = st.lists(messages | free, max_size=3)
sources = st.sampled_from(sorted(known_sources()))


def check(data: bytes, source: str) -> tuple[int, int]:
    """Reads and standardises; returns how many rows and rejects came out, each of them sound."""
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    positions: list[int] = []
    for record in read_records(data, "file.json", shapes()):
        positions.append(record.position)
        row = standardise(record, [source]) if isinstance(record, Message) else record
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


def encoded(found: list[dict[str, Any]]) -> bytes:
    return json.dumps(found).encode()


def list_of_messages(found: list[dict[str, Any]], source: str) -> None:
    assert sum(check(encoded(found), source)) == len(found)


def lines_of_messages(found: list[dict[str, Any]], source: str) -> None:
    if found:
        data = "\n".join(json.dumps({"messageId": None} | one) for one in found)
        assert sum(check(data.encode(), source)) == len(found)


def damage_done(data: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    for start, length, instead in cuts:
        start %= len(data) + 1
        data = data[:start] + instead + data[start + length :]
    return data


def damaged(data: bytes, source: str, cuts: list[tuple[int, int, bytes]]) -> None:
    data = damage_done(data, cuts)
    check(data, source)
    check(gzip.compress(data)[: len(data) // 2 + 5], source)


def table_of_anything(header: list[str], cells: str, source: str) -> None:
    check((",".join(header) + "\n" + cells).encode("utf-8", "surrogatepass"), source)


@cache
def table_of(count: int, kind: str) -> bytes:
    """A valid table of so many messages: CSV by its delimiter, or Parquet by its compression."""
    rows = [
        {"messageId": f"m{n}", "channelType": "WEB", "createdTime": 1_763_625_600_000 + n, "message": f"The bill {n}"}
        for n in range(count)
    ]
    if kind in CSV:
        return "".join(
            kind.join(map(str, row)) + "\n" for row in ([*rows[0]], *(one.values() for one in rows))
        ).encode()
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([one | {"topicIds": ["1"]} for one in rows]), sink, compression=kind)
    return sink.getvalue()


def damaged_cells(count: int, kind: str, cuts: list[tuple[int, bytes]], source: str) -> None:
    """What stands in a table's cells, its delimiters included, never costs another row."""
    table = bytearray(table_of(count, kind))
    body = [at for at in range(table.index(b"\n") + 1, len(table)) if table[at : at + 1] != b"\n"]
    for at, instead in cuts:
        table[body[at % len(body)]] = instead[0]
    assert sum(check(bytes(table), source)) == count


def damaged_parquet(count: int, kind: str, cuts: list[tuple[int, int, bytes]], source: str) -> None:
    """Either all its rows are read, or a reject says what is wrong."""
    read, rejected = check(damage_done(table_of(count, kind), cuts), source)
    assert rejected or read == count


def in_pieces(data: bytes, source: str, packed: bool, cuts: list[tuple[int, int, bytes]], sizes: list[int]) -> None:
    data = damage_done(gzip.compress(data, mtime=0), cuts) if packed else damage_done(data, cuts)
    ends, pieces, start = accumulate(cycle(sizes)), [], 0
    while start < len(data):
        end = next(ends)
        pieces.append(data[start:end])
        start = end
    assert repr(list(read_records(pieces, "file.json", shapes()))) == repr(
        list(read_records([data], "file.json", shapes()))
    )
    check(data, source)


def layouts(found: list[dict[str, Any]], layout: int) -> bytes:
    """The same records as a list, lines, or one after another; indented by nothing, lines begin with brackets."""
    found = [{"text": "}, {", "topicIds": [{}, []]}, *found]
    if layout < 2:
        return json.dumps(found, indent=[None, 0][layout]).encode()
    return "\n".join(json.dumps(one, indent=[None, 0][layout - 2], ensure_ascii=False) for one in found).encode(
        "utf-8", "surrogatepass"
    )


CSV, PARQUET = (",", ";", "\t", "|"), ("none", "snappy", "zstd")
instead = st.binary(max_size=4) | st.text('{}[]",:\\\n ', max_size=4).map(str.encode)
damage = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 20), instead), max_size=2)
magic = st.sampled_from(
    [b"", b"[", b"{", b"PAR1", b"\x1f\x8b\x08", b"\xff\xfe", b"\xef\xbb\xbf[", b"messageId,message\n"]
)
start_of_anything = st.builds(bytes.__add__, magic, st.binary(max_size=200))
headers = st.lists(st.sampled_from([*sorted(FIELD_NAMES), "content.text", "content", ""]), min_size=1, max_size=4)
cells = st.text('abc1,;|\t"\n\r\0é{}[]\ud800 ', max_size=40)

CELL = [bytes([byte]) for byte in range(256) if byte not in b'"\r\n']
tables = st.builds(lambda h, c: f"{','.join(h)}\n{c}".encode("utf-8", "surrogatepass"), headers, cells)

CASES: dict[str, tuple[Any, dict[str, st.SearchStrategy[Any]]]] = {
    "list": (list_of_messages, {"found": records}),
    "lines": (lines_of_messages, {"found": records}),
    "damaged": (damaged, {"data": st.builds(encoded, records) | start_of_anything, "cuts": damage}),
    "table": (table_of_anything, {"header": headers, "cells": cells}),
    "damaged cells": (
        damaged_cells,
        {
            "count": st.integers(1, 6),
            "kind": st.sampled_from(CSV),
            "cuts": st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(CELL)), max_size=4),
        },
    ),
    "damaged parquet": (
        damaged_parquet,
        {"count": st.integers(1, 6), "kind": st.sampled_from(PARQUET), "cuts": damage},
    ),
    "pieces": (
        in_pieces,
        {
            "data": st.builds(layouts, records, st.integers(0, 3)) | start_of_anything | tables,
            "packed": st.booleans(),
            "cuts": damage,
            "sizes": st.lists(st.integers(1, 40), min_size=1, max_size=5),
        },
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_record_is_a_row_or_a_reject(case: str) -> None:
    examine, arguments = CASES[case]
    QUICK(given(source=sources, **arguments)(examine))()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_every_record_is_a_row_or_a_reject_in_two_thousand_examples(case: str) -> None:
    examine, arguments = CASES[case]
    LONG(given(source=sources, **arguments)(examine))()
