"""A lake whose output is invented, and the mart over it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from socialnlp_assets.mart.build import Mart
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.output_table import OutputTable
from socialnlp_assets.workflow import load_workflows

HOUR = datetime(2026, 11, 20, 8, tzinfo=UTC)
WORKFLOWS = ("sprinklr", "gmaps_stores", "rwanda")
ASPECTS = ("prezzi", "accessibilita", "gentilezza", "tempestivita", "competenza")
TABLES = (
    *("fact_message", "fact_message_topic", "fact_keyword", "fact_aspect", "agg_hour", "agg_day"),
    *("dim_topic", "dim_channel", "dim_place", "dim_author"),
)


def output(workflow: str, hour: datetime, messages: list[dict[str, Any]]) -> pa.Table:
    """The output of an hour: `messages` say what matters of each, the rest is the same for all."""
    schema = load_workflows()[workflow].output().table().arrow
    said = {
        **{"message_id": "m1", "social": "TWITTER", "kind": "social", "created_at": hour, "source": "sprinklr"},
        **{"language": "en", "message": "as delivered", "sentiment": "neutral", "emotion": "joy", "topic_ids": ["1"]},
        **{"landing_file": "batch.json", "landing_position": 0, "language_detected": False, "author": "a" * 32},
        **dict.fromkeys(("text_clean", "text_en", "text_enriched", "summary"), "The power is back"),
        **dict.fromkeys(ASPECTS, "not_mentioned"),
    }
    rows = []
    for message in messages:
        known = said | message
        rows.append({f.name: known.get(f.name, _empty(f.type)) for f in schema})
    return pa.Table.from_pylist(rows, schema=schema)


def _empty(kind: pa.DataType) -> Any:
    if pa.types.is_list(kind):
        return []
    if pa.types.is_boolean(kind):
        return False
    return 0.25 if pa.types.is_floating(kind) else None


def some_messages(seed: object, count: int = 12) -> list[dict[str, Any]]:
    """Messages that differ in all that the mart counts by."""
    rng = Random(str(seed))
    return [
        {
            **{
                "message_id": f"m{number}",
                "social": rng.choice(["TWITTER", "WEB"]),
                "author": f"{rng.randrange(5):032}",
            },
            **{"sentiment": rng.choice(["negative", "neutral", "positive"]), "emotion": rng.choice(["joy", "anger"])},
            **{"topic_ids": rng.sample(["1", "2", "3"], rng.randrange(3)), "theme_economy": rng.random() < 0.5},
            **{"products": rng.random() < 0.5, "keywords": ["bill", "grid"], "keyword_scores": [0.3, rng.random()]},
            **{"places": rng.choice([["Rome"], []]), "place_id": rng.choice(["p1", "p2"]), "rating": rng.randint(1, 5)},
            **{aspect: rng.choice(["positive", "negative", "not_mentioned"]) for aspect in ASPECTS},
        }
        for number in range(count)
    ]


@dataclass
class World:
    """Publishes hours, and builds and asks the mart."""

    lake: Lake
    mart: Mart

    def publish(self, messages: list[dict[str, Any]], workflow: str = "sprinklr", later: int = 0) -> None:
        hour = HOUR + timedelta(hours=later)
        OutputTable(self.lake, workflow).publish(hour, output(workflow, hour, messages))

    def update(self) -> int:
        """Bring the mart up to date; how many hours have changed."""
        build = self.mart.update(self.lake, WORKFLOWS)
        assert build.problems == []
        return len(build.hours)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with self.mart.open() as database:
            return database.sql(sql).fetchall()

    def figures(self, mart: Mart | None = None) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table, in one order."""
        with (mart or self.mart).open() as database:
            return {table: database.sql(f"FROM {table} ORDER BY ALL").fetchall() for table in TABLES}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(Lake(uri=str(tmp_path / "lake")), Mart(tmp_path / "mart"))


@pytest.fixture
def make_world(tmp_path: Path) -> Callable[[Path | None], World]:
    """A world whose mart has the further models of a folder."""
    return lambda own: World(Lake(uri=str(tmp_path / "lake")), Mart(tmp_path / "mart", own))
