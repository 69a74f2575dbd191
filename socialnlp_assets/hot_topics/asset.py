"""Bursts and stories as assets, tables of the mart that are found after dbt has built the others."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import dagster as dg

from socialnlp_assets.alerts import AlertNotSent, Alerts
from socialnlp_assets.hot_topics.record import NAMES, update
from socialnlp_assets.hot_topics.rules import WarningRule
from socialnlp_assets.hot_topics.warnings import LEVELS, Warned, warnings
from socialnlp_assets.mart.automation import with_mart
from socialnlp_assets.mart.build import Mart

READ = ("fact_message", "fact_keyword", "agg_hour")
OF_WORKFLOW = {"workflow": "whose messages"}
COLUMNS = {
    "burst": OF_WORKFLOW
    | {
        "hour": "of the burst, UTC",
        "kind": "phrase, person, organisation, place, source, reputation, theme, channel, place_id, or all messages",
        "term": "which one",
        "messages": "how many of the hour have it",
        "expected": "how many were to be expected",
        "ratio": "messages by expected",
        "p_value": "that chance alone brings so many; small enough for all that is tested in an hour",
        "against": "the same hours of the weeks before, or of the days before where there are no weeks yet",
    },
    "story": OF_WORKFLOW
    | {
        "story_id": "of the story",
        "name": "phrases and names that tell it from the rest",
        "first_hour": "of its first message, UTC",
        "last_hour": "of its last message, UTC",
        "messages": "how many tell it",
        "authors": "how many different authors they have",
        "channels": "how many different channels they come from",
        "negative": "how many of them sound so",
    },
    "story_message": OF_WORKFLOW
    | {
        "story_id": "of the story that the message tells",
        "hour": "of the message",
        "message_id": "of the message",
        "told_hour": "the hour with which it was seen to tell it",
        "nearness": "how near it is to the others, 0 to 1",
    },
}
MEANINGS = {
    "burst": "What an hour has surely more of than the same hours before: phrases, names, topics, channels, places.",
    "story": "Messages on one event, near-duplicates among them, followed from hour to hour.",
    "story_message": "Which message tells which story.",
}

TOLD = "CREATE TABLE IF NOT EXISTS hot.channel_told (workflow VARCHAR, about VARCHAR, level BIGINT, channel VARCHAR)"
HAS_BEEN_TOLD = "SELECT channel FROM hot.channel_told WHERE workflow = ? AND about = ? AND level >= ?"


def tell_new(mart: Mart, rules: Mapping[str, Sequence[WarningRule]], alerts: Alerts) -> list[Warned]:
    """Send an alert of each warning to the channels that have not had it, or at a lower level; the warnings that there
    are now.

    What a channel does not take is sent to it by the next build. Raises `AlertNotSent` then, when all is tried.
    """
    import duckdb

    found, refused = [], []
    with closing(duckdb.connect(str(mart.file))) as database:
        database.execute(TOLD)
        for workflow, own in rules.items():
            found += warnings(database, workflow, own)
        for each in found:
            row = [each.workflow, each.about, LEVELS.index(each.level)]
            had = {channel for (channel,) in database.execute(HAS_BEEN_TOLD, row).fetchall()}
            has = set(had)
            try:
                alerts.send(each.as_alert(), has)
            except AlertNotSent as error:
                refused.append(str(error))
            for channel in sorted(has - had):
                database.execute("INSERT INTO hot.channel_told VALUES (?, ?, ?, ?)", [*row, channel])
    if refused:
        raise AlertNotSent("; ".join(dict.fromkeys(refused)))
    return found


def build_hot_topics(folder: Path, rules: Mapping[str, Sequence[WarningRule]]) -> dg.AssetsDefinition:
    """The assets `mart/burst`, `mart/story` and `mart/story_message` over the mart in `folder`. Warnings by the
    `rules` of each workflow go where alerts go."""
    specs = [
        dg.AssetSpec(
            dg.AssetKey(["mart", name]),
            deps=[dg.AssetKey(["mart", table]) for table in READ],
            description=MEANINGS[name],
            group_name="mart",
            kinds={"python", "duckdb"},
            metadata={
                "dagster/column_schema": dg.TableSchema(
                    [dg.TableColumn(column, description=meaning) for column, meaning in COLUMNS[name].items()]
                ),
                "dagster/table_name": name,
            },
            automation_condition=with_mart(),
        )
        for name in NAMES
    ]

    @dg.multi_asset(name="find_hot_topics", specs=specs, can_subset=False, required_resource_keys={"alerts"})
    def assets(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        found = update(Mart(folder))
        try:
            for warned in tell_new(Mart(folder), rules, context.resources.alerts):
                context.log.warning("%s: a warning of level %s", warned.workflow, warned.level)
        except AlertNotSent as error:
            context.log.warning("A warning was not delivered; the next build tries again: %s", error)
        context.log.info("%d hours were looked at", found.hours)
        for name in NAMES:
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey(["mart", name]),
                metadata={"dagster/row_count": found.rows[name], "hours_looked_at": found.hours},
            )

    return assets
