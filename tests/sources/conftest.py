"""Secrets of a made-up installation, and the hour that the tests pull."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from socialnlp_assets.resources.secrets import EnvironmentSecrets
from socialnlp_assets.sources.sprinklr import stand_in as fake

HOUR = datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EnvironmentSecrets:
    monkeypatch.setenv("SOCIALNLP_SECRET_SPRINKLR_KEY", fake.KEY)
    monkeypatch.setenv("SOCIALNLP_SECRET_SPRINKLR_SECRET", fake.SECRET)
    monkeypatch.setenv("SOCIALNLP_SECRET_SPRINKLR_TOKENS", fake.REFRESH_TOKEN)
    return EnvironmentSecrets(state=str(tmp_path / "state"))
