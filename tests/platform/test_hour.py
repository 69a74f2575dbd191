"""Whole hours through real endpoints: what a user finds in the tables afterwards."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa
import pytest

from socialnlp_assets.fakes.pages import serve_articles
from socialnlp_assets.fakes.samples import sample_hours
from socialnlp_assets.resources.build import build_endpoints
from socialnlp_assets.resources.hours import release_hour
from socialnlp_assets.settings import Settings
from tests.platform.conftest import HOUR, Platform, message

pytestmark = pytest.mark.slow

CHECKS = {"contract"}
SECOND = HOUR + timedelta(hours=1)  # the sample hour that holds broken records and a message of the hour before


def land_samples(platform: Platform, workflow: str, pages: str = "http://127.0.0.1:9") -> None:
    for path, data in sample_hours(HOUR, 2, workflow=workflow, articles_at=pages).items():
        platform.lake.put(path, data)


def output(platform: Platform, workflow: str) -> duckdb.DuckDBPyRelation:
    """The whole output as one Hive-partitioned table."""
    return duckdb.read_parquet(f"{platform.settings.lake_uri}/output/{workflow}/**/*.parquet", hive_partitioning=True)


def materialised(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    return {
        event.materialization.asset_key.path[-1]: {k: v.value for k, v in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
    }


def passed(result: dg.ExecuteInProcessResult) -> dict[str, set[str]]:
    """Asset → its checks, all of which have passed."""
    found: dict[str, set[str]] = {}
    for check in result.get_asset_check_evaluations():
        assert check.passed, check
        found.setdefault(check.asset_key.path[-1], set()).add(check.check_name)
    return found


def snapshot(platform: Platform, *folders: str) -> dict[str, bytes]:
    files = [file for folder in folders for file in platform.lake.objects(folder)]
    return {file.path: platform.lake.get(file.path) for file in files}


def test_an_hour_of_sprinklr_becomes_a_table(whole_platform: Platform) -> None:
    land_samples(whole_platform, "sprinklr")
    result = whole_platform.run(hour=SECOND)
    assert result.success
    found = materialised(result)
    assert list(found) == [
        *("posts", "translations", "filtered_text", "sentiments", "enrichments", "classifications"),
        *("entities", "keywords", "summaries", "themes", "output", "profile"),
    ]  # fmt: skip
    for asset, counts in found.items():
        assert counts["rows_in"] == counts["rows_out"] + counts["rows_dropped"] + counts["rows_quarantined"], asset
        assert counts["dagster/partition_row_count"] == counts["rows_out"]
        assert f"| {'bin' if asset == 'profile' else 'message&#95;id'} |" in counts["preview"]
    assert found["posts"]["rows_quarantined"] == 2
    assert found["classifications"]["dropped"] == {"not social": 6}
    assert found["translations"]["endpoints"].records[0].data["requests"] >= 1
    used = {row.data["model"]: row.data["holder"] for row in found["output"]["run/endpoints"].records}
    assert used["translator"] == "translations"
    assert len(used) == 9
    checks = passed(result)
    assert set(checks) == set(found)
    assert all(names >= CHECKS for names in checks.values())
    assert {check.partition for check in result.get_asset_check_evaluations()} == {"2026-11-20-09:00"}

    rows = output(whole_platform, "sprinklr")
    per_topic = Counter((row["message_id"]) for row in rows.select("message_id").to_df().to_dict("records"))
    topics = {row["message_id"]: row["topic_ids"] for row in whole_platform.rows("posts", hour=SECOND)}
    assert len(per_topic) == found["output"]["rows_out"]
    assert all(per_topic[key] == max(1, len(topics[key])) for key in per_topic)
    kinds = rows.aggregate("any_value(sentiment) AS s, social, topic_id, date, hour", "social, topic_id, date, hour")
    assert {(str(row[3])[:10], int(row[4])) for row in kinds.fetchall()} == {("2026-11-20", 9)}


def test_names_stand_where_their_offsets_say(whole_platform: Platform) -> None:
    whole_platform.land([message(1, "Mario Rossi of Microsoft came back to Rome"), message(2, "the lights are out")])
    result = whole_platform.run()
    assert result.success
    texts = {row["message_id"]: row["text_enriched"] for row in whole_platform.rows("enrichments")}
    named, nothing = whole_platform.rows("entities")
    assert (named["people"], named["places"]) == (["Mario Rossi"], ["Rome"])
    assert named["organisations"] == ["Microsoft"]
    assert named["entity_kinds"] == ["person", "organisation", "place"]
    spans = zip(named["entities"], named["entity_starts"], named["entity_ends"], strict=True)
    assert all(texts[named["message_id"]][start:end] == name for name, start, end in spans)
    assert nothing["entities"] == []
    assert "plausible" in passed(result)["entities"]
    (row,) = output(whole_platform, "sprinklr").filter("'Rome' IN places").select("message_id, people").fetchall()
    assert row == (named["message_id"], ["Mario Rossi"])


def test_a_run_again_gives_the_same_bytes(whole_platform: Platform) -> None:
    land_samples(whole_platform, "sprinklr")
    assert whole_platform.run(hour=SECOND).success
    first = snapshot(whole_platform, "output", "sprinklr", "quarantine")
    assert whole_platform.run(hour=SECOND).success
    second = snapshot(whole_platform, "output", "sprinklr", "quarantine")
    assert first.keys() == second.keys()
    assert [path for path in first if first[path] != second[path]] == [
        whole_platform.lake.table_path("sprinklr", "profile", SECOND)  # it tells how long models took
    ]


def test_a_run_again_leaves_no_partition_that_is_no_longer_there(whole_platform: Platform) -> None:
    whole_platform.land([message(1, topicIds=["1", "2"]), message(2, topicIds=["3"])])
    assert whole_platform.run().success
    whole_platform.land([message(1, topicIds=["2"]), message(2, topicIds=["3"], channelType="REDDIT")])
    assert whole_platform.run().success
    assert sorted(file.path.split("/date=")[0] for file in whole_platform.lake.objects("output")) == [
        "output/sprinklr/social=REDDIT/topic_id=3",
        "output/sprinklr/social=TWITTER/topic_id=2",
    ]


def test_messages_explode_over_their_topics(whole_platform: Platform) -> None:
    texts = {"WEB": "A long day for the grid", "TWITTER": "The power is back"}
    whole_platform.land(
        [
            message(1, texts["WEB"], channelType="WEB", topicIds=["1", "2", "3"], permalink=None),
            message(2, texts["TWITTER"], topicIds=["4", "5"]),
            message(3, "No topic at all", topicIds=[]),
            message(4, "", topicIds=["9"]),
        ]
    )
    assert whole_platform.run().success
    rows = output(whole_platform, "sprinklr").select("social, topic_id, message_id").fetchall()
    assert sorted((social, str(topic), key) for social, topic, key in rows) == [
        *[("TWITTER", "4", "m2"), ("TWITTER", "5", "m2"), ("TWITTER", "none", "m3")],
        *[("WEB", "1", "m1"), ("WEB", "2", "m1"), ("WEB", "3", "m1")],
    ]  # fmt: skip


def test_an_article_takes_the_text_of_its_page(settings: Settings) -> None:
    with serve_articles() as pages, dg.DagsterInstance.ephemeral() as instance:
        open_settings = settings.model_copy(
            update={"article_allowed_hosts": frozenset({pages.removeprefix("http://")})}
        )
        platform = Platform(open_settings, instance)
        land_samples(platform, "sprinklr", pages)
        try:
            first = platform.run(hour=SECOND)
            assert first.success
        finally:
            with build_endpoints(open_settings) as endpoints:
                endpoints.stop_all()
    rows = [row for row in platform.rows("enrichments", hour=SECOND) if row["article_status"] != "not_article"]
    assert {row["article_status"] for row in rows} >= {"enriched"}
    clean = {row["message_id"]: row["text_clean"] for row in platform.rows("filtered_text", hour=SECOND)}
    for row in rows:
        longer = len(row["text_enriched"]) >= 1.2 * len(clean[row["message_id"]])
        assert row["enriched"] == (row["article_status"] == "enriched")
        assert longer if row["enriched"] else row["text_enriched"] == clean[row["message_id"]]

    enriched = snapshot(platform, "sprinklr/enrichments")
    release_hour(platform.lake, first.dagster_run)  # which the next instance knows nothing of
    with dg.DagsterInstance.ephemeral() as instance:  # the pages are gone from the web now
        platform.instance = instance
        key = dg.AssetKey(["sprinklr", "enrichments"])
        assert platform.run(hour=SECOND, asset_selection=[key]).success
    assert snapshot(platform, "sprinklr/enrichments") == enriched


def test_rwanda_and_reviews(whole_platform: Platform) -> None:
    for workflow, assets in {"rwanda": 9, "gmaps_stores": 6, "gmaps_service_points": 6}.items():
        land_samples(whole_platform, workflow)
        result = whole_platform.run(workflow, SECOND)
        assert result.success
        assert len(materialised(result)) == assets
    reviews = output(whole_platform, "gmaps_stores")
    aspects = {"prezzi", "accessibilita", "gentilezza", "tempestivita", "competenza"}
    assert aspects <= set(reviews.columns)
    labels = {row[0] for aspect in aspects for row in reviews.select(aspect).fetchall()}
    assert labels <= {"positive", "negative", "not mentioned"}
    assert len(labels) > 1
    posts = {row["message_id"]: row["message"] for row in whole_platform.rows("posts", "rwanda", SECOND)}
    english = whole_platform.rows("translations", "rwanda", SECOND)
    assert sum(row["translated"] for row in english) > 10
    assert {row["translation_engine"] for row in english} == {None, "lexicon-translation"}
    for row in english:
        known = row["translation_known"]
        assert (known is None) == (row["translation_engine"] is None) == (not row["translated"])
        assert row["translation_doubtful"] == (known is not None and known < 0.75)
    assert all(bool(row["text_en"]) == bool(posts[row["message_id"]]) for row in english)


def test_a_failed_check_publishes_nothing_and_stops_the_run(whole_platform: Platform) -> None:
    """Rows that are there twice would count twice in every report: the guard holds them back."""
    whole_platform.land([message(1), message(2)])
    assert whole_platform.run().success
    before = snapshot(whole_platform, "sprinklr/keywords", "output")
    path = whole_platform.lake.table_path("sprinklr", "enrichments", HOUR)
    table = whole_platform.lake.read_table(path)
    whole_platform.lake.write_table(path, pa.concat_tables([table, table]))
    keys = [dg.AssetKey(["sprinklr", name]) for name in ("keywords", "output")]
    result = whole_platform.run(asset_selection=keys)
    assert not result.success
    failed = {
        (check.asset_key.path[-1], check.check_name)
        for check in result.get_asset_check_evaluations()
        if not check.passed
    }
    assert failed == {("keywords", "contract")}
    assert snapshot(whole_platform, "sprinklr/keywords", "output") == before


def test_a_workflow_is_one_file(whole_platform: Platform, tmp_path: Path) -> None:
    """Another language, another set of steps, another classifier: a YAML file, no Python."""
    folder = tmp_path / "workflows"
    folder.mkdir()
    (folder / "france.yaml").write_text(
        "name: france\n"
        "description: What people say in France.\n"
        'owners: ["team:france"]\n'
        "source:\n"
        "  kind: dropped\n"
        "  languages: [fr, en]\n"
        "steps:\n"
        "  translations:\n"
        "  classifications: {model: aspects-service-points}\n"
        "  keywords: {top: 3}\n"
        "  themes: {model: reputation, threshold: 0.3}\n"
    )
    whole_platform.settings = whole_platform.settings.model_copy(update={"workflows": folder})
    definitions = whole_platform.definitions
    graph = definitions.get_repository_def().asset_graph
    assets = {key.path[1] for key in graph.get_all_asset_keys() if key.path[0] == "france"}
    assert assets == {"landing", "posts", "translations", "classifications", "keywords", "themes", "output", "profile"}
    assert definitions.resolve_sensor_def("france_landing").job_name == "france"
    text = "La facture d'électricité est trop chère"
    whole_platform.land([message(1, text, language="fr"), message(2)], workflow="france")
    result = whole_platform.run("france")
    assert result.success
    checks = passed(result)
    assert set(checks) == assets - {"landing"}
    assert all(names >= CHECKS for names in checks.values())
    assert "plausible" in checks["classifications"]
    rows = {row["message_id"]: row for row in output(whole_platform, "france").to_df().to_dict("records")}
    assert set(rows) == {"m1", "m2"}
    assert rows["m1"]["text_en"] != text
    assert {rows[key]["prezzi"] for key in rows} <= {"positive", "negative", "not mentioned"}
    assert {"theme_products", "theme_products_score", "keywords"} <= set(rows["m1"])
    assert all(len(row["keywords"]) <= 3 for row in rows.values())


def test_metadata_holds_no_author(whole_platform: Platform) -> None:
    whole_platform.land([message(1, senderProfile={"name": "Ada Lovelace", "username": "ada_l", "channelId": "31337"})])
    result = whole_platform.run()
    events = json.dumps([str(event) for event in result.all_events])
    for secret in ("Ada Lovelace", "ada_l", "31337"):
        assert secret not in events
    tables = [whole_platform.rows(asset) for asset in passed(result) if asset != "output"]
    stored = json.dumps([*tables, output(whole_platform, "sprinklr").fetchall()], default=str)
    assert "The power is back" in stored
    assert "TWITTER" in stored
    for secret in ("Ada Lovelace", "ada_l", "31337"):
        assert secret not in stored
