"""A disk that is full: one sentence with the remedy, nothing half-made, and all is well when there is room."""

from __future__ import annotations

import pytest

from socialnlp_assets.files import replace_file
from socialnlp_assets.resources.lake import Lake
from tests.cli.conftest import Installation
from tests.cli.small_disk import SmallDisk, small_disk

__all__ = ["small_disk"]


@pytest.fixture
def installation(small_disk: SmallDisk) -> Installation:
    return Installation(small_disk.path)


def test_leases_that_have_no_room(
    small_disk: SmallDisk,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert installation.here(monkeypatch, "endpoints", "list") == 1
    told = capfd.readouterr().err
    assert told.startswith("socialnlp: the lease store ")
    assert "is full; free some room on its disk, then try again" in told
    assert len(told.splitlines()) == 1
    small_disk.becomes("size=1m")
    assert installation.here(monkeypatch, "endpoints", "list") == 0
    assert capfd.readouterr().out == "no endpoints\n"


@pytest.mark.slow
@pytest.mark.parametrize("size", ["4k", "100k"])
def test_a_history_that_has_no_room_is_not_left_half_made(
    small_disk: SmallDisk,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    size: str,
) -> None:
    small_disk.becomes(f"size={size}")
    assert installation.here(monkeypatch, "hours", "list") == 1
    told = capfd.readouterr().err
    assert told.startswith("socialnlp: Dagster's history in ")
    assert "is full. It needs room" in told
    assert len(told.splitlines()) == 1
    small_disk.becomes("size=4m")
    assert installation.here(monkeypatch, "hours", "list") == 0
    assert capfd.readouterr().out == "no hour waits\n"


def test_a_lake_that_has_no_room_names_what_could_not_be_written(small_disk: SmallDisk) -> None:
    lake = Lake(uri=str(small_disk.path / "lake"))
    with pytest.raises(OSError, match="No space left on device") as told:
        lake.put("landing/sprinklr/batch.json", bytes(100_000))
    assert told.value.filename == lake.address("landing/sprinklr/batch.json")
    assert list(lake.objects("landing")) == []


def test_a_file_that_has_no_room_leaves_the_old_one(small_disk: SmallDisk) -> None:
    path = small_disk.path / "dagster.yaml"
    replace_file(path, "old\n")
    with pytest.raises(OSError, match="No space left on device"):
        replace_file(path, "new\n" * 10_000)
    assert [each.name for each in small_disk.path.iterdir()] == ["dagster.yaml"]
    assert path.read_text() == "old\n"
