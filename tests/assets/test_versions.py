"""Which hours would come out the same: told by what is on record of each step, without a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest

from socialnlp_assets.assets.versions import CODE_TAG, LANDED, MODELS, code_version, unchanged_hours
from socialnlp_assets.checks import Checks
from socialnlp_assets.partitions import key_of
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.landed import Landed
from socialnlp_assets.workflow import load_workflows
from tests.platform.conftest import HOUR

STEPS = load_workflows()["gmaps_stores"].all_steps()
NAMES = [step.name for step in STEPS]
KEY = key_of(HOUR)


class Hour:
    """An hour whose steps a test puts on record."""

    def __init__(self, instance: dg.DagsterInstance, lake: Lake) -> None:
        self.instance, self.lake = instance, lake
        self.version = "1@abc"

    def publish(self, *names: str, code: str = "", model: str = "1@abc") -> None:
        for step in (step for step in STEPS if step.name in names):
            metadata = {MODELS: dg.MetadataValue.json({"sentiment": model})} if step.name == "sentiments" else {}
            if step.name == "posts":
                metadata[LANDED] = dg.MetadataValue.text(Landed.all(self.lake.landed("gmaps_stores", HOUR)).digest)  # type: ignore[assignment]
            tags = {CODE_TAG: code or code_version(step, Checks())}
            self.instance.report_runless_asset_event(
                dg.AssetMaterialization(
                    dg.AssetKey(["gmaps_stores", step.name]), partition=KEY, metadata=metadata, tags=tags
                )
            )

    def is_unchanged(self) -> bool:
        endpoints = SimpleNamespace(version_label=lambda _: self.version)
        asked = unchanged_hours(self.instance, self.lake, endpoints, "gmaps_stores", STEPS, Checks(), {KEY})  # type: ignore[arg-type]
        return asked == {KEY}


@pytest.fixture
def hour(tmp_path: Path) -> Iterator[Hour]:
    with dg.DagsterInstance.ephemeral() as instance:
        found = Hour(instance, Lake(uri=str(tmp_path / "lake")))
        found.lake.put(f"{Lake.landing_folder('gmaps_stores', HOUR)}/a.json", b"[]")
        yield found


def test_an_hour_is_unchanged_once_all_of_it_was_published(hour: Hour) -> None:
    for name in NAMES:
        assert not hour.is_unchanged()
        hour.publish(name)
    assert hour.is_unchanged()


@pytest.mark.parametrize("change", ["landing", "model", "code", "order", "none"])
def test_what_changes_an_hour(hour: Hour, change: str) -> None:
    hour.publish(*NAMES)
    match change:
        case "landing":
            hour.lake.put(f"{Lake.landing_folder('gmaps_stores', HOUR)}/late.json", b"[]")
        case "model":
            hour.version = "2@def"
        case "code":
            hour.publish("output", "profile", code="another")
        case "order":
            hour.publish("filtered_text")  # whose readers are older now
    assert hour.is_unchanged() == (change == "none")


def test_a_step_that_is_made_up_for_with_its_readers_leaves_the_hour_unchanged(hour: Hour) -> None:
    hour.publish(*NAMES)
    hour.publish(*NAMES[1:])
    assert hour.is_unchanged()
