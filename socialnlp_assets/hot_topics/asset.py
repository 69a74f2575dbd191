"""Bursts and stories as assets, tables of the mart that are found after dbt has built the others."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from socialnlp_assets.hot_topics.record import NAMES, update
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


def build_hot_topics(folder: Path) -> dg.AssetsDefinition:
    """The assets `mart/burst`, `mart/story` and `mart/story_message` over the mart in `folder`."""
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
        )
        for name in NAMES
    ]

    @dg.multi_asset(name="find_hot_topics", specs=specs, can_subset=False)
    def assets(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        found = update(Mart(folder))
        context.log.info("%d hours were looked at", found.hours)
        for name in NAMES:
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey(["mart", name]),
                metadata={"dagster/row_count": found.rows[name], "hours_looked_at": found.hours},
            )

    return assets
