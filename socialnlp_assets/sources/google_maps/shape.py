"""How Google's reviews look: those of Places (New) and of Business Profile."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from socialnlp_assets.landing import Row, Shape, field, fields

_PLACE = re.compile(r"(?:^|/)(?:places|locations)/([^/]+)")


def _complete(row: Row, raw: Mapping[str, Any]) -> None:
    row["social"], row["kind"] = "GOOGLE_MAPS", "review"
    name = raw.get("name")
    if row["place_id"] is None and isinstance(name, str) and (place := _PLACE.search(name)):
        row["place_id"] = place[1]


SHAPE = Shape(
    fields={
        "message_id": field("reviewId", "name", "message_id", convert=fields.identifier, required=True),
        "created_at": field("publishTime", "createTime", "created_at", convert=fields.moment, required=True),
        "language": field("originalText.languageCode", "text.languageCode", "language", convert=fields.language),
        # a review of stars alone has no text at all
        "message": field(
            *("originalText.text", "text.text", "comment", "message", "text"), convert=fields.original_text, nothing=""
        ),
        "permalink": field("googleMapsUri", "permalink", convert=fields.optional_text),
        "author": field(
            *("authorAttribution.uri", "authorAttribution.displayName", "reviewer.displayName", "author"),
            convert=fields.optional_identifier,
        ),
        "place_id": field("placeId", "place_id", convert=fields.optional_text),
        "rating": field("rating", "starRating", convert=fields.rating),
    },
    complete=_complete,
    signs=frozenset({"reviewId", "publishTime", "starRating", "authorAttribution"}),
    replies=(("reviews",),),
)
