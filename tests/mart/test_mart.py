"""The mart has what the output has: whatever has come late, was run again, or went wrong in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from socialnlp_assets.definitions import build_definitions
from socialnlp_assets.hot_topics.record import NAMES
from socialnlp_assets.mart.build import Mart, MartError
from socialnlp_assets.mart.models import models
from socialnlp_assets.resources.build import build_lake
from socialnlp_assets.settings import Settings
from tests.mart.conftest import TABLES, WORKFLOWS, World, some_messages

pytestmark = pytest.mark.slow


def test_what_is_added_hour_by_hour_is_what_a_full_rebuild_gives(world: World, tmp_path: Path) -> None:
    """With hours that come late, are run again with fewer and other messages, become empty, and stay as they are."""
    for workflow in WORKFLOWS:
        world.publish(some_messages(workflow), workflow, later=3)
    assert world.update() == 3
    world.publish(some_messages("late"), later=1)
    world.publish(some_messages("again", 5), later=3)
    world.publish(some_messages("of another day"), "gmaps_stores", later=20)
    assert world.update() == 3
    world.publish([], "rwanda", later=3)
    world.publish(some_messages("late"), later=1)  # the same once more
    assert world.update() in (1, 2)  # a disk's entity tags change with the time, too
    again = Mart(tmp_path / "another")
    assert again.update(world.lake, WORKFLOWS).problems == []
    figures = world.figures()
    assert figures == world.figures(again)
    assert all(figures.values())
    assert not world.ask("FROM fact_message WHERE workflow = 'rwanda'")
    assert world.update() == 0
    assert world.figures() == figures
    (world.mart.folder / "built_by").write_text("another version's models")
    assert world.update() == 5  # of every hour: those models may have made something else of it
    assert world.figures() == figures


def test_a_message_is_counted_once_and_by_each_of_its_topics(world: World) -> None:
    labels = {"products": True, "products_score": 0.9, "theme_economy": True, "theme_economy_score": 0.8}
    phrases = {"keywords": ["bill"], "keyword_scores": [0.5], "places": ["Rome"], "people": ["Ada"]}
    world.publish([{"message_id": "m1", "topic_ids": ["1", "2"], "sentiment": "negative", **labels, **phrases}])
    world.update()
    topics = world.ask("SELECT taxonomy, topic, score FROM fact_message_topic ORDER BY ALL")
    assert topics == [
        ("reputation", "products", 0.9),
        ("source", "1", None),
        ("source", "2", None),
        ("theme", "economy", 0.8),
    ]
    counted = world.ask("SELECT taxonomy, topic, messages, negative FROM agg_hour ORDER BY ALL")
    assert counted == [("all", "all", 1, 1), *((taxonomy, topic, 1, 1) for taxonomy, topic, _ in topics)]
    assert world.ask("SELECT taxonomy, topic, messages, negative FROM agg_day ORDER BY ALL") == counted
    names = world.ask("SELECT kind, phrase FROM fact_keyword ORDER BY ALL")
    assert names == [("person", "Ada"), ("phrase", "bill"), ("place", "Rome")]


def test_reviews_have_their_aspects_by_place(world: World) -> None:
    review = {"prezzi": "negative", "prezzi_score": 0.7, "place_id": "p1", "rating": 2}
    world.publish([{"message_id": "m1", **review}, {"message_id": "m2", "place_id": "p1", "rating": 5}], "gmaps_stores")
    world.update()
    found = world.ask("SELECT place_id, label, score FROM fact_aspect WHERE aspect = 'prezzi' ORDER BY message_id")
    assert found == [("p1", "negative", 0.7), ("p1", "not_mentioned", 0.25)]
    assert world.ask("SELECT place_id, messages, mean_rating FROM dim_place") == [("p1", 2, 3.5)]


def test_a_person_whose_messages_are_erased_is_in_no_table_any_more(world: World) -> None:
    person = {"message_id": "mine", "author": "b" * 32, "text_enriched": "secret words", "keywords": ["secret"]}
    world.publish([{"message_id": "m1"}, {**person, "keyword_scores": [1.0]}])
    world.update()
    assert "secret" in str(world.figures())
    world.publish([{"message_id": "m1"}])  # what a re-run without the message publishes
    world.update()
    left = str(world.figures())
    assert "b" * 32 not in left
    assert "secret" not in left
    assert "'mine'" not in left
    assert world.ask("SELECT count(*) FROM mart.stage.message") == [(0,)]


def test_a_build_that_fails_is_made_up_for_by_the_next(
    make_world: Callable[[Path | None], World], tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "mine.sql").write_text("select no_such_column from {{ ref('fact_message') }}")
    world = make_world(own)
    world.publish(some_messages("gone"))
    (own / "mine.sql").rename(own / "mine.not")
    assert world.update() == 1
    (own / "mine.not").rename(own / "mine.sql")
    world.publish([message | {"author": "c" * 32} for message in some_messages("one")])  # others wrote before
    failed = world.mart.update(world.lake, WORKFLOWS)
    assert "mine: " in failed.problems[0]
    (own / "mine.sql").write_text("select author, count(*) as n from {{ ref('fact_message') }} group by all")
    assert world.update() == 1
    assert world.ask("SELECT sum(n) FROM mine") == [(12,)]
    assert world.ask("SELECT count(*) FROM fact_message") == [(12,)]
    assert world.ask("SELECT DISTINCT author FROM dim_author") == [("c" * 32,)]


def test_models_are_assets_their_tests_checks_and_columns_come_from_the_output(tmp_path: Path) -> None:
    settings = Settings(lake=str(tmp_path / "lake"), state=tmp_path / "state")
    world = World(build_lake(settings), Mart(settings.state / "mart"))
    world.publish(some_messages("one"))
    with dg.DagsterInstance.ephemeral() as instance:
        job = build_definitions(settings).resolve_job_def("mart")
        run = job.execute_in_process(instance=instance)
        events = run.get_asset_materialization_events()
        built = {e.asset_key.path[-1]: e for e in events if e.asset_key and e.asset_key.path[0] == "mart"}
        assert built.keys() == {*TABLES, *NAMES}
        checks = run.get_asset_check_evaluations()
        assert {check.check_name for check in checks} == {name for m in models().values() for name in m.checks}
        assert all(check.passed for check in checks)
        lineage = built["fact_message"].materialization.metadata["dagster/column_lineage"].value
        deps = {(dep.asset_key.path[0], dep.column_name) for dep in lineage.deps_by_column["text"]}
        assert {("sprinklr", "text_enriched"), ("gmaps_stores", "text_clean")} <= deps
        of_day = built["agg_day"].materialization.metadata["dagster/column_lineage"].value
        (dep,) = of_day.deps_by_column["negative"]
        assert (dep.asset_key.path, dep.column_name) == (["mart", "agg_hour"], "negative")


def test_every_column_of_every_model_is_described(world: World) -> None:
    world.publish(some_messages("one"))
    world.update()
    for name, model in models().items():
        columns = [row[0] for row in world.ask(f"SELECT column_name FROM (DESCRIBE {name})")]
        assert list(model.columns) == columns, name
        assert model.description
        assert all(model.columns.values())


def test_who_asks_a_mart_that_is_not_there_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MartError, match="materialise the mart's assets first"), Mart(tmp_path).open():
        pass
