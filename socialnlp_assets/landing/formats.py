"""A landed file, whatever its format, into messages and rejects. The content decides, never the name.

| the file holds | it is read as |
|---|---|
| a JSON list | its elements; those of a truncated list that are whole, and a reject for the rest |
| JSON lines, or values one after another | each value; a broken line is one reject |
| one JSON object | the messages of an API reply (`data`, `results`, and as sources say); else one message |
| a table with a header (`,` `;` tab or bar) | its rows (`tables`); a column `content.text` is `text` within `content` |
| Parquet | its rows (`parquet`) |

Any of them may be gzip. Text may be UTF-8, UTF-16 or Latin-1 (see `text`), with byte order marks
wherever files were put one behind the other. Of duplicate keys the last counts;
NaN and Infinity are read and refused only where a field needs a number.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Any

from .json_values import Broken, json_values
from .mapping import Path, Shape
from .message import WHOLE_FILE, Landed, Message, Reject, reject
from .parquet import parquet_rows
from .tables import BYTE_ORDER_MARK, is_header, table_rows
from .text import Source

REPLIES = (("data",), ("result",), ("results",), ("messages",))  # as anybody's API may wrap its messages
NOT_READ = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"%PDF": "PDF",
}
PARQUET_MAGIC = b"PAR1"
LOOK = 64 << 10  # characters that tell what a file is
READABLE = "deliver a JSON list of messages, JSON lines, CSV or Parquet, gzip or not"


class Unreadable(Exception):
    """The file as a whole is nothing that messages could be read from."""

    def __init__(self, problem: str, text: str = "") -> None:
        super().__init__(problem)
        self.problem, self.text = f"{problem}; {READABLE}", text


def read_messages(data: bytes | Iterable[bytes], name: str, shapes: Collection[Shape]) -> Landed:
    """All records of the file `name`, in order. For large files, `read_records` yields them one by one."""
    landed = Landed([], [])
    for record in read_records(data, name, shapes):
        if isinstance(record, Message):
            landed.messages.append(record)
        else:
            landed.rejects.append(record)
    return landed


def read_records(data: bytes | Iterable[bytes], name: str, shapes: Collection[Shape]) -> Iterator[Message | Reject]:
    """The records of the file `name` as they are read, in order; its messages may have any of `shapes`.

    Of `data` that comes in pieces, no more is in memory than a record needs (Parquet excepted, which is read from its
    end). Never raises for what the file holds.
    """
    source = Source(data)
    known = frozenset[str]().union(*(shape.names for shape in shapes))
    replies = (*(path for shape in shapes for path in shape.replies), *REPLIES)
    position = 0
    try:
        values = _values(source, known)
    except Unreadable as error:
        yield reject(name, WHOLE_FILE, source.damage or error.problem, error.text)
        return
    for found in values:
        if isinstance(found, Broken):
            problem = source.damage if found.last and source.damage else found.problem
            yield reject(name, position, problem, found.text)
            if found.last:
                return
            position += 1
            continue
        for value in unwrap(found, known, replies):
            if isinstance(value, dict):
                yield Message(value, name, position)
            else:
                kind = _KINDS.get(type(value), type(value).__name__)
                yield reject(name, position, f"is {kind}, not a message; {READABLE}", value)
            position += 1
    if source.damage:
        yield reject(name, WHOLE_FILE, source.damage)


_KINDS = {list: "a list", str: "a text", int: "a number", float: "a number", bool: "true or false", type(None): "null"}


def _values(source: Source, known: frozenset[str]) -> Iterator[Any | Broken]:
    if source.head.startswith(PARQUET_MAGIC):
        try:
            return parquet_rows(b"".join(source.chunks))
        except ValueError as error:
            raise Unreadable(str(error)) from error
    for magic, kind in NOT_READ.items():
        if source.head.startswith(magic):
            raise Unreadable(f"is {kind}")
    pieces = source.text()
    start, rest = _start(pieces)
    if not start:
        raise Unreadable("is empty")
    text = chain([start, rest], pieces)
    if start[0] in "[{":
        return json_values(text)
    if is_header(re.split(r"[\r\n]", start, maxsplit=1)[0], known):
        return table_rows(text, known)
    if re.search(r"\n\ufeff*[{\[]", start):  # JSON lines whose first is broken
        return json_values(text)
    raise Unreadable("is neither JSON nor a table whose header names a known column", start)


def _start(pieces: Iterator[str]) -> tuple[str, str]:
    """The first characters that are not blank, as many however the text is cut, and what came with them."""
    found, length = list[str](), 0
    for piece in pieces:
        found.append(piece if found else piece.lstrip(f"{BYTE_ORDER_MARK}\0 \t\r\n"))
        length += len(found[-1])
        if not length:
            found.clear()
        elif length >= LOOK:
            break
    start = "".join(found)
    return start[:LOOK], start[LOOK:]


def unwrap(value: Any, known: frozenset[str], replies: Iterable[Path]) -> list[Any]:
    """The messages in one JSON value: of an API's reply, of an object of messages, of a list; else the value.

    A reply holds its messages at one of `replies`; a message has some of the `known` fields.
    """
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return [value]
    for path in replies:
        inner: Any = value
        for key in path:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, list):
            return inner
    members = list(value.values()) if known.isdisjoint(value) else []
    if members and all(isinstance(member, dict) and not known.isdisjoint(member) for member in members):
        return members
    return [value]
