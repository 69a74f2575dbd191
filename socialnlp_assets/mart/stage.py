"""Brings the hours of the output that the mart does not have as they are now: new ones, late ones, run again ones.

The output names each publication of an hour by its content (`resources/output_table.py`). The mart remembers which
one it has of each hour, so what has changed is told without reading a message, and a build that failed is made up
for by the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from socialnlp_assets.partitions import hour_in_path
from socialnlp_assets.resources.lake import HourMissing, Lake
from socialnlp_assets.resources.output_table import OutputTable

if TYPE_CHECKING:  # loading the code location need not wait for it
    import duckdb

TABLES = """
CREATE SCHEMA IF NOT EXISTS stage;
CREATE TABLE IF NOT EXISTS stage.known (workflow VARCHAR, hour TIMESTAMP, ledger VARCHAR, generation VARCHAR);
CREATE TABLE IF NOT EXISTS stage.author (workflow VARCHAR, author VARCHAR);
CREATE OR REPLACE TABLE stage.hour (workflow VARCHAR, hour TIMESTAMP, ledger VARCHAR, generation VARCHAR);
CREATE OR REPLACE TABLE stage.message (
  workflow VARCHAR, hour TIMESTAMP, message_id VARCHAR, channel VARCHAR, kind VARCHAR, created_at TIMESTAMP,
  language VARCHAR, author VARCHAR, author_followers BIGINT, country VARCHAR, place_id VARCHAR, rating BIGINT,
  sentiment VARCHAR, sent_negative DOUBLE, sent_neutral DOUBLE, sent_positive DOUBLE, emotion VARCHAR,
  text VARCHAR, title VARCHAR, permalink VARCHAR,
  topics STRUCT(taxonomy VARCHAR, topic VARCHAR, score DOUBLE)[],
  keywords STRUCT(kind VARCHAR, phrase VARCHAR, score DOUBLE)[],
  aspects STRUCT(aspect VARCHAR, label VARCHAR, score DOUBLE)[]
);
"""
# Those who wrote a message of the staged hours, as they are or as the mart has them. A build that failed may have
# forgotten the latter already, so they are kept until one has not.
AUTHORS = "INSERT INTO stage.author SELECT DISTINCT workflow, author FROM {} WHERE author IS NOT NULL"
HAS_MESSAGES = "SELECT 1 FROM information_schema.tables WHERE table_name = 'fact_message'"
# Columns of the mart that the output has under the same name, where the workflow has the step.
PLAIN = (
    *("message_id", "kind", "created_at", "language", "author", "author_followers", "country", "place_id", "rating"),
    *("sentiment", "sent_negative", "sent_neutral", "sent_positive", "emotion", "permalink"),
)
NAMED = {"person": "people", "organisation": "organisations", "place": "places"}  # kind → column of `entities`
TEXTS = ("text_enriched", "text_clean", "text_en", "message")  # the first that the output has is the mart's
THEME = "theme_"
SOURCE_TOPICS = (
    "list_transform(list_distinct(topic_ids), lambda x: {'taxonomy': 'source', 'topic': x, 'score': NULL::DOUBLE})"
)
PHRASES = (
    "list_transform(list_zip(coalesce(keywords, []), coalesce(keyword_scores, [])), "
    "lambda x: {'kind': 'phrase', 'phrase': x[1], 'score': x[2]})"
)
RETRIES = 3


@dataclass(frozen=True)
class ChangedHour:
    """An hour whose output is not what the mart has; `ledger` and `generation` are empty where it has none any more."""

    workflow: str
    hour: datetime
    ledger: str  # entity tag
    generation: str


def stage(database: duckdb.DuckDBPyConnection, lake: Lake, workflows: Iterable[str]) -> list[ChangedHour]:
    """Put every changed hour of `workflows` into the schema `stage` of the mart; what it had there is replaced."""
    database.execute("SET TimeZone = 'UTC'")
    database.execute(TABLES)
    found = []
    for workflow in workflows:
        for ledger, hour in _changed_ledgers(database, lake, workflow):
            generation, files = _hour_of_output(lake, workflow, hour)
            _insert(database, workflow, hour, files)
            found.append(ChangedHour(workflow, hour, ledger, generation))
    if found:
        rows = [(each.workflow, each.hour.replace(tzinfo=None), each.ledger, each.generation) for each in found]
        database.executemany("INSERT INTO stage.hour VALUES (?, ?, ?, ?)", rows)
        database.execute(AUTHORS.format("stage.message"))
        if database.execute(HAS_MESSAGES).fetchone():
            database.execute(AUTHORS.format("fact_message SEMI JOIN stage.hour USING (workflow, hour)"))
    return found


def remember(database: duckdb.DuckDBPyConnection) -> None:
    """The staged hours are in the mart now, and their messages need not be kept twice."""
    database.execute("BEGIN")
    database.execute("DELETE FROM stage.known WHERE (workflow, hour) IN (SELECT (workflow, hour) FROM stage.hour)")
    database.execute("INSERT INTO stage.known SELECT * FROM stage.hour WHERE ledger <> ''")
    database.execute("DELETE FROM stage.message")
    database.execute("DELETE FROM stage.hour")
    database.execute("DELETE FROM stage.author")
    database.execute("COMMIT")


def _changed_ledgers(database: duckdb.DuckDBPyConnection, lake: Lake, workflow: str) -> Iterator[tuple[str, datetime]]:
    """Entity tag and hour of each ledger that is another one than at the last build."""
    rows = database.execute("SELECT hour, ledger FROM stage.known WHERE workflow = ?", [workflow]).fetchall()
    known = dict(rows)
    for entry in lake.objects(f"{workflow}/output"):
        hour = hour_in_path(entry.path)
        if hour is not None and known.pop(hour.replace(tzinfo=None), None) != entry.etag:
            yield entry.etag, hour
    for gone in known:
        yield "", gone


def _hour_of_output(lake: Lake, workflow: str, hour: datetime) -> tuple[str, list[pa.Table]]:
    """The generation in force and its files; an hour that is switched over meanwhile is read again."""
    output = OutputTable(lake, workflow)
    for attempt in range(RETRIES):
        files = [file for file in output.files(hour) if file.in_force]
        try:
            tables = [lake.read_table(file.path) for file in files]
        except HourMissing:
            if attempt == RETRIES - 1:
                raise
            continue
        return (files[0].generation if files else ""), tables
    raise AssertionError("unreachable")


def _insert(database: duckdb.DuckDBPyConnection, workflow: str, hour: datetime, tables: list[pa.Table]) -> None:
    if not tables:
        return
    found = pa.concat_tables(tables, promote_options="default")
    database.register("found", found)
    try:
        database.execute(_insert_sql(found.schema), [workflow, hour.replace(tzinfo=None)])
    finally:
        database.unregister("found")


def _insert_sql(schema: pa.Schema) -> str:
    """The messages of an hour, once each, whichever steps the workflow has."""
    columns = ", ".join(f"{column.sql} AS {name}" for name, column in columns_of(schema).items())
    return f"""
        INSERT INTO stage.message BY NAME
        SELECT ? AS workflow, ?::TIMESTAMP AS hour, {columns}
        FROM found
        QUALIFY row_number() OVER (PARTITION BY message_id) = 1
    """


@dataclass(frozen=True)
class StagedColumn:
    """How a column of `stage.message` comes about, and which columns of the output it derives from."""

    sql: str
    sources: tuple[str, ...]


def columns_of(schema: pa.Schema) -> dict[str, StagedColumn]:
    """Every column of `stage.message` but workflow and hour, by name, for an output of `schema`."""
    names = schema.names
    text = next(name for name in TEXTS if name in names)
    title = [name for name in ("article_title", "title") if name in names]
    labels, aspects = _scored(schema, pa.types.is_boolean), _scored(schema, pa.types.is_string)
    phrases = ["keywords"] if "keywords" in names else []
    named = {kind: column for kind, column in NAMED.items() if column in names}
    scores = [f"{name}_score" for name in (*labels, *aspects)]
    return {
        **{name: StagedColumn(*((name, (name,)) if name in names else ("NULL", ()))) for name in PLAIN},
        "channel": StagedColumn("channel" if "channel" in names else "social", ("social",)),
        "text": StagedColumn(text, (text,)),
        "title": StagedColumn(f"coalesce({', '.join(title)})", tuple(title)),
        "topics": StagedColumn(
            _flat([SOURCE_TOPICS, *map(_label, labels)]), ("topic_ids", *labels, *scores[: len(labels)])
        ),
        "keywords": StagedColumn(
            _flat([*(PHRASES for _ in phrases), *(_names(*item) for item in named.items())]),
            (*phrases, *(f"{name[:-1]}_scores" for name in phrases), *named.values()),
        ),
        "aspects": StagedColumn(_flat(list(map(_aspect, aspects))), (*aspects, *scores[len(labels) :])),
    }


def _scored(schema: pa.Schema, of_type: Callable[[pa.DataType], bool]) -> list[str]:
    """The columns of a type that have a score beside them, as those of `classifications` and `themes` do."""
    return [field.name for field in schema if f"{field.name}_score" in schema.names and of_type(field.type)]


def _flat(lists: list[str]) -> str:
    return f"flatten([{', '.join(lists)}])" if lists else "[]"


def _label(column: str) -> str:
    """A label that a message has, of a boolean column."""
    taxonomy = "theme" if column.startswith(THEME) else "reputation"
    found = f"{{'taxonomy': '{taxonomy}', 'topic': '{column.removeprefix(THEME)}', 'score': \"{column}_score\"}}"
    return f'CASE WHEN "{column}" THEN [{found}] ELSE [] END'


def _aspect(column: str) -> str:
    """What a review says of an aspect, of a text column."""
    found = f"{{'aspect': '{column}', 'label': \"{column}\", 'score': \"{column}_score\"}}"
    return f'CASE WHEN "{column}" IS NULL THEN [] ELSE [{found}] END'


def _names(kind: str, column: str) -> str:
    found = f"{{'kind': '{kind}', 'phrase': x, 'score': NULL::DOUBLE}}"
    return f"list_transform(list_distinct(coalesce({column}, [])), lambda x: {found})"
