"""The shapes of raw messages, and a message as a row of `posts`.

A shape says, for each column, where its sources write it: Sprinklr's v2 stream and its v1 replies;
Google's Places (New) and Business Profile reviews. The first place that holds something counts; last,
whatever the source, a field of the column's own name. Unknown fields are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from ..schemas import POSTS
from . import fields
from .records import Message, Reject, reject

ARTICLE_CHANNELS = frozenset({"WEB", "NEWS", "ONLINE_NEWS", "NEWSPAPER", "PRINT", "MAGAZINE", "BLOG", "BLOGS", "PRESS"})
MISSING: Any = object()
COLUMNS = tuple(POSTS.names())
Path = tuple[str, ...]


@dataclass(frozen=True)
class Field:
    """Where a column's value is found, in order of preference, and how it is read."""

    paths: tuple[Path, ...]
    convert: Callable[[Any], Any]
    required: bool = False
    nothing: Any = None  # the value of a field that is absent, or there and null


def _field(*paths: str, convert: Callable[[Any], Any], required: bool = False, nothing: Any = None) -> Field:
    return Field(tuple(tuple(path.split(".")) for path in paths), convert, required, nothing)


SHAPES: dict[str, dict[str, Field]] = {
    "sprinklr": {
        "message_id": _field("messageId", "snMsgId", "message_id", convert=fields.identifier, required=True),
        "social": _field(
            "channelType", "snType", "senderProfile.snType", "social", convert=fields.channel, required=True
        ),
        "created_at": _field(
            *("snCreatedTime", "channelCreatedTime", "createdTime", "created_at"), convert=fields.moment, required=True
        ),
        "language": _field("language", convert=fields.language),
        "title": _field("content.title", "title", convert=fields.optional_text),
        "message": _field("content.text", "message", "text", convert=fields.text, required=True, nothing=""),
        "permalink": _field("permalink", convert=fields.optional_text),
        "topic_ids": _field("topicIds", "topic_ids", convert=fields.topics, nothing=()),
        "author": _field(
            *("senderProfile.channelId", "senderProfile.snId", "senderProfile.username", "senderProfile.screenName"),
            *("senderProfile.name", "author"),
            convert=fields.optional_identifier,
        ),
        "author_followers": _field("senderProfile.followers", "author_followers", convert=fields.count),
        "country": _field("location.additional.code", "country", convert=fields.country),
    },
    "google_maps": {
        "message_id": _field("reviewId", "name", "message_id", convert=fields.identifier, required=True),
        "created_at": _field("publishTime", "createTime", "created_at", convert=fields.moment, required=True),
        "language": _field("originalText.languageCode", "text.languageCode", "language", convert=fields.language),
        # a review of stars alone has no text at all
        "message": _field(
            *("originalText.text", "text.text", "comment", "message", "text"), convert=fields.original_text, nothing=""
        ),
        "permalink": _field("googleMapsUri", "permalink", convert=fields.optional_text),
        "author": _field(
            *("authorAttribution.uri", "authorAttribution.displayName", "reviewer.displayName", "author"),
            convert=fields.optional_identifier,
        ),
        "place_id": _field("placeId", "place_id", convert=fields.optional_text),
        "rating": _field("rating", "starRating", convert=fields.rating),
    },
}
FIELD_NAMES = frozenset(
    path[0] for shape in SHAPES.values() for field in shape.values() for path in field.paths
)  # by which a table's header is known
_PLACE = re.compile(r"(?:^|/)(?:places|locations)/([^/]+)")


def standardise(message: Message, source: str) -> dict[str, Any] | Reject:
    """The message as a row of POSTS, or why it is none. `source` is "sprinklr" or "google_maps".

    `author` is the raw identity, to be hashed (`author_hash`) before it is stored; `language` is None when
    the source names none, to be detected. An empty text is a row like any other.
    """
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row |= {"source": source, "language_detected": False, "topic_ids": []}
    row |= {"landing_file": message.file, "landing_position": message.position}
    for column, field in SHAPES[source].items():
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
    _derive(row, source, message.raw)
    return row


def _rejected(message: Message, problem: str) -> Reject:
    return reject(message.file, message.position, f"{problem}; correct the record and deliver it again", message.raw)


def _derive(row: dict[str, Any], source: str, raw: dict[str, Any]) -> None:
    row["topic_ids"] = list(row["topic_ids"])
    if source == "google_maps":
        row["social"], row["kind"] = "GOOGLE_MAPS", "review"
        name = raw.get("name")
        if row["place_id"] is None and isinstance(name, str) and (place := _PLACE.search(name)):
            row["place_id"] = place[1]
    else:
        row["kind"] = "article" if row["social"] in ARTICLE_CHANNELS else "social"
    if row["author"] is not None:  # the same name on two channels is two people
        row["author"] = f"{row['social']}:{row['author']}"


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
