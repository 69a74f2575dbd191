"""The registry: immutable versions, decisions that stay on record, one version in service at any moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.registry.registry import LakeRegistry, store_files
from socialnlp_assets.resources.registry.versions import Made, RegistryError, State

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        self.time += timedelta(minutes=1)
        return self.time


def made(digest: str, model: str = "emotion") -> Made:
    return Made(model=model, folder=f"models/{model}/files/{digest}", digest=digest, files={}, size=1, source="trained")


@pytest.fixture
def registry(tmp_path: Path) -> LakeRegistry:
    return LakeRegistry(Lake(uri=str(tmp_path / "lake")), Clock())


def approve(registry: LakeRegistry, number: int) -> None:
    registry.decide("emotion", number, State.APPROVED, "ada", "better")


def states(registry: LakeRegistry) -> dict[int, str]:
    return {number: version.state.value for number, version in registry.history("emotion").versions().items()}


def test_a_version_waits_until_somebody_approves_it_and_then_takes_the_place_of_the_one_before(
    registry: LakeRegistry,
) -> None:
    for digest in ("one", "two"):
        registry.register(made(digest), "training", "passed the gate")
    assert registry.history("emotion").in_service() is None
    approve(registry, 1)
    approve(registry, 2)
    assert states(registry) == {1: "retired", 2: "approved"}
    history = registry.history("emotion")
    assert history.in_service() == history.versions()[2]
    assert [(entry.who, entry.why) for entry in history.entries][-1] == ("ada", "better")


def test_what_was_in_service_at_a_moment_stays_what_it_was(registry: LakeRegistry) -> None:
    registry.register(made("one"), "training", "passed the gate")
    approve(registry, 1)
    before = registry.history("emotion").entries[-1].at
    registry.register(made("two"), "training", "passed the gate")
    approve(registry, 2)
    history = registry.history("emotion")
    assert history.in_service(NOW) is None
    found = history.in_service(before)
    assert found is not None
    assert found.number == 1


def test_a_rollback_goes_back_step_by_step_to_the_shipped_version(registry: LakeRegistry) -> None:
    for number, digest in enumerate(("one", "two"), 1):
        registry.register(made(digest), "training", "passed the gate")
        approve(registry, number)
    assert registry.rollback("emotion", "ada", "complaints") == 1
    assert registry.rollback("emotion", "ada", "complaints") == 0
    assert registry.history("emotion").in_service() is None
    with pytest.raises(RegistryError, match="there is none to go back to"):
        registry.rollback("emotion", "ada", "complaints")


def test_a_rejected_version_is_passed_over_and_never_comes_back(registry: LakeRegistry) -> None:
    for number, digest in enumerate(("one", "two", "three"), 1):
        registry.register(made(digest), "training", "passed the gate")
        approve(registry, number)
    registry.decide("emotion", 2, State.REJECTED, "ada", "rude")
    assert registry.rollback("emotion", "ada", "complaints") == 1
    with pytest.raises(RegistryError, match="is rejected \\(ada: rude\\); that is for good: train or install another"):
        approve(registry, 2)


def test_the_same_files_are_registered_once(registry: LakeRegistry) -> None:
    first = registry.register(made("one"), "training", "passed the gate")
    approve(registry, 1)
    again = registry.register(made("one"), "training", "passed the gate")
    assert again.number == first.number
    assert again.state is State.APPROVED


@pytest.mark.parametrize(
    ("number", "who", "why", "told"),
    [
        (7, "ada", "better", "emotion has no version 7; it has 1, and 0, the shipped one"),
        (0, "ada", "better", "the shipped version of emotion is in service"),
        (1, "", "better", "say who decides, and why"),
        (1, "ada", " ", "say who decides, and why"),
    ],
)
def test_what_may_not_be_decided_is_told(registry: LakeRegistry, number: int, who: str, why: str, told: str) -> None:
    registry.register(made("one"), "training", "passed the gate")
    with pytest.raises(RegistryError, match=told):
        registry.decide("emotion", number, State.APPROVED, who, why)


def test_of_many_who_write_at_once_nobody_is_lost(tmp_path: Path) -> None:
    lake = Lake(uri=str(tmp_path / "lake"))
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda n: LakeRegistry(lake).register(made(f"digest{n}"), "training", "ok").number, range(8))
        assert sorted(found) == list(range(1, 9))


def test_files_are_stored_by_their_content(tmp_path: Path) -> None:
    lake, folder = Lake(uri=str(tmp_path / "lake")), tmp_path / "model"
    (folder / "part").mkdir(parents=True)
    (folder / "model.json").write_text("{}")
    (folder / "part" / "model.json").write_text("{}")
    where, digest, files, size = store_files(lake, "emotion", folder)
    assert where == f"models/emotion/files/{digest}"
    assert sorted(files) == ["model.json", "part/model.json"]
    assert size == 4
    assert lake.get(f"{where}/part/model.json") == b"{}"
    (folder / "model.json").write_text("[]")
    assert store_files(lake, "emotion", folder)[1] != digest
