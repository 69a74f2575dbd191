"""Whatever a machine keeps is its owner's alone: modes of what is made, and of what was there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from socialnlp_assets.files import make_folder, private_file, private_folder, replace_file
from socialnlp_assets.resources.articles.cache import PageCache
from socialnlp_assets.resources.build import build_endpoints
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.settings import Settings


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def generous_umask() -> Iterator[None]:
    """Most machines' default, by which all could read what is made."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_folders_are_made_for_their_owner_and_others_stay_as_they_are(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    made = make_folder(tmp_path / "a" / "b")
    assert [mode(path) for path in (made, made.parent, tmp_path)] == [0o700, 0o700, 0o755]


def test_what_is_ours_alone_is_closed_to_others_and_open_to_its_group(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert mode(private_folder(tmp_path)) == 0o750
    file = tmp_path / "file"
    file.touch(mode=0o664)
    file.chmod(0o664)
    assert mode(private_file(file)) == 0o660


def test_a_folder_that_is_everybodys_stays_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    assert mode(private_folder(tmp_path)) == 0o1777


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError) as told:
        make_folder(tmp_path / "file" / "state")
    assert str(told.value.filename).startswith(str(tmp_path / "file"))


def test_all_that_an_installation_keeps_is_its_owners(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path / "state", lake=str(tmp_path / "lake"))
    with build_endpoints(settings) as endpoints:
        endpoints.records()
    PageCache(settings.state / "articles.db", 1).put("https://news.example/", "ok", None)
    Lake(uri=settings.lake_uri).put("landing/sprinklr/a.json", b"[]")
    for folder in ("state", "state/endpoints", "lake"):
        assert mode(tmp_path / folder) == 0o700
    for file in ("leases.db", "articles.db"):
        assert mode(settings.state / file) == 0o600


def test_a_lake_that_all_may_read_is_told_and_left_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    with TemporaryDirectory(dir="/tmp") as place:  # where all may look, other than below pytest's own folder
        _tell_of_an_open_lake(Path(place), caplog)


def _tell_of_an_open_lake(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder.chmod(0o755)
    lake = folder / "lake"
    lake.mkdir(mode=0o755)
    assert Lake(uri=str(lake)).exists("nothing") is False
    assert caplog.messages == [f"every user of this machine may read the lake: chmod o-rwx {lake}"]
    assert mode(lake) == 0o755
    caplog.clear()
    folder.chmod(0o700)  # behind a closed door
    assert Lake(uri=str(lake)).exists("nothing") is False
    assert caplog.messages == []


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "dagster.yaml"
    replace_file(path, "telemetry: {enabled: false}\n")
    assert mode(path) == 0o600

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, "half of it")
    assert path.read_text() == "telemetry: {enabled: false}\n"
    assert [each.name for each in tmp_path.iterdir()] == ["dagster.yaml"]
