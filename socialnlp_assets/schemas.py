"""Columns of every asset kind: name, Arrow type, meaning. The one place; Parquet, Dagster's column
schema, expectations and the Athena table are all made from it.

An asset stores its key (`message_id`) and its own new columns; `output` joins.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """One column: `required` columns are never null."""

    name: str
    type: pa.DataType
    meaning: str
    required: bool = True


@dataclass(frozen=True)
class Schema:
    """The columns of one asset kind; `key` names the column that is unique in an hour."""

    name: str
    columns: tuple[Column, ...]
    key: str = "message_id"

    @cached_property
    def arrow(self) -> pa.Schema:
        return pa.schema(
            [pa.field(c.name, c.type, nullable=not c.required, metadata={"comment": c.meaning}) for c in self.columns]
        )

    def names(self) -> list[str]:
        return [column.name for column in self.columns]


TEXT, INT, FLOAT, BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()
TIME = pa.timestamp("ms", tz="UTC")
KEY = Column("message_id", TEXT, "identity of the message at its source; unique in an hour")

POSTS = Schema(
    "posts",
    (
        KEY,
        Column("source", TEXT, "where it was collected: sprinklr or google_maps"),
        Column("social", TEXT, "channel in capitals: TWITTER, FACEBOOK, WEB, GOOGLE_MAPS…"),
        Column("kind", TEXT, "social, article or review"),
        Column("created_at", TIME, "when it was published, UTC"),
        Column("language", TEXT, "ISO 639-1 code; the source's, else detected"),
        Column("language_detected", BOOL, "true when the source named no language"),
        Column("title", TEXT, "title of an article, where the source has one", required=False),
        Column("message", TEXT, "the text as delivered"),
        Column("permalink", TEXT, "address of the post or the article", required=False),
        Column("topic_ids", pa.list_(TEXT), "the source's topics that the message matched"),
        Column("author", TEXT, "keyed hash of the author's identity", required=False),
        Column("author_followers", INT, "followers of the author", required=False),
        Column("country", TEXT, "ISO 3166 code of the place, where known", required=False),
        Column("place_id", TEXT, "Google's identity of the reviewed place", required=False),
        Column("rating", INT, "stars given, 1 to 5", required=False),
        Column("landing_file", TEXT, "the landed file that the message came from"),
        Column("landing_position", INT, "0-based position of the message in that file"),
    ),
)
TRANSLATIONS = Schema(
    "translations",
    (
        KEY,
        Column("text_en", TEXT, "the message in English"),
        Column("translated", BOOL, "false when the message was English already"),
    ),
)
FILTERED_TEXT = Schema(
    "filtered_text",
    (
        KEY,
        Column("text_clean", TEXT, "the English text without noise; empty when nothing is left"),
    ),
)
ENRICHMENTS = Schema(
    "enrichments",
    (
        KEY,
        Column("text_enriched", TEXT, "the page's text where it replaces the message, else the clean text"),
        Column("enriched", BOOL, "true when the page's text replaced the message"),
        Column("article_title", TEXT, "title found on the page", required=False),
        Column("article_url", TEXT, "address that the text came from, after redirects", required=False),
        Column("article_status", TEXT, "enriched, not longer, not in English, not_article, or why there is no page"),
    ),
)
SENTIMENTS = Schema(
    "sentiments",
    (
        KEY,
        Column("sentiment", TEXT, "negative, neutral or positive: the highest score"),
        Column("sent_negative", FLOAT, "score of negative, 2 decimals"),
        Column("sent_neutral", FLOAT, "score of neutral, 2 decimals"),
        Column("sent_positive", FLOAT, "score of positive, 2 decimals"),
        Column("emotion", TEXT, "joy, optimism, anger or sadness: the highest score"),
        Column("emo_joy", FLOAT, "score of joy, 2 decimals"),
        Column("emo_optimism", FLOAT, "score of optimism, 2 decimals"),
        Column("emo_anger", FLOAT, "score of anger, 2 decimals"),
        Column("emo_sadness", FLOAT, "score of sadness, 2 decimals"),
        Column("truncated", BOOL, "true when the models read only the first 512 tokens"),
    ),
)
KEYWORDS = Schema(
    "keywords",
    (
        KEY,
        Column("keywords", pa.list_(TEXT), "top phrases, best first"),
        Column("keyword_scores", pa.list_(FLOAT), "their TextRank scores, in the same order"),
    ),
)
SUMMARIES = Schema(
    "summaries",
    (
        KEY,
        Column("summary", TEXT, "the text itself under 50 tokens, else its summary"),
        Column("summarised", BOOL, "false when the text stayed itself"),
    ),
)
QUARANTINE = Schema(
    "quarantine",
    (
        Column("step", TEXT, "asset that could not take the record"),
        Column("message_id", TEXT, "identity of the message, where known", required=False),
        Column("file", TEXT, "landed file it came from"),
        Column("position", INT, "0-based position in that file; -1 for the file as a whole"),
        Column("reason", TEXT, "why, and what to do"),
        Column("record", TEXT, "the record as it came, cut at 64 kB"),
    ),
    key="position",
)


def label_column(label: str) -> str:
    """The column name of a label: ``Science and Medicine`` → ``science_and_medicine``."""
    words = "".join(character if character.isalnum() else " " for character in label.lower()).split()
    return "_".join(words)


def multi_label_schema(name: str, labels: tuple[str, ...], prefix: str = "") -> Schema:
    """One boolean and one score column a label."""
    columns = [KEY]
    for label in labels:
        column = prefix + label_column(label)
        columns.append(Column(column, BOOL, f"true when the text is about {label}"))
        columns.append(Column(f"{column}_score", FLOAT, f"score of {label}, 0 to 1"))
    return Schema(name, tuple(columns))


def aspects_schema(name: str, aspects: tuple[str, ...]) -> Schema:
    """One label and one score column an aspect."""
    columns = [KEY]
    for aspect in aspects:
        columns.append(Column(aspect, TEXT, f"what the review says of {aspect}: positive, negative, not mentioned"))
        columns.append(Column(f"{aspect}_score", FLOAT, "score of that label, 0 to 1"))
    return Schema(name, tuple(columns))
