"""Early warning: what comes in much larger numbers than usual, and sounds bad, told once for each story."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from socialnlp_assets.alerts import Alert, State
from socialnlp_assets.hot_topics.rules import Level, WarningRule

if TYPE_CHECKING:
    import duckdb

RECENT = timedelta(hours=24)  # before a workflow's last hour: older bursts are no news
LEVELS: tuple[Level, ...] = ("medium", "high")
OF_STORY = 0.3  # of a burst's messages, that tell a story, to say that it is the story's
PHRASES, MESSAGES, CHARACTERS = 5, 3, 200  # of the evidence


@dataclass(frozen=True)
class Warned:
    """A warning: what it is about, and its evidence."""

    workflow: str
    about: str  # the story's identity, else kind and term
    name: str
    level: Level
    hour: datetime
    since: datetime
    messages: int
    expected: float
    negative: float  # share of the messages
    phrases: tuple[str, ...]
    examples: tuple[str, ...]

    def as_alert(self) -> Alert:
        """What people are told."""
        lines = (
            f"{self.messages} messages at {self.hour:%Y-%m-%d %H:%M} UTC, {self.expected:.0f} were to be expected; "
            f"{self.negative:.0%} sound negative; since {self.since:%Y-%m-%d %H:%M}",
            *([f"on the rise: {', '.join(self.phrases)}"] if self.phrases else []),
            *self.examples,
        )
        return Alert("warning", f"{self.workflow}: {self.name} ({self.level})", lines, State.NEW)


def warnings(database: duckdb.DuckDBPyConnection, workflow: str, rules: Sequence[WarningRule]) -> list[Warned]:
    """What a workflow's last day gives reason to warn of, the latest hour of each story; one for each story.

    A burst is a warning where it fits one of `rules`, and its messages are surely more negative than those of the term
    in the week before were: by a test of two proportions at 1 %.
    """
    bursts = database.execute(BURSTS, {"workflow": workflow, "recent": RECENT}).fetchall()
    found: dict[str, Warned] = {}
    for hour, kind, term, messages, expected, negative, usual, since in bursts:
        fitting = [
            rule.level
            for rule in rules
            if kind in rule.of
            and messages >= rule.messages
            and messages >= rule.times * expected
            and negative >= rule.negative * messages
        ]
        if not fitting or not _is_worse(negative, messages, usual):
            continue
        values = {"workflow": workflow, "hour": hour, "kind": kind, "term": term}
        story = database.execute(STORY, values | {"least": OF_STORY}).fetchone()
        about, name = story or (f"{kind} {term}", term)
        warned = Warned(
            *(workflow, about, name, max(fitting, key=LEVELS.index), hour, since, messages, expected),
            negative / messages,
            tuple(row[0] for row in database.execute(RISING, {"workflow": workflow, "hour": hour}).fetchall()),
            tuple(row[0] for row in database.execute(EXAMPLES, values | {"most": MESSAGES}).fetchall()),
        )
        known = found.get(about)
        if known is None or (LEVELS.index(warned.level), warned.messages) > (LEVELS.index(known.level), known.messages):
            found[about] = warned
    return sorted(found.values(), key=lambda each: (-LEVELS.index(each.level), each.about))


def _is_worse(negative: int, messages: int, usual: Any) -> bool:
    from scipy.stats import binomtest

    return bool(binomtest(negative, messages, min(max(usual, 0.01), 0.99), alternative="greater").pvalue < 0.01)


HAS = """
  CASE $kind
    WHEN 'all' THEN true
    WHEN 'channel' THEN channel = $term
    WHEN 'place_id' THEN place_id = $term
    ELSE (workflow, hour, message_id) IN (
      SELECT (workflow, hour, message_id) FROM fact_message_topic
      WHERE workflow = $workflow AND hour = $hour AND taxonomy = $kind AND topic = $term)
  END
"""
COUNTED = """
WITH counted AS (
  SELECT hour, taxonomy AS kind, topic AS term, sum(messages) AS messages, sum(negative) AS negative
  FROM agg_hour WHERE workflow = $workflow GROUP BY ALL
  UNION ALL
  SELECT hour, 'channel', channel, messages, negative FROM agg_hour WHERE workflow = $workflow AND taxonomy = 'all'
  UNION ALL
  SELECT hour, 'place_id', place_id, count(*), count(*) FILTER (sentiment = 'negative') FROM fact_message
  WHERE workflow = $workflow AND place_id IS NOT NULL GROUP BY ALL
)
"""
BURSTS = (
    COUNTED
    + """
SELECT hour, kind, term, burst.messages, burst.expected, now.negative::BIGINT,
  (SELECT coalesce(sum(negative) / sum(messages), 0.33) FROM counted AS past WHERE past.kind = burst.kind
    AND past.term = burst.term AND past.hour < burst.hour AND past.hour >= burst.hour - INTERVAL 7 DAY),
  (SELECT min(hour) FROM burst AS early WHERE early.workflow = $workflow AND early.kind = burst.kind
    AND early.term = burst.term AND early.hour <= burst.hour AND early.hour > burst.hour - $recent)
FROM burst JOIN counted AS now USING (hour, kind, term)
WHERE workflow = $workflow AND hour > (SELECT max(hour) FROM agg_hour WHERE workflow = $workflow) - $recent
ORDER BY hour, burst.p_value, kind, term
"""
)
STORY = f"""
SELECT story_id, coalesce(nullif(any_value(name), ''), story_id)
FROM (SELECT workflow, hour, message_id FROM fact_message WHERE workflow = $workflow AND hour = $hour AND {HAS})
LEFT JOIN story_message USING (workflow, hour, message_id) LEFT JOIN story USING (workflow, story_id)
GROUP BY story_id
QUALIFY story_id IS NOT NULL AND count(*) >= $least * sum(count(*)) OVER ()
ORDER BY count(*) DESC, story_id LIMIT 1
"""
RISING = f"""
SELECT term FROM burst WHERE workflow = $workflow AND hour = $hour
  AND kind IN ('phrase', 'person', 'organisation', 'place') ORDER BY p_value, term LIMIT {PHRASES}
"""
EXAMPLES = f"""
SELECT left(text, {CHARACTERS}) FROM fact_message
WHERE workflow = $workflow AND hour = $hour AND sentiment = 'negative' AND text IS NOT NULL AND {HAS}
GROUP BY text ORDER BY max(sent_negative) DESC, text LIMIT $most
"""
