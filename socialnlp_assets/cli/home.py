"""DAGSTER_HOME: where the Dagster instance of the commands keeps its history."""

from __future__ import annotations

import os
from pathlib import Path

from socialnlp_assets.settings import Settings

# What every installation needs, until its owner writes more (see dagster.yaml at the root of the project).
INSTANCE = """\
telemetry: {enabled: false}
nux: {enabled: false}
concurrency:
  runs:
    max_concurrent_runs: 2
    tag_concurrency_limits:
      - {key: socialnlp/hour, value: {applyLimitPerUniqueValue: true}, limit: 1}
"""


def dagster_home() -> Path:
    """The folder DAGSTER_HOME, by default `dagster` in the state directory; made where it is not there."""
    home = Path(os.environ.setdefault("DAGSTER_HOME", str(Settings().state.absolute() / "dagster")))
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        (home / "dagster.yaml").write_text(INSTANCE, encoding="utf-8")
    return home
