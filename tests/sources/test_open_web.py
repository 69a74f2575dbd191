"""The workflow open_web: two sources feed it, late entries find their hours, and it is off until it is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml

from socialnlp_assets.definitions import build_definitions
from socialnlp_assets.partitions import key_of
from socialnlp_assets.settings import Settings
from socialnlp_assets.sources.feeds.stand_in import FakeFeeds, item
from socialnlp_assets.sources.mastodon.stand_in import FakeMastodon, status
from tests.platform.conftest import NoEndpoints, Platform

from .conftest import HOUR

LANDING, FEEDS, MASTODON = (
    dg.AssetKey(["open_web", name]) for name in ("landing", "landing_feeds", "landing_mastodon")
)


def settings(tmp_path: Path, **sources: object) -> Settings:
    file = tmp_path / "sources.yaml"
    file.write_text(yaml.safe_dump(sources))
    enabled = frozenset({"open_web"})
    return Settings(sources=file, lake=str(tmp_path / "lake"), state=tmp_path / "state", enable=enabled)


def test_it_is_off_until_it_is_asked_for(tmp_path: Path) -> None:
    off = build_definitions(Settings(state=tmp_path)).get_repository_def()
    assert "open_web" not in off.job_names
    on = build_definitions(settings(tmp_path)).get_repository_def()
    assert "open_web" in on.job_names


def test_each_of_its_sources_has_a_job_a_schedule_and_an_asset_of_its_own(tmp_path: Path) -> None:
    repository = build_definitions(settings(tmp_path, feeds={}, mastodon={})).get_repository_def()
    assert {"pull_feeds", "pull_mastodon"} <= set(repository.job_names)
    assert {"pull_feeds_schedule", "pull_mastodon_schedule"} <= {s.name for s in repository.schedule_defs}
    graph = repository.asset_graph
    assert graph.get(LANDING).parent_keys == {FEEDS, MASTODON}
    assert not graph.get(LANDING).is_executable
    assert graph.get(FEEDS).is_executable
    assert graph.get(dg.AssetKey(["open_web", "posts"])).parent_keys == {LANDING}


def test_a_source_that_is_the_only_one_configured_is_pulled_into_landing_itself(tmp_path: Path) -> None:
    graph = build_definitions(settings(tmp_path, mastodon={})).get_repository_def().asset_graph
    assert graph.get(LANDING).is_executable
    assert MASTODON not in graph.get_all_asset_keys()


@dataclass
class OpenWeb:
    """The workflow with its sources' stand-ins, and what Dagster knows of it."""

    site: FakeFeeds
    instance: FakeMastodon
    platform: Platform

    def pull(self, source: str, hour: datetime) -> dg.ExecuteInProcessResult:
        job = self.platform.definitions.resolve_job_def(f"pull_{source}")
        return job.execute_in_process(partition_key=key_of(hour), instance=self.platform.instance, raise_on_error=False)

    def ids(self, hour: datetime) -> list[str]:
        """The identities that `posts` has of an hour once it has run."""
        assert self.platform.ingest("open_web", hour).success
        return sorted(row["message_id"].rsplit("/", 1)[1] for row in self.platform.rows("posts", "open_web", hour))


@pytest.fixture
def open_web(tmp_path: Path) -> Iterator[OpenWeb]:
    site, instance = FakeFeeds(), FakeMastodon([])
    with ExitStack() as stack:
        feeds_at, mastodon_at = stack.enter_context(site.serve()), stack.enter_context(instance.serve())
        found = settings(
            tmp_path,
            feeds={
                "subscriptions": {"open_web": [{"url": f"{feeds_at}/json", "topics": ["energy"]}]},
                "allowed_hosts": [feeds_at.removeprefix("http://")],
            },
            mastodon={"instances": [mastodon_at], "hashtags": {"open_web": ["energia"]}},
        )
        with dg.DagsterInstance.ephemeral() as dagster:
            yield OpenWeb(site, instance, Platform(found, dagster, {"endpoints": NoEndpoints()}))


@pytest.mark.slow
def test_an_hour_of_both_sources_and_late_entries_in_their_own_hours_exactly_once(open_web: OpenWeb) -> None:
    before, after = HOUR - timedelta(hours=1), HOUR + timedelta(hours=1)
    open_web.instance.statuses = [status(1, HOUR + timedelta(minutes=3), "energia", language="it")]
    open_web.site.items = [item(10, HOUR + timedelta(minutes=1)), item(11, HOUR + timedelta(minutes=2))]
    assert open_web.pull("feeds", HOUR).success
    assert open_web.pull("mastodon", HOUR).success
    assert open_web.ids(HOUR) == ["1", "10", "11"]
    for late in (item(12, HOUR + timedelta(minutes=59)), item(13, before)):
        open_web.site.items.append(late)
    open_web.site.items[0] = item(10, after, html="<p>Corrected.</p>")  # edited, and dated anew
    for _ in range(2):  # pulled again and again
        assert open_web.pull("feeds", after).success
        assert open_web.ids(after) == []
        assert open_web.ids(HOUR) == ["1", "10", "11", "12"]
        assert open_web.ids(before) == ["13"]
    assert open_web.platform.quarantined("open_web") == []


@pytest.mark.slow
def test_a_feed_that_does_not_answer_is_seen_on_the_asset(open_web: OpenWeb, tmp_path: Path) -> None:
    file = tmp_path / "sources.yaml"
    configured = yaml.safe_load(file.read_text())
    gone = configured["feeds"]["subscriptions"]["open_web"][0]["url"].replace("/json", "/nothing")
    configured["feeds"]["subscriptions"]["open_web"].append({"url": gone, "topics": ["energy"]})
    file.write_text(json.dumps(configured))
    open_web.site.items = [item(10, HOUR)]
    run = open_web.pull("feeds", HOUR)
    assert run.success
    (event,) = run.get_asset_materialization_events()
    assert event.asset_key == FEEDS
    assert event.materialization.metadata["messages"].value == 1
    assert event.materialization.metadata["problems"].value == [f"{gone}: answers HTTP 404"]
