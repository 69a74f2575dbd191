"""A message as a row of `posts`, by the shape that its source gives its messages.

A shape says, for each column, where the source writes it. The first place that holds something counts; last, by
custom, a field of the column's own name, so that people who write their own files find a way in. Unknown fields are
ignored. The shapes themselves lie with their sources.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

from ..schemas import POSTS
from . import fields
from .message import Message, Reject, reject

MISSING: Any = object()
COLUMNS = tuple(POSTS.names())
Path = tuple[str, ...]
Row = dict[str, Any]


@dataclass(frozen=True)
class Field:
    """Where a column's value is found, in order of preference, and how it is read."""

    paths: tuple[Path, ...]
    convert: Callable[[Any], Any]
    required: bool = False
    nothing: Any = None  # the value of a field that is absent, or there and null


def field(*paths: str, convert: Callable[[Any], Any], required: bool = False, nothing: Any = None) -> Field:
    """A field by its paths, such as ``content.text``."""
    return Field(tuple(tuple(path.split(".")) for path in paths), convert, required, nothing)


@dataclass(frozen=True)
class Shape:
    """How the messages of one source look."""

    fields: Mapping[str, Field]  # by column
    complete: Callable[
        [Row, Mapping[str, Any]], None
    ]  # sets what no field says: `kind`, and `social` where it is fixed
    signs: frozenset[str]  # fields that only messages of this shape have
    replies: tuple[Path, ...] = ()  # where an answer of the source's API holds its messages

    @cached_property
    def names(self) -> frozenset[str]:
        """The fields that it knows, by which a table's header is told from other text."""
        return frozenset(path[0] for field in self.fields.values() for path in field.paths)


def standardise(message: Message, source: str, shape: Shape) -> Row | Reject:
    """The message as a row of POSTS, collected by `source` and looking like `shape`, or why it is none.

    `author` is the raw identity, to be hashed (`author_hash`) before it is stored; `language` is None when
    the source names none, to be detected. An empty text is a row like any other.
    """
    row: Row = dict.fromkeys(COLUMNS)
    row |= {"source": source, "language_detected": False, "topic_ids": []}
    row |= {"landing_file": message.file, "landing_position": message.position}
    for column, field in shape.fields.items():
        value = _find(message.raw, field.paths)
        if value is MISSING and field.required:
            names = " or ".join(".".join(path) for path in field.paths)
            return _rejected(message, f"lacks {column.replace('_', ' ')}: no {names}")
        try:
            row[column] = field.nothing if value is MISSING or value is None else field.convert(value)
        except ValueError as error:
            return _rejected(message, f"{column.replace('_', ' ')} is {error}")
        if row[column] is None and field.required:
            return _rejected(message, f"{column.replace('_', ' ')} is null")
    row["topic_ids"] = list(row["topic_ids"])
    shape.complete(row, message.raw)
    if row["author"] is not None:  # the same name on two channels is two people
        row["author"] = f"{row['social']}:{row['author']}"
    return row


def _rejected(message: Message, problem: str) -> Reject:
    return reject(message.file, message.position, f"{problem}; correct the record and deliver it again", message.raw)


def _find(raw: dict[str, Any], paths: tuple[Path, ...]) -> Any:
    """What the first path that holds something holds; None when one holds null; else MISSING."""
    found = MISSING
    for path in paths:
        value: Any = raw
        for key in path:
            if type(value) is str:  # a cell of a table may hold an object
                value = fields.structure(value)
            if type(value) is not dict or key not in value:
                value = MISSING
                break
            value = value[key]
        if value is MISSING:
            continue
        if value is None or value != value:  # NaN
            found = None if found is MISSING else found
        elif value != "" and type(value) is not dict:
            return value
        elif found is MISSING:
            found = value
    return found


def author_hash(identity: str, key: bytes) -> str:
    """A keyed hash (BLAKE2b, 128 bits, hexadecimal) of an author's identity: the same author, the same hash,
    and no way back, nor a way to try names, without the key. Take 16 random bytes or more, from the secret store."""
    if not key:
        raise ValueError("author names are hashed with a key, and it is empty; set it in the secret store")
    key = key if len(key) <= 64 else blake2b(key).digest()
    return blake2b(identity.encode("utf-8", "replace"), key=key, digest_size=16).hexdigest()
