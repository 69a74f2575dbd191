"""The sample hours: what a demo and a reader need of them."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import urllib3

from socialnlp_assets.fakes.pages import articles, serve_articles
from socialnlp_assets.fakes.samples import WORKFLOWS, sample_hours, sample_late_file
from socialnlp_assets.landing import read_messages
from socialnlp_assets.landing.message import Reject
from socialnlp_assets.sources import shapes, standardise
from socialnlp_assets.sources.invented.phrases import phrases

from .conftest import HOUR

MESSAGES_AN_HOUR = {"sprinklr": 120, "rwanda": 50, "gmaps_stores": 25, "gmaps_service_points": 25}


def rows(files: dict[str, bytes], workflow: str) -> tuple[list[dict[str, Any]], list[Reject]]:
    """The files as `posts` would read them: rows and rejects."""
    good: list[dict[str, Any]] = []
    bad: list[Reject] = []
    for key, content in files.items():
        messages, rejects = read_messages(content, key, shapes())
        bad += rejects
        for message in messages:
            row = standardise(message, ["google_maps" if workflow.startswith("gmaps") else "sprinklr"])
            (bad if isinstance(row, Reject) else good).append(row)  # type: ignore[arg-type]
    return good, bad


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_the_same_call_gives_the_same_bytes(workflow: str) -> None:
    three = sample_hours(HOUR, 3, workflow=workflow)
    assert three == sample_hours(HOUR, 3, workflow=workflow)
    assert sample_hours(HOUR, 1, workflow=workflow).items() <= three.items()
    assert sample_late_file(HOUR, workflow=workflow) == sample_late_file(HOUR, workflow=workflow)
    assert not sample_late_file(HOUR, workflow=workflow).keys() & three.keys()


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_every_hour_is_read_but_for_two_broken_records(workflow: str) -> None:
    files = sample_hours(HOUR, 3, workflow=workflow)
    good, bad = rows(files, workflow)
    assert len(bad) == 2
    assert all("hour=09" in reject.file for reject in bad)
    per_hour = Counter(f"{row['created_at']:%H}" for row in good)
    assert set(per_hour) == {"08", "09", "10"}
    assert min(per_hour.values()) >= MESSAGES_AN_HOUR[workflow]


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_the_hours_hold_what_sources_deliver(workflow: str) -> None:
    good, _ = rows(sample_hours(HOUR, 3, workflow=workflow), workflow)
    identities = Counter(row["message_id"] for row in good)
    assert max(identities.values()) > 1  # duplicates
    assert any(not row["message"] for row in good)  # an empty message
    assert any(row["language"] not in (None, "it", "en", "fr", "sw") or workflow != "sprinklr" for row in good)
    assert any(row["language"] is None for row in good)  # no language, or an unknown one
    assert any(f"hour={row['created_at']:%H}" not in row["landing_file"] for row in good)  # of another hour
    moments = {row["created_at"] for row in good}
    assert HOUR in moments
    assert max(m for m in moments if m < HOUR + timedelta(hours=1)) >= HOUR + timedelta(hours=1, milliseconds=-1)


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_late_file_brings_new_messages_of_its_hour(workflow: str) -> None:
    known = {row["message_id"] for row in rows(sample_hours(HOUR, 1, workflow=workflow), workflow)[0]}
    late, bad = rows(sample_late_file(HOUR, workflow=workflow), workflow)
    assert not bad
    assert len([row for row in late if row["message_id"] not in known]) == 6
    assert all(HOUR <= row["created_at"] < HOUR + timedelta(hours=1) for row in late)


def test_texts_seldom_repeat() -> None:
    good, _ = rows(sample_hours(HOUR, 3, workflow="sprinklr"), "sprinklr")
    posts = {row["message_id"]: row["message"] for row in good if row["kind"] == "social"}
    assert len(set(posts.values())) > 0.9 * len(posts)


@pytest.mark.parametrize(
    "name", ["it", "en", "fr", "sw", "en_rwanda", "reviews_stores", "reviews_service_points", "event"]
)
def test_no_sentence_stands_twice(name: str) -> None:
    assert [text for text, count in Counter(p.text for p in phrases(name)).items() if count > 1] == []


def test_articles_link_to_pages_that_are_served_and_longer_than_the_message() -> None:
    with serve_articles() as address:
        files = sample_hours(HOUR, 1, articles_at=address) | sample_hours(
            HOUR, 1, workflow="rwanda", articles_at=address
        )
        found = [row for row in rows(files, "sprinklr")[0] if row["kind"] == "article"]
        assert len({row["permalink"] for row in found}) == 8
        for row in found:
            page = urllib3.request("GET", row["permalink"], timeout=5)
            assert page.status == 200
            assert len(page.data) > 1.2 * len(row["message"])
        assert urllib3.request("GET", f"{address}/nothing.html", timeout=5).status == 404


def test_english_versions_exist() -> None:
    named = [article.english for article in articles().values() if article.english]
    assert len(named) >= 3
    assert all(articles()[slug].language == "en" for slug in named)


def test_an_unknown_workflow_is_named() -> None:
    with pytest.raises(ValueError, match="choose one of sprinklr, rwanda"):
        sample_hours(HOUR, workflow="weather")


def test_the_files_are_json_lists() -> None:
    for content in sample_hours(HOUR, 3).values():
        assert isinstance(json.loads(content), list)
