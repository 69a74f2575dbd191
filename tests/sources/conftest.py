"""Secrets of a made-up installation, and the hour that the tests pull."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.secrets import EnvironmentSecrets
from socialnlp_assets.sources.source import Source
from socialnlp_assets.sources.sprinklr import stand_in as fake
from socialnlp_assets.workflow import Workflow

HOUR = datetime(2026, 11, 20, 8, tzinfo=UTC)


def pull_hour(source: Source, workflows: Iterable[Workflow], hour: datetime = HOUR) -> dict[str, bytes]:
    """The landing files that pulling an hour into an empty lake makes, by path."""
    fed = {workflow.name: workflow.source for workflow in workflows}
    with TemporaryDirectory() as folder:
        lake = Lake(uri=folder)
        return {landed.path: lake.get(landed.path) for landed in source.pull(lake, hour, fed)}


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EnvironmentSecrets:
    monkeypatch.setenv("SOCIALNLP_SECRET_SPRINKLR_KEY", fake.KEY)
    monkeypatch.setenv("SOCIALNLP_SECRET_SPRINKLR_SECRET", fake.SECRET)
    monkeypatch.setenv("SOCIALNLP_SECRET_SPRINKLR_TOKENS", fake.REFRESH_TOKEN)
    return EnvironmentSecrets(state=str(tmp_path / "state"))
