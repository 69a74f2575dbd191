"""Keeps bursts and stories in the mart, hour by hour: what the mart has of an hour decides what they are.

An hour that comes late, is run again or is erased changes what later hours are compared with, so whatever depends on it
is found anew: the tables are those of a full rebuild.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from socialnlp_assets.hot_topics.bursts import LEAST_HOURS, Burst, Term, bursts
from socialnlp_assets.hot_topics.stories import Message, OpenStory, group, name_of
from socialnlp_assets.mart.build import Mart

if TYPE_CHECKING:  # loading the code location need not wait for it
    import duckdb

    Database = duckdb.DuckDBPyConnection

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
HORIZON = 5 * WEEK  # before a workflow's last hour: what is older is not looked for
WEEKS, DAYS = 8, 7  # before an hour, whose same hours it is compared with; days while there are no weeks
AROUND = (-1, 0, 1)  # hours about the same hour that are compared with, too
OPEN = 2 * DAY  # how long a story that nobody tells stays open
WAITING, MOST_WAITING = 6 * HOUR, 1_000  # messages that tell no story yet may still come to open one
LATEST, USUAL = 30, 1_000  # texts of an open story, and of the week before, that are compared with
LEVELS = (0.5, 4.0)  # between which the volume of a day may be, of what it was in the weeks before

TABLES = """
CREATE SCHEMA IF NOT EXISTS hot;
CREATE TABLE IF NOT EXISTS hot.known (workflow VARCHAR, hour TIMESTAMP, generation VARCHAR);
CREATE TABLE IF NOT EXISTS burst (
  workflow VARCHAR, hour TIMESTAMP, kind VARCHAR, term VARCHAR, messages BIGINT, expected DOUBLE, ratio DOUBLE,
  p_value DOUBLE, against VARCHAR);
CREATE TABLE IF NOT EXISTS story_message (
  workflow VARCHAR, story_id VARCHAR, hour TIMESTAMP, message_id VARCHAR, told_hour TIMESTAMP, nearness DOUBLE);
CREATE TABLE IF NOT EXISTS story (
  workflow VARCHAR, story_id VARCHAR, name VARCHAR, first_hour TIMESTAMP, last_hour TIMESTAMP, messages BIGINT,
  authors BIGINT, channels BIGINT, negative BIGINT);
"""
NAMES = ("burst", "story", "story_message")
COUNTS = """
SELECT hour, kind, phrase AS term, count(*) AS messages FROM fact_keyword
WHERE workflow = $workflow AND list_contains($hours, hour) GROUP BY ALL
UNION ALL
SELECT hour, taxonomy, topic, sum(messages)::BIGINT FROM agg_hour
WHERE workflow = $workflow AND list_contains($hours, hour) AND taxonomy <> 'all' GROUP BY ALL
UNION ALL
SELECT hour, unnest(['all', 'channel']), unnest(['all', channel]), messages FROM agg_hour
WHERE workflow = $workflow AND list_contains($hours, hour) AND taxonomy = 'all'
UNION ALL
SELECT hour, 'place_id', place_id, count(*) FROM fact_message
WHERE workflow = $workflow AND list_contains($hours, hour) AND place_id IS NOT NULL GROUP BY ALL
"""


@dataclass(frozen=True)
class Found:
    """How many hours were looked at, and how many rows each table has now."""

    hours: int
    rows: dict[str, int]


def update(mart: Mart) -> Found:
    """Bring bursts and stories to what `mart` has now. Whatever breaks, all is done again by the next call."""
    import duckdb

    with closing(duckdb.connect(str(mart.file))) as database:
        database.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        database.execute(TABLES)
        _forget_others_work(database)
        looked_at = 0
        for (workflow,) in database.execute(
            "SELECT workflow FROM stage.known UNION SELECT workflow FROM hot.known ORDER BY 1"
        ).fetchall():
            looked_at += _Workflow(database, workflow).update()
        return Found(looked_at, {name: _count(database, name) for name in NAMES})


def _forget_others_work(database: Database) -> None:
    """What another version of these modules has found is found again."""
    folder = Path(__file__).parent
    ours = blake2b(b"".join(file.read_bytes() for file in sorted(folder.glob("*.py"))), digest_size=16).hexdigest()
    database.execute("CREATE TABLE IF NOT EXISTS hot.found_by (version VARCHAR)")
    if database.execute("FROM hot.found_by").fetchall() != [(ours,)]:
        for table in ("hot.known", "hot.found_by", *NAMES):
            database.execute(f"DELETE FROM {table}")
        database.execute("INSERT INTO hot.found_by VALUES (?)", [ours])


def _count(database: Database, table: str) -> int:
    (rows,) = database.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
    return int(rows)


class _Workflow:
    """The bursts and stories of one workflow."""

    def __init__(self, database: Database, workflow: str) -> None:
        self.database = database
        self.workflow = workflow
        rows = self._rows("SELECT hour, generation FROM stage.known WHERE workflow = $workflow ORDER BY hour")
        self.there: dict[datetime, str] = dict(rows)

    def update(self) -> int:
        known = dict(self._rows("SELECT hour, generation FROM hot.known WHERE workflow = $workflow"))
        since = max(self.there, default=datetime.min + HORIZON) - HORIZON
        changed = {hour for hour in self.there.keys() | known.keys() if self.there.get(hour) != known.get(hour)}
        changed = {hour for hour in changed if hour >= since}
        if not changed:
            return 0
        concerned = self._depending_on(changed, since)
        self.database.execute("BEGIN")
        for hour in concerned:
            self._find_bursts(hour)
        self._follow_stories([hour for hour in self.there if hour >= min(changed)], min(changed))
        self._rows("DELETE FROM hot.known WHERE workflow = $workflow")
        self._rows(
            "INSERT INTO hot.known SELECT workflow, hour, generation FROM stage.known WHERE workflow = $workflow"
        )
        self.database.execute("COMMIT")
        return len(concerned)

    def _rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        return self.database.execute(sql, {"workflow": self.workflow, **values}).fetchall()

    # Bursts

    def _depending_on(self, changed: set[datetime], since: datetime) -> list[datetime]:
        """The hours whose bursts may be others now: the changed ones, and those that are compared with them."""
        weeks = [number * WEEK for number in range(WEEKS + 1)]
        around = [hour * HOUR for hour in range(-1, 25)]  # the day before an hour tells its level
        days = [number * DAY + hour * HOUR for number in range(1, DAYS + 1) for hour in AROUND]
        later = {*days, *(week + hour for week in weeks for hour in around)}
        found = {hour + step for hour in changed for step in later} | changed
        return sorted(hour for hour in found if hour >= since and (hour in self.there or hour in changed))

    def _find_bursts(self, hour: datetime) -> None:
        self._rows("DELETE FROM burst WHERE workflow = $workflow AND hour = $hour", hour=hour)
        if hour not in self.there:
            return
        against, before = "weeks", self._same_hours(hour, WEEK, WEEKS)
        if len(before) < LEAST_HOURS:
            against, before = "days", self._same_hours(hour, DAY, DAYS)
        if len(before) < LEAST_HOURS:
            return
        counts: dict[datetime, dict[Term, int]] = defaultdict(lambda: defaultdict(int))
        for when, kind, term, messages in self._rows(COUNTS, hours=[hour, *before]):
            counts[when][kind, term] += messages
        level = self._level(hour) if against == "weeks" else 1.0
        found = bursts(counts[hour], [counts[when] for when in before], level)
        self._keep(hour, against, found)

    def _same_hours(self, hour: datetime, step: timedelta, steps: int) -> list[datetime]:
        wanted = [hour - number * step + near * HOUR for number in range(1, steps + 1) for near in AROUND]
        return [when for when in wanted if when in self.there and when < hour]

    def _level(self, hour: datetime) -> float:
        """The volume of the day before `hour`, of what it was on the same days of the weeks before."""
        rows = self._rows(
            "SELECT hour, sum(messages) FROM agg_hour WHERE workflow = $workflow AND taxonomy = 'all' "
            "AND hour >= $first AND hour < $hour GROUP BY ALL",
            first=hour - WEEKS * WEEK - DAY,
            hour=hour,
        )
        volume = dict.fromkeys(self.there, 0) | dict(rows)
        pairs = [
            (volume[hour - back * HOUR], volume[hour - back * HOUR - week * WEEK])
            for back in range(1, 25)
            for week in range(1, WEEKS + 1)
            if hour - back * HOUR in volume and hour - back * HOUR - week * WEEK in volume
        ]
        now, then = (float(sum(side)) for side in zip(*pairs, strict=True)) if pairs else (1.0, 1.0)
        return min(max(now / then if then else 1.0, LEVELS[0]), LEVELS[1])

    def _keep(self, hour: datetime, against: str, found: Sequence[Burst]) -> None:
        rows = [
            (self.workflow, hour, each.kind, each.term, each.messages, each.expected, each.ratio, each.p_value, against)
            for each in found
        ]
        if rows:
            self.database.executemany("INSERT INTO burst VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    # Stories

    def _follow_stories(self, hours: Sequence[datetime], first: datetime) -> None:
        self._rows("DELETE FROM story_message WHERE workflow = $workflow AND told_hour >= $first", first=first)
        for hour in hours:
            self._tell(hour)
        self._rows(
            "DELETE FROM story WHERE workflow = $workflow AND (last_hour >= $first OR story_id NOT IN "
            "(SELECT story_id FROM story_message WHERE workflow = $workflow))",
            first=first - WAITING,
        )
        rows = self._rows(STORIES)
        names = {story: self._name(story, last) for story, _, last, *_ in rows}
        values = [(self.workflow, story, names[story], *rest) for story, *rest in rows]
        if values:
            self.database.executemany("INSERT INTO story VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def _tell(self, hour: datetime) -> None:
        rows = self._rows(MESSAGES, hour=hour, first=hour - WAITING, most=MOST_WAITING)
        places = {f"{when} {message}": (when, message) for when, message, _ in rows}
        messages = [Message(f"{when} {message}", text) for when, message, text in rows]
        latest = self._rows(OPEN_STORIES, first=hour - OPEN, hour=hour, latest=LATEST)
        usual = self._rows(TEXTS, first=hour - WEEK, hour=hour, most=USUAL)
        told = group(messages, [OpenStory(story, tuple(texts)) for story, texts in latest], [text for (text,) in usual])
        values = [(self.workflow, each.story, *places[each.key], hour, each.nearness) for each in told]
        if values:
            self.database.executemany("INSERT INTO story_message VALUES (?, ?, ?, ?, ?, ?)", values)

    def _name(self, story: str, last: datetime) -> str:
        terms = self._rows(TERMS_OF_STORY, story=story)
        wanted = sorted({term for (term,) in terms})
        shares = self._rows(SHARES, terms=wanted, first=last - WEEK, last=last)
        return ", ".join(name_of((term for (term,) in terms), dict(shares)))


STORIES = """
SELECT story_id, min(hour) AS first_hour, max(hour) AS last_hour, count(*), count(DISTINCT author),
  count(DISTINCT channel), count(*) FILTER (sentiment = 'negative')
FROM story_message JOIN fact_message USING (workflow, hour, message_id)
WHERE workflow = $workflow AND story_id NOT IN (SELECT story_id FROM story WHERE workflow = $workflow)
GROUP BY story_id ORDER BY first_hour, story_id
"""
MESSAGES = """
FROM (
  SELECT hour, message_id, text, created_at FROM fact_message
  WHERE workflow = $workflow AND hour = $hour AND text IS NOT NULL
  UNION ALL
  FROM (
    SELECT hour, message_id, text, created_at
    FROM fact_message ANTI JOIN story_message USING (workflow, hour, message_id)
    WHERE workflow = $workflow AND hour >= $first AND hour < $hour AND text IS NOT NULL
    ORDER BY hour DESC, message_id LIMIT $most
  )
)
SELECT hour, message_id, text ORDER BY created_at, message_id, hour
"""
OPEN_STORIES = """
SELECT story_id, list(text ORDER BY hour DESC, message_id)[:$latest]
FROM story_message JOIN fact_message USING (workflow, hour, message_id)
WHERE workflow = $workflow AND hour >= $first AND hour < $hour
GROUP BY story_id ORDER BY story_id
"""
TEXTS = """
SELECT text FROM fact_message
WHERE workflow = $workflow AND hour >= $first AND hour < $hour AND text IS NOT NULL
ORDER BY hash(message_id), hour LIMIT $most
"""
TERMS_OF_STORY = """
SELECT phrase FROM story_message JOIN fact_keyword USING (workflow, hour, message_id)
WHERE workflow = $workflow AND story_id = $story
"""
SHARES = """
SELECT phrase, count(*) / (
  SELECT greatest(1, count(*)) FROM fact_message WHERE workflow = $workflow AND hour > $first AND hour <= $last)
FROM fact_keyword
WHERE workflow = $workflow AND list_contains($terms, phrase) AND hour > $first AND hour <= $last
GROUP BY phrase
"""
