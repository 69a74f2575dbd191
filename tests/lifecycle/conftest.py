"""An installation with a model of its own, `mood`, as small as a model can be, and texts to label."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from socialnlp_assets.assets.models.build import job_name
from socialnlp_assets.assets.models.shelf import Shelf
from socialnlp_assets.definitions import build_definitions
from socialnlp_assets.resources.build import build_endpoints, build_lake
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.registry.registry import LakeRegistry
from socialnlp_assets.settings import Settings
from socialnlp_assets.training.container import train

MODEL = "mood"
WORDS = {"good": ["happy", "glad", "smiling", "great"], "bad": ["furious", "rude", "shouting", "broken"]}
OTHERS = [
    f"{first}{second}"
    for first in ["ba", "ke", "li", "mo", "nu", "ra", "se"]
    for second in ["lan", "tor", "min", "pes", "dal", "vik"]
]
CATALOGUE = """\
mood:
  description: Good or bad.
  task: text-classification
  labels: [good, bad]
  embedded: {model: mood}
  training:
    hyperparameters: {strength: 5}
    approval: automatic
    floors: {macro_f1: 0.7}
    retrain_after: 50
"""


def rows(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Texts and labels; no two texts are nearly the same."""
    dice = random.Random(seed)
    found = []
    for number in range(count):
        label = list(WORDS)[number % 2]
        words = [*dice.sample(OTHERS, 7), *dice.sample(WORDS[label], 2)]
        dice.shuffle(words)
        found.append((" ".join(words), label))
    return found


def as_csv(labelled: list[tuple[str, str]]) -> bytes:
    return "\n".join(["text,label", *(f"{text},{label}" for text, label in labelled)]).encode()


def make_model(folder: Path, labelled: list[tuple[str, str]], **hyperparameters: str) -> Path:
    """Train in this process, as the training program would; the model's folder."""
    root = folder / "ml"
    (root / "input" / "config").mkdir(parents=True)
    (root / "input" / "data" / "train").mkdir(parents=True)
    given = {"model": MODEL, "labels": json.dumps(list(WORDS)), "strength": "5", **hyperparameters}
    (root / "input" / "config" / "hyperparameters.json").write_text(json.dumps(given))
    lines = "".join(f"__label__{label} {text}\n" for text, label in labelled)
    (root / "input" / "data" / "train" / "texts.txt").write_text(lines)
    train(root)
    return root / "model"


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a catalogue whose model ships trained on a few texts."""
    folder = tmp_path_factory.mktemp("catalogue")
    (folder / "ours.yaml").write_text(CATALOGUE)
    make_model(folder, rows(60, seed=9)).rename(folder / MODEL)
    return folder


class Installation:
    """Add labels, train, look at what came of it."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.settings = settings
        self.instance = instance

    @property
    def lake(self) -> Lake:
        return build_lake(self.settings)

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.lake, MODEL)

    @property
    def registry(self) -> LakeRegistry:
        return LakeRegistry(self.lake)

    @property
    def in_service(self) -> int:
        version = self.registry.history(MODEL).in_service()
        return version.number if version else 0

    def add(self, labelled: list[tuple[str, str]], name: str = "labels.csv") -> None:
        self.lake.put(f"models/{MODEL}/incoming/{name}", as_csv(labelled))

    def train(self) -> dg.ExecuteInProcessResult:
        job = build_definitions(self.settings).resolve_job_def(job_name(MODEL))
        return job.execute_in_process(instance=self.instance, raise_on_error=False)

    def metadata(self, asset: str) -> dict[str, Any]:
        """Of the newest materialisation."""
        event = self.instance.get_latest_materialization_event(dg.AssetKey([asset, MODEL]))
        assert event is not None
        assert event.asset_materialization is not None
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}


@pytest.fixture
def installation(tmp_path: Path, catalogue: Path) -> Iterator[Installation]:
    settings = Settings(lake=str(tmp_path / "lake"), state=tmp_path / "state", models=catalogue)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Installation(settings, instance)
    with build_endpoints(settings) as endpoints:
        endpoints.stop_all()


def failures(result: dg.ExecuteInProcessResult) -> str:
    """What the failed steps said."""
    return " ".join(
        str(event.step_failure_data.user_failure_data.description)
        for event in result.all_events
        if event.is_step_failure and event.step_failure_data.user_failure_data
    )
