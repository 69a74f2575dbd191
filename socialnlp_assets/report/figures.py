"""What a report says of a period, asked of the mart in SQL. No figure is made anywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import duckdb

Row = Mapping[str, Any]
Rows = list[Row]
LENGTHS = {"day": timedelta(days=1), "week": timedelta(weeks=1)}


@dataclass(frozen=True)
class Period:
    """A day or a week (from Monday) of UTC."""

    kind: Literal["day", "week"]
    first: datetime  # without a time zone, as the mart has it

    @classmethod
    def of(cls, kind: str, hour: datetime) -> Period:
        """The period that `hour` lies in."""
        day = hour.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        return cls("day", day) if kind == "day" else cls("week", day - timedelta(days=day.weekday()))

    @classmethod
    def named(cls, kind: str, name: str) -> Period:
        """The period of that kind and name."""
        if kind == "day":
            return cls("day", datetime.strptime(name, "%Y-%m-%d"))
        return cls("week", datetime.strptime(f"{name}-1", "%G-W%V-%u"))

    @property
    def length(self) -> timedelta:
        return LENGTHS[self.kind]

    @property
    def end(self) -> datetime:
        return self.first + self.length

    @property
    def name(self) -> str:
        """``2026-11-20``, or ``2026-W47``."""
        year, week, _ = self.first.isocalendar()
        return f"{self.first:%Y-%m-%d}" if self.kind == "day" else f"{year}-W{week:02}"


@dataclass(frozen=True)
class Figures:
    """A list of rows for each question in `QUESTIONS`."""

    workflow: str
    period: Period
    rows: Mapping[str, Rows]

    def one(self, question: str) -> Row:
        """The only row of a question's answer."""
        (row,) = self.rows[question]
        return row


def figures_of(database: duckdb.DuckDBPyConnection, workflow: str, period: Period) -> Figures:
    """Every figure of `workflow` in `period`.

    The period before is counted in those hours alone whose counterpart the period has, so that a day that is not over
    is compared with as much of the day before.
    """
    values = {"workflow": workflow, "first": period.first, "end": period.end, "length": period.length}
    return Figures(workflow, period, {name: _ask(database, sql, values) for name, sql in QUESTIONS.items()})


def _ask(database: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Any]) -> Rows:
    used = {name: value for name, value in values.items() if f"${name}" in PERIODS + sql}
    answer = database.execute(PERIODS + sql, used)
    names = [column[0] for column in answer.description or []]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


# `period` has the hours of both periods that are compared.
PERIODS = """
WITH known AS (
  SELECT hour FROM mart.stage.known WHERE workflow = $workflow AND hour >= $first - $length AND hour < $end
),
period AS (
  SELECT hour, 'now' AS period FROM known WHERE hour >= $first
  UNION ALL
  SELECT hour, 'before' FROM known
  WHERE hour < $first AND hour + $length IN (SELECT hour FROM known WHERE hour >= $first)
),
total AS (SELECT * FROM agg_hour JOIN period USING (hour) WHERE workflow = $workflow AND taxonomy = 'all'),
message AS (SELECT * FROM fact_message JOIN period USING (hour) WHERE workflow = $workflow)
"""
SUMS = """sum(messages)::BIGINT AS messages, sum(negative)::BIGINT AS negative, sum(neutral)::BIGINT AS neutral,
  sum(positive)::BIGINT AS positive"""
PAIR = """coalesce(sum(messages) FILTER (period = 'now'), 0)::BIGINT AS messages,
  coalesce(sum(negative) FILTER (period = 'now'), 0)::BIGINT AS negative,
  coalesce(sum(positive) FILTER (period = 'now'), 0)::BIGINT AS positive,
  coalesce(sum(messages) FILTER (period = 'before'), 0)::BIGINT AS before,
  coalesce(sum(negative) FILTER (period = 'before'), 0)::BIGINT AS negative_before,
  coalesce(sum(positive) FILTER (period = 'before'), 0)::BIGINT AS positive_before"""
MOST = {"topics": 8, "places": 20, "rising": 12, "stories": 8, "voices": 3}  # rows that a reader can take in
LEAST_RISING = 5  # messages of a term that is said to rise
QUESTIONS = {
    "headline": f"""
        SELECT {PAIR}, (SELECT count(*) FROM period WHERE period = 'now') AS hours,
          (SELECT count(*) FROM period WHERE period = 'before') AS hours_before,
          (SELECT count(DISTINCT author) FROM message WHERE period = 'now') AS authors,
          (SELECT count(DISTINCT author) FROM message WHERE period = 'before') AS authors_before,
          (SELECT avg(rating) FROM message WHERE period = 'now') AS rating,
          (SELECT avg(rating) FROM message WHERE period = 'before') AS rating_before,
          (SELECT stddev_samp(rating) FROM message WHERE period = 'now') AS rating_spread,
          (SELECT count(rating) FROM message WHERE period = 'now') AS ratings
        FROM total""",
    # How much more the hours of a time of day differ than chance would have them: variance by mean, of neighbours.
    "dispersion": """
        SELECT coalesce(greatest(1, sum((messages - before) ** 2) / 2 / greatest(1, sum(messages + before) / 2)), 1)
          AS dispersion
        FROM (
          SELECT messages, lag(messages) OVER (PARTITION BY period ORDER BY hour) AS before
          FROM (SELECT hour, period, sum(messages) AS messages FROM total GROUP BY ALL)
        ) WHERE before IS NOT NULL""",
    "hours": f"SELECT hour, {SUMS} FROM total WHERE period = 'now' GROUP BY hour ORDER BY hour",
    "emotions": """
        SELECT emotion, count(*) FILTER (period = 'now') AS messages, count(*) FILTER (period = 'before') AS before
        FROM message WHERE emotion IS NOT NULL GROUP BY emotion ORDER BY messages DESC, emotion""",
    "channels": f"SELECT channel, {PAIR} FROM total GROUP BY channel ORDER BY messages DESC, channel",
    **{
        taxonomy: f"""
        SELECT topic, {PAIR} FROM agg_hour JOIN period USING (hour)
        WHERE workflow = $workflow AND taxonomy = '{taxonomy}' GROUP BY topic
        ORDER BY messages DESC, topic LIMIT {MOST["topics"]}"""
        for taxonomy in ("theme", "reputation", "source")
    },
    "aspects": """
        SELECT aspect, label, count(*) AS messages FROM fact_aspect JOIN period USING (hour)
        WHERE workflow = $workflow AND period = 'now' AND label <> 'not_mentioned' GROUP BY ALL ORDER BY ALL""",
    "places": f"""
        SELECT place_id, count(*) AS messages, avg(rating) AS rating,
          count(*) FILTER (sentiment = 'negative') AS negative, any_value(complaint) AS complaint
        FROM message LEFT JOIN (
          SELECT place_id, arg_max(aspect, (n, aspect)) AS complaint FROM (
            SELECT place_id, aspect, count(*) AS n FROM fact_aspect JOIN period USING (hour)
            WHERE workflow = $workflow AND period = 'now' AND label = 'negative' GROUP BY ALL) GROUP BY place_id
        ) USING (place_id)
        WHERE period = 'now' AND place_id IS NOT NULL GROUP BY place_id
        ORDER BY messages DESC, place_id LIMIT {MOST["places"]}""",
    # By the difference of the logarithms of both rates, in standard deviations.
    "rising": f"""
        SELECT kind, phrase AS term, messages, before, burst
        FROM (
          SELECT kind, phrase, count(*) FILTER (period = 'now') AS messages,
            count(*) FILTER (period = 'before') AS before
          FROM fact_keyword JOIN period USING (hour) WHERE workflow = $workflow GROUP BY ALL
        ) LEFT JOIN (
          SELECT kind, term AS phrase, min(hour) AS burst FROM burst JOIN period USING (hour)
          WHERE workflow = $workflow AND period = 'now' GROUP BY ALL
        ) USING (kind, phrase)
        WHERE messages >= {LEAST_RISING} AND messages > before AND EXISTS (FROM period WHERE period = 'before')
        ORDER BY burst IS NULL, (ln(messages + 0.5) - ln(before + 0.5))
          / sqrt(1 / (messages + 0.5) + 1 / (before + 0.5)) DESC, kind, phrase
        LIMIT {MOST["rising"]}""",
    "bursts": """
        SELECT hour, kind, term, messages, expected FROM burst JOIN period USING (hour)
        WHERE workflow = $workflow AND period = 'now' AND kind NOT IN ('phrase', 'person', 'organisation', 'place')
        ORDER BY p_value, hour, kind, term LIMIT 10""",
    # One whose messages share no phrase is called by the words of the nearest.
    "stories": f"""
        SELECT story_id, coalesce(nullif(any_value(name), ''), left(arg_max(text, nearness), 60), story_id) AS name,
          count(*) AS messages, count(*) FILTER (sentiment = 'negative') AS negative,
          min(hour) AS first_hour, max(hour) AS last_hour
        FROM story_message JOIN message USING (workflow, hour, message_id) JOIN (SELECT story_id, name FROM story
          WHERE workflow = $workflow) USING (story_id)
        WHERE period = 'now' GROUP BY story_id ORDER BY messages DESC, story_id LIMIT {MOST["stories"]}""",
    "story_hours": """
        SELECT story_id, hour, count(*) AS messages FROM story_message JOIN message USING (workflow, hour, message_id)
        WHERE period = 'now' GROUP BY ALL ORDER BY ALL""",
    # Those nearest to the story's middle, of which no two have the same text.
    "voices": f"""
        SELECT story_id, hour, channel, author, sentiment, text, permalink FROM (
          SELECT *, row_number() OVER (PARTITION BY story_id ORDER BY nearness DESC, hour, message_id) AS place
          FROM (
            SELECT * FROM story_message JOIN message USING (workflow, hour, message_id) WHERE period = 'now'
            QUALIFY row_number()
              OVER (PARTITION BY story_id, lower(text) ORDER BY nearness DESC, hour, message_id) = 1))
        WHERE place <= {MOST["voices"]} ORDER BY story_id, place""",
}
