"""What a landed file may hold, and what is read of it."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from socialnlp_assets.landing import Message, read_messages, read_records
from socialnlp_assets.landing.text import CHUNK
from socialnlp_assets.sources import shapes, standardise

TEXTS = ["La bolletta è più cara, perché?", 'He said "fine"; then left\nand came back', "", "emoji 😀 [1] {x}"]


def message(index: int, text: str) -> dict[str, Any]:
    return {
        "messageId": f"m{index}",
        "channelType": "TWITTER",
        "createdTime": 1_763_625_600_000 + index,
        "content": {"text": text, "attachment": None},
        "language": "it",
        "topicIds": [1, index],
        "senderProfile": {"username": "anna", "followers": 10},
    }


MESSAGES = [message(index, text) for index, text in enumerate(TEXTS)]


def read(data: bytes) -> list[dict[str, Any]]:
    messages, rejects = read_messages(data, "batch.json", shapes())
    assert rejects == []
    assert [m.position for m in messages] == list(range(len(messages)))
    return [m.raw for m in messages]


def as_json(messages: Any = MESSAGES, **options: Any) -> bytes:
    return json.dumps(messages, ensure_ascii=False, **options).encode()


def as_lines() -> bytes:
    return b"\n".join(as_json(m) for m in MESSAGES)


def as_parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(MESSAGES), sink)
    return sink.getvalue()


FORMATS: dict[str, Callable[[], bytes]] = {
    "list": as_json,
    "indented list": lambda: as_json(indent=2),
    "lines": as_lines,
    "lines with Windows ends and blanks": lambda: as_lines().replace(b"\n", b"\r\n\r\n"),
    "one after another, indented": lambda: b"\n".join(as_json(m, indent=2) for m in MESSAGES),
    "lists in lines": lambda: as_json(MESSAGES[:2]) + b"\n" + as_json(MESSAGES[2:]),
    "pages in a list": lambda: as_json([MESSAGES[:1], MESSAGES[1:]]),
    "v2 reply": lambda: as_json({"data": {"result": MESSAGES, "hasMore": False}, "errors": []}),
    "v1 reply": lambda: as_json({"status": 200, "response": {"data": MESSAGES, "hasMore": False}}),
    "replies in lines": lambda: b"\n".join(as_json({"data": {"result": [m]}}) for m in MESSAGES),
    "object of messages": lambda: as_json({m["messageId"]: m for m in MESSAGES}),
    "parquet": as_parquet,
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", FORMATS)
def test_formats(kind: str, packed: bool) -> None:
    data = FORMATS[kind]()
    assert read(gzip.compress(data) if packed else data) == MESSAGES


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings(encoding: str) -> None:
    assert read(as_json().decode().encode(encoding)) == MESSAGES


def test_latin_1_text_comes_out_as_meant() -> None:
    italian = [message(0, "Perché è così? Già… “ciò”")]
    assert read(as_json(italian).decode().encode("cp1252")) == italian


def test_utf_8_with_one_byte_of_latin_1() -> None:
    data = as_json([message(0, "perché 😀 X")]).replace(b"X", b"\xe8")
    assert read(data)[0]["content"]["text"] == "perché 😀 è"


def test_emoji_written_as_two_surrogates_in_utf_8() -> None:
    data = as_json([message(0, "X")]).replace(b"X", "\ud83d\ude00".encode("utf-8", "surrogatepass"))
    assert standardised(read_messages(data, "f", shapes()).messages[0])["message"] == "😀"


def standardised(found: Message) -> dict[str, Any]:
    row = standardise(found, ["sprinklr"])
    assert isinstance(row, dict), row
    return row


def table(rows: list[dict[str, Any]], delimiter: str = ",") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_table_with_dotted_columns(delimiter: str) -> None:
    flat = pd.json_normalize(MESSAGES).to_dict("records")
    messages, rejects = read_messages(
        table([{str(k): v for k, v in row.items()} for row in flat], delimiter), "x.csv", shapes()
    )
    assert rejects == []
    rows = [standardised(m) for m in messages]
    assert [row["message"] for row in rows] == TEXTS
    assert [row["topic_ids"] for row in rows] == [["1", "0"], ["1"], ["1", "2"], ["1", "3"]]
    assert rows[0]["author"] == "TWITTER:anna"


def test_a_table_whose_cells_hold_what_python_prints() -> None:
    messages, rejects = read_messages(pd.DataFrame(MESSAGES).to_csv().encode(), "frame.csv", shapes())
    assert rejects == []
    assert [standardised(m)["message"] for m in messages] == TEXTS
    assert standardised(messages[0])["author_followers"] == 10


def test_parquet_from_a_data_frame_with_missing_numbers() -> None:
    frame = pd.json_normalize([*MESSAGES, {**message(9, "last"), "senderProfile": {}}])
    messages, rejects = read_messages(frame.to_parquet(), "frame.parquet", shapes())
    assert rejects == []
    rows = [standardised(m) for m in messages]
    assert [row["message"] for row in rows] == [*TEXTS, "last"]
    assert [row["author_followers"] for row in rows] == [10, 10, 10, 10, None]
    assert rows[2]["topic_ids"] == ["1", "2"]


def test_damage_that_makes_parquet_end_early_is_no_silent_loss() -> None:
    whole, told = as_parquet(), 0
    for at in range(len(whole)):
        messages, rejects = read_messages(whole[:at] + b"\x01" + whole[at + 1 :], "x.parquet", shapes())
        assert len(messages) == len(MESSAGES) or rejects
        told += any("could be read" in reject.reason for reject in rejects)
    assert told


def test_table_rows_of_another_length_are_rejected() -> None:
    data = b"messageId,message\nm1,ciao\nm2,a,b\nm3\n\nm4,fine\n"
    messages, rejects = read_messages(data, "x.csv", shapes())
    assert [m.raw["messageId"] for m in messages] == ["m1", "m4"]
    assert [(r.position, r.record) for r in rejects] == [(1, "m2,a,b"), (2, "m3")]
    assert "has 3 cells where the header names 2" in rejects[0].reason


def whole_file(data: bytes) -> str:
    messages, rejects = read_messages(data, "batch-7.json", shapes())
    assert messages == []
    assert [r.position for r in rejects] == [-1]
    assert rejects[0].reason.startswith("batch-7.json: ")
    assert "deliver" in rejects[0].reason
    return rejects[0].reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b" \n\t", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"not JSON at all, is it?", "neither JSON nor a table"),
        (b"product,price\ntea,3\n", "neither JSON nor a table"),
        (b"<html><body>502 Bad Gateway</body></html>", "neither JSON nor a table"),
        (b"null", "neither JSON nor a table"),
        (b"PK\x03\x04rest of an archive", "is a zip archive"),
        (b"PAR1 and nothing of Parquet", "Parquet that cannot be opened"),
        (as_parquet()[:-100], "Parquet that cannot be opened"),
        (gzip.compress(b"[]", mtime=0)[:10], "gzip data is truncated"),
        (b"\x1f\x8b\x08 not deflate", "gzip data is damaged"),
    ],
)
def test_files_of_which_nothing_can_be_read(data: bytes, reason: str) -> None:
    assert reason in whole_file(data)


def test_an_empty_list_is_an_hour_without_messages() -> None:
    assert read(b"[]") == []


def test_a_truncated_list_gives_its_whole_messages() -> None:
    messages, rejects = read_messages(as_json()[:-30], "batch.json", shapes())
    assert [m.raw for m in messages] == MESSAGES[:3]
    assert [r.position for r in rejects] == [3]
    assert "batch.json, record 3" in rejects[0].reason
    assert "truncated" in rejects[0].reason
    assert rejects[0].record.startswith('{"messageId": "m3"')


def test_a_list_cut_between_messages_says_so() -> None:
    messages, rejects = read_messages(as_json()[:-1], "batch.json", shapes())
    assert [m.raw for m in messages] == MESSAGES
    assert "not closed" in rejects[0].reason
    assert rejects[0].record == ""


def test_truncated_gzip_gives_its_whole_messages() -> None:
    many = [message(i, f"text {i * 7919}") for i in range(500)]
    data = gzip.compress(as_json(many))
    messages, rejects = read_messages(data[: len(data) // 2], "batch.json.gz", shapes())
    assert 100 < len(messages) < 400
    assert [m.raw for m in messages] == many[: len(messages)]
    assert [r.position for r in rejects] == [len(messages)]
    assert "gzip data is truncated" in rejects[0].reason


BROKEN = {
    "no value": '{"messageId": nope, "x": [1, {"y": 2}]}',
    "lost closing quote": '{"messageId": "b, "x": 1}',
    "lost opening quote": '{"messageId": b", "x": 1}',
    "lost last quote": '{"messageId": "b", "x": "1}',
    "a number too long": '{"messageId": ' + "9" * 5000 + "}",
    "too deep for the decoder": '{"messageId": ' + "[" * 5000 + "]" * 5000 + "}",
    "too deep for others": '{"messageId": ' + "[" * 150 + "]" * 150 + "}",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_one_broken_record_costs_one_record(kind: str) -> None:
    first, second = (as_json(m).decode() for m in MESSAGES[:2])
    for data in (f"[{first}, {BROKEN[kind]}, {second}]", f"{first}\n{BROKEN[kind]}\n{second}\n"):
        messages, rejects = read_messages(data.encode(), "batch.json", shapes())
        assert [(m.position, m.raw) for m in messages] == [(0, MESSAGES[0]), (2, MESSAGES[1])]
        assert [r.position for r in rejects] == [1]
        assert "batch.json, record 1" in rejects[0].reason
        assert rejects[0].record.startswith(BROKEN[kind][:20])


def test_what_is_no_object_is_rejected_one_by_one() -> None:
    messages, rejects = read_messages(b'[1, null, "text", true, {"messageId": "m"}]', "batch.json", shapes())
    assert [m.position for m in messages] == [4]
    assert [r.position for r in rejects] == [0, 1, 2, 3]
    assert [r.record for r in rejects] == ["1", "null", "text", "true"]


def test_of_duplicate_keys_the_last_counts() -> None:
    assert read(b'{"messageId": "first", "messageId": "last"}') == [{"messageId": "last"}]


def test_nan_is_read() -> None:
    assert math.isnan(read(b'[{"messageId": "m", "score": NaN}]')[0]["score"])


def test_a_rejected_record_is_kept_in_valid_text_of_bounded_length() -> None:
    _, rejects = read_messages(json.dumps(["\ud800\0" + "x" * 100_000]).encode(), "f", shapes())
    assert len(rejects[0].record) < 65_537
    assert rejects[0].record.encode().startswith("\ufffdx".encode())


def test_a_record_that_looks_like_two_where_a_chunk_ends() -> None:
    found = [message(0, "it ends }, {"), message(1, "fine")]
    data = as_json(found)
    for blanks in range(CHUNK - len(data), CHUNK):
        assert read(b"[" + b" " * blanks + data[1:]) == found


class Trickle(io.BytesIO):
    """A stream that gives one byte at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(1, size or 1))


@pytest.mark.parametrize("data", [as_json(), as_lines(), gzip.compress(as_json()), as_json().decode().encode("utf-16")])
def test_pieces_of_any_size_make_the_same_records(data: bytes) -> None:
    assert [r.raw for r in read_records(Trickle(data), "f", shapes()) if isinstance(r, Message)] == MESSAGES


def test_a_number_that_pieces_divide() -> None:
    assert [r.record for r in read_messages(Trickle(b"[12345, 678]"), "f", shapes()).rejects] == ["12345", "678"]
