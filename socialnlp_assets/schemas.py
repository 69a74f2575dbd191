"""What a column is: name, Arrow type, meaning, and what its values may be.

A step's module has the columns of its asset. Parquet, Dagster's column schema, expectations and the Athena table are
all made from them. An asset stores its key (`message_id`) and its own new columns; `output` joins.

Here are the columns of `posts` alone besides: every source fills them (`sources/`), and every step builds on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """One column. A `required` one is never null; `values` is the closed set of its values, `between` their range
    (None: without a bound on that side)."""

    name: str
    type: pa.DataType
    meaning: str
    required: bool = True
    values: tuple[str, ...] = ()
    between: tuple[float | None, float | None] = (None, None)


@dataclass(frozen=True)
class Schema:
    """The columns of one asset; `key` names the column that is unique in an hour."""

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
        Column("source", TEXT, "kind of the source that collected it"),
        Column("social", TEXT, "channel in capitals: TWITTER, FACEBOOK, WEB, GOOGLE_MAPS…"),
        Column("kind", TEXT, "social, article or review", values=("social", "article", "review")),
        Column("created_at", TIME, "when it was published, UTC"),
        Column("language", TEXT, "ISO 639-1 code; the source's, else detected"),
        Column("language_detected", BOOL, "true when the source named no language"),
        Column("title", TEXT, "title of an article, where the source has one", required=False),
        Column("message", TEXT, "the text as delivered"),
        Column("permalink", TEXT, "address of the post or the article", required=False),
        Column("topic_ids", pa.list_(TEXT), "the source's topics that the message matched"),
        Column("author", TEXT, "keyed hash of the author's identity", required=False),
        Column("author_followers", INT, "followers of the author", required=False, between=(0, None)),
        Column("country", TEXT, "ISO 3166 code of the place, where known", required=False),
        Column("place_id", TEXT, "Google's identity of the reviewed place", required=False),
        Column("rating", INT, "stars given, 1 to 5", required=False, between=(1, 5)),
        Column("landing_file", TEXT, "the landed file that the message came from"),
        Column("landing_position", INT, "0-based position of the message in that file", between=(0, None)),
    ),
)


def score_column(name: str, meaning: str) -> Column:
    """A score from 0 to 1."""
    return Column(name, FLOAT, meaning, between=(0, 1))
