"""The resources of an installation, as Deployment → Resources shows them."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from socialnlp_assets.resources.build import build_resources
from socialnlp_assets.settings import Profile, Settings

TYPED = ("lake", "endpoints", "articles", "secrets")


@pytest.mark.parametrize("profile", list(Profile))
def test_resources_show_their_values_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: Profile
) -> None:
    monkeypatch.setenv("SOCIALNLP_SECRET_AUTHOR_KEY", "do not show me")
    resources = build_resources(Settings(profile=profile, state=tmp_path, lake="s3://lake", endpoint_prefix="ours"))
    repository = dg.Definitions(resources=resources).get_repository_def()
    shown = {name: repository.get_top_level_resources()[name].config_schema.default_value for name in TYPED}
    assert shown["endpoints"]["prefix"] == "ours"
    assert shown["endpoints"]["leases"] in (str(tmp_path / "leases.db"), "s3://lake/leases")
    assert shown["lake"]["uri"] == "s3://lake"
    assert "do not show me" not in repr(shown)
