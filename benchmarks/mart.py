"""The data mart over a year of 1,000 posts an hour: what a question takes, and what adding an hour takes.

The year's messages are made by DuckDB, where the platform would have staged them; the hour that is added then goes the
whole way, from the lake's Parquet files through dbt's models and tests, in a process that is warm, as a worker's is.
The rivals are the limits that we set ourselves.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from benchmarks.measure import Figure
from socialnlp_assets.mart.build import Mart
from socialnlp_assets.mart.models import digest
from socialnlp_assets.mart.stage import stage
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.output_table import OutputTable
from socialnlp_assets.workflow import load_workflows

WORKFLOW = "sprinklr"
HOURS, AN_HOUR = 8_760, 1_000
FIRST = datetime(2025, 11, 1, tzinfo=UTC)
A_YEAR = """
INSERT INTO stage.message BY NAME
SELECT 'sprinklr' AS workflow, hour, 'm' || number AS message_id,
  ['TWITTER', 'FACEBOOK', 'WEB', 'REDDIT'][1 + chance % 4] AS channel, 'social' AS kind,
  hour + to_seconds(number % 3600) AS created_at, ['it', 'en'][1 + chance % 2] AS language,
  md5((chance % 40000)::VARCHAR) AS author, chance % 5000 AS author_followers,
  ['negative', 'neutral', 'positive'][1 + chance % 3] AS sentiment,
  0.3 AS sent_negative, 0.4 AS sent_neutral, 0.3 AS sent_positive,
  ['joy', 'optimism', 'anger', 'sadness'][1 + chance % 5 % 4] AS emotion,
  'The power in our street is back after ' || chance % 9 || ' hours, and the bill of ' || chance % 400
    || ' euros came with it' AS text,
  'https://social.example/' || number AS permalink,
  [{'taxonomy': 'source', 'topic': (chance % 20)::VARCHAR, 'score': NULL},
   {'taxonomy': 'theme', 'topic': 'theme' || chance % 10, 'score': 0.7}] AS topics,
  [{'kind': 'phrase', 'phrase': 'phrase ' || chance % 3000, 'score': 0.2},
   {'kind': 'phrase', 'phrase': 'other ' || chance % 700, 'score': 0.1}] AS keywords,
  [] AS aspects
FROM (
  SELECT number, TIMESTAMP '2025-11-01' + to_hours(number // $1) AS hour, (hash(number) % 1000000)::BIGINT AS chance
  FROM (SELECT range AS number FROM range($2, $3))
)
"""
QUESTIONS = {
    "volume and negative share by day and channel": """
        SELECT day, channel, sum(messages), sum(negative) / sum(messages) FROM agg_day
        WHERE taxonomy = 'all' GROUP BY ALL""",
    "topics by month against the month before": """
        SELECT topic, month, messages, messages - lag(messages) OVER (PARTITION BY topic ORDER BY month)
        FROM (SELECT topic, date_trunc('month', day) AS month, sum(messages) AS messages FROM agg_day
              WHERE taxonomy = 'theme' GROUP BY ALL)""",
    "sentiment of every message by month, language and channel": """
        SELECT date_trunc('month', hour), language, channel, sentiment, count(*), avg(sent_negative)
        FROM fact_message GROUP BY ALL""",
    "phrases of a week": """
        SELECT phrase, count(*) FROM fact_keyword
        WHERE hour >= '2026-03-02' AND hour < '2026-03-09' GROUP BY ALL ORDER BY 2 DESC LIMIT 20""",
    "the messages behind a topic's day": """
        SELECT message_id, text FROM fact_message JOIN fact_message_topic USING (workflow, hour, message_id)
        WHERE taxonomy = 'source' AND topic = '7' AND hour >= '2026-03-02' AND hour < '2026-03-03'""",
}


def mart(hours: int = HOURS) -> list[Figure]:
    """Seconds of the slowest question of five, each the second time that it is asked, and of an hour that is added."""
    with tempfile.TemporaryDirectory() as name:
        built = Mart(Path(name) / "mart")
        make_year(built, hours)
        with built.open() as database:
            database.execute("SET threads = 2; SET enable_progress_bar = false")
            taken = {question: _seconds(database, sql) for question, sql in QUESTIONS.items()}
        added = add_hour(built, Lake(uri=str(Path(name) / "lake")), FIRST + timedelta(hours=hours))
    what = f"a year of {AN_HOUR:,} posts an hour" if hours == HOURS else f"{hours} hours of {AN_HOUR:,} posts"
    asked = [_limit(f"{question}, {what}", seconds, 2) for question, seconds in taken.items()]
    return [*asked, _limit(f"an hour added to {what}", added, 5)]


def make_year(built: Mart, hours: int) -> None:
    """A mart of so many hours, which the platform takes for one that it has built itself."""
    built.folder.mkdir()
    (built.folder / "built_by").write_text(digest())
    with closing(duckdb.connect(str(built.file))) as database:
        database.execute("SET enable_progress_bar = false")
        stage(database, Lake(uri=str(built.folder / "empty")), [])
        for start in range(0, hours, 730):
            stop = min(start + 730, hours)
            database.execute(A_YEAR, [AN_HOUR, start * AN_HOUR, stop * AN_HOUR])
    assert all(outcome.is_good for outcome in built.run_models())


def add_hour(built: Mart, lake: Lake, hour: datetime) -> float:
    """Seconds from an hour's files in the lake to the mart, by the second of two hours."""
    taken = 0.0
    for later in range(2):
        OutputTable(lake, WORKFLOW).publish(hour + timedelta(hours=later), _output(hour + timedelta(hours=later)))
        started = time.perf_counter()
        build = built.update(lake, [WORKFLOW])
        taken = time.perf_counter() - started
        assert (len(build.hours), build.problems) == (1, [])
    return taken


def _output(hour: datetime) -> pa.Table:
    """The output of an hour."""
    schema = load_workflows()[WORKFLOW].output().table().arrow
    said: dict[str, Any] = {"social": "TWITTER", "kind": "social", "created_at": hour, "sentiment": "neutral"}
    said |= {"topic_ids": ["7"], "keywords": ["bill", "grid"], "keyword_scores": [0.2, 0.1], "emotion": "joy"}
    rows = [{field.name: said.get(field.name, _value(field, number)) for field in schema} for number in range(AN_HOUR)]
    return pa.Table.from_pylist(rows, schema=schema)


def _value(field: pa.Field, number: int) -> Any:
    if pa.types.is_string(field.type):
        return f"{field.name} {number}"
    if pa.types.is_boolean(field.type):
        return number % 2 == 0
    return [] if pa.types.is_list(field.type) else number % 5 / 5 if pa.types.is_floating(field.type) else number


def _seconds(database: duckdb.DuckDBPyConnection, sql: str) -> float:
    taken = 0.0
    for _ in range(2):
        started = time.perf_counter()
        database.execute(sql).fetchall()
        taken = time.perf_counter() - started
    return taken


def _limit(name: str, seconds: float, limit: float) -> Figure:
    return Figure(name, f"{limit:g} s", round(seconds, 3), limit, round(limit / seconds, 3), "s")
