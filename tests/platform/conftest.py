"""A platform of one's own: a lake and a state directory in a temporary folder, a real Dagster instance."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from socialnlp_assets.definitions import build_definitions
from socialnlp_assets.partitions import key_of
from socialnlp_assets.resources.build import build_endpoints, build_lake
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.settings import Settings

HOUR = datetime(2026, 11, 20, 8, tzinfo=UTC)


def message(number: int, text: str = "The power is back", **changes: Any) -> dict[str, Any]:
    """A Sprinklr v2 message of `HOUR`; `changes` replaces fields, and None removes them."""
    raw = {
        "messageId": f"m{number}",
        "channelType": "TWITTER",
        "channelCreatedTime": int(HOUR.timestamp() * 1000) + number * 1000,
        "content": {"text": text},
        "language": "en",
        "permalink": f"https://social.example/{number}",
        "topicIds": ["1"],
        "senderProfile": {"name": "Ada", "username": "ada", "channelId": "77"},
    } | changes
    return {name: value for name, value in raw.items() if value is not None}


@dataclass
class Platform:
    """An installation: land files, run hours, read what came out."""

    settings: Settings
    instance: dg.DagsterInstance
    overrides: dict[str, Any] = field(default_factory=dict)

    @property
    def lake(self) -> Lake:
        return build_lake(self.settings)

    @property
    def definitions(self) -> dg.Definitions:
        return build_definitions(self.settings, self.overrides)

    def land(self, content: Any, name: str = "batch.json", workflow: str = "sprinklr", hour: datetime = HOUR) -> str:
        """Put a file into the landing area; whatever is not bytes becomes JSON."""
        path = f"{Lake.landing_folder(workflow, hour)}/{name}"
        self.lake.put(path, content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    def run(
        self, workflow: str = "sprinklr", hour: datetime = HOUR, tags: Mapping[str, str] | None = None, **selection: Any
    ) -> dg.ExecuteInProcessResult:
        """Run an hour of a workflow, or with `asset_selection` a part of it."""
        return self.definitions.resolve_job_def(workflow).execute_in_process(
            partition_key=key_of(hour), instance=self.instance, raise_on_error=False, tags=dict(tags or {}), **selection
        )

    def ingest(self, workflow: str = "sprinklr", hour: datetime = HOUR) -> dg.ExecuteInProcessResult:
        """Run `posts` alone."""
        return self.run(workflow, hour, asset_selection=[dg.AssetKey([workflow, "posts"])])

    def rows(self, asset: str, workflow: str = "sprinklr", hour: datetime = HOUR) -> list[dict[str, Any]]:
        """What an asset published."""
        return self.lake.read_table(Lake.table_path(workflow, asset, hour)).to_pylist()

    def quarantined(self, workflow: str = "sprinklr") -> list[dict[str, Any]]:
        """Everything of a workflow in quarantine."""
        files = self.lake.objects(f"quarantine/{workflow}")
        return [row for file in files for row in self.lake.read_table(file.path).to_pylist()]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(lake=str(tmp_path / "lake"), state=tmp_path / "state")


class NoEndpoints:
    """For runs of `posts` alone, which only announces models."""

    def warm(self, models: list[str], shapes: object = None) -> None:
        pass


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    """A platform whose runs stop before the first model is needed."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield Platform(settings, instance, {"endpoints": NoEndpoints()})


@pytest.fixture
def whole_platform(settings: Settings) -> Iterator[Platform]:
    """A platform with its real local endpoints, which are gone when the test is over."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield Platform(settings, instance)
    with build_endpoints(settings) as endpoints:
        endpoints.stop_all()
