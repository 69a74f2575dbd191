"""How Sprinklr's messages look: those of its v2 stream and of its v1 replies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from socialnlp_assets.landing import Row, Shape, field, fields

ARTICLE_CHANNELS = frozenset({"WEB", "NEWS", "ONLINE_NEWS", "NEWSPAPER", "PRINT", "MAGAZINE", "BLOG", "BLOGS", "PRESS"})


def _complete(row: Row, raw: Mapping[str, Any]) -> None:
    del raw
    row["kind"] = "article" if row["social"] in ARTICLE_CHANNELS else "social"


SHAPE = Shape(
    fields={
        "message_id": field("messageId", "snMsgId", "message_id", convert=fields.identifier, required=True),
        "social": field(
            "channelType", "snType", "senderProfile.snType", "social", convert=fields.channel, required=True
        ),
        "created_at": field(
            *("snCreatedTime", "channelCreatedTime", "createdTime", "created_at"), convert=fields.moment, required=True
        ),
        "language": field("language", convert=fields.language),
        "title": field("content.title", "title", convert=fields.optional_text),
        "message": field("content.text", "message", "text", convert=fields.text, required=True, nothing=""),
        "permalink": field("permalink", convert=fields.optional_text),
        "topic_ids": field("topicIds", "topic_ids", convert=fields.topics, nothing=()),
        "author": field(
            *("senderProfile.channelId", "senderProfile.snId", "senderProfile.username", "senderProfile.screenName"),
            *("senderProfile.name", "author"),
            convert=fields.optional_identifier,
        ),
        "author_followers": field("senderProfile.followers", "author_followers", convert=fields.count),
        "country": field("location.additional.code", "country", convert=fields.country),
    },
    complete=_complete,
    signs=frozenset({"messageId", "snMsgId", "senderProfile"}),
    replies=(("data", "result"), ("response", "data")),
)
