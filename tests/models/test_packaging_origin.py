"""Folders and archives from outside: what does not belong into a model is refused in a sentence, nothing is left."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from socialnlp_assets.models import load_catalogue, packaging, packaging_origin
from socialnlp_assets.models.packaging import package
from socialnlp_assets.models.packaging_origin import PackagingError, inspect_folder, unpack_member
from tests.models.test_packaging_trained import train

REPUTATION = load_catalogue()["reputation"]


def entry(name: str, data: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def archive(path: Path, *entries: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as members:
        for info, data in entries:
            members.addfile(info, io.BytesIO(data))
    return path


def is_refused(source: Path, output: Path, says: str) -> None:
    with pytest.raises(PackagingError) as told:
        package("reputation", REPUTATION, output, source=str(source))
    assert says in str(told.value)
    assert len(str(told.value).splitlines()) == 1
    assert not output.exists() or list(output.iterdir()) == []


# Folders


def link(to: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "extra.txt").symlink_to(to)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (link("/etc/passwd"), "extra.txt is a link to /etc/passwd, outside"),
        (link("../secret"), "extra.txt is a link to ../secret, outside"),
        (link("nowhere"), "extra.txt cannot be read"),
        (link("extra.txt"), "extra.txt cannot be read"),
        (lambda folder: os.mkfifo(folder / "pipe"), "pipe is neither a file nor a folder"),
        (lambda folder: os.truncate(folder / "README.md", 1 << 40), "it has over"),  # sparse: takes no room
    ],
    ids=["absolute link", "relative link", "dangling link", "link to itself", "pipe", "sparse file"],
)
def test_a_folder_with_what_does_not_belong_there_is_refused(
    tmp_path: Path, spoil: Callable[[Path], None], says: str
) -> None:
    source = tmp_path / "job"
    (tmp_path / "secret").write_text("a secret")
    shutil.copytree(REPUTATION.embedded.path, source)
    spoil(source)
    is_refused(source, tmp_path / "output", says)


def test_a_link_within_the_folder_and_the_hubs_own_are_taken(tmp_path: Path) -> None:
    snapshot = tmp_path / "models--someone--model" / "snapshots" / "0123"
    blobs = snapshot.parents[1] / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    (blobs / "abc").write_text("{}")
    (snapshot / "config.json").symlink_to("../../blobs/abc")
    (snapshot / "same.json").symlink_to("config.json")
    inspect_folder(snapshot)
    (snapshot.parents[1] / "refs").write_text("not a blob")
    (snapshot / "other.json").symlink_to("../../refs")
    with pytest.raises(PackagingError, match="outside"):
        inspect_folder(snapshot)


def test_a_folder_of_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaging_origin, "MOST_FILES", 3)
    for number in range(5):
        (tmp_path / f"{number}.txt").touch()
    with pytest.raises(PackagingError, match="over 3 files"):
        inspect_folder(tmp_path)


# Archives


@pytest.mark.parametrize(
    ("odd", "says"),
    [
        (entry("model.bin", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "'model.bin' is a link"),
        (entry("model.bin", type=tarfile.LNKTYPE, linkname="nowhere"), "'model.bin' is a link"),
        (entry("model.bin", type=tarfile.FIFOTYPE), "'model.bin' is a link, a device"),
        (entry("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3), "'null' is a link, a device"),
        (entry("../model.bin", b"x"), "'../model.bin' leads out of it"),
        (entry("/tmp/model.bin", b"x"), "'/tmp/model.bin' leads out of it"),
        (entry("eval.json", b"x"), "has no model.bin"),
    ],
    ids=["symbolic link", "hard link", "pipe", "device", "upwards", "absolute", "no model"],
)
def test_an_archive_with_what_does_not_belong_there_is_refused(
    tmp_path: Path, odd: tuple[tarfile.TarInfo, bytes], says: str
) -> None:
    is_refused(archive(tmp_path / "model.tar.gz", odd), tmp_path / "output", says)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaging_origin, "MOST_BYTES", 1 << 20)
    for name in ("model.bin", "first.bin"):  # itself, or what lies before it
        bomb = archive(tmp_path / f"{name}.tar.gz", entry(name, bytes(2 << 20)), entry("model.bin", b"x"))
        is_refused(bomb, tmp_path / "output", "it has over 10000 files or 1 MB")


def test_an_entry_that_declares_more_than_there_is_leaves_nothing(tmp_path: Path) -> None:
    info = tarfile.TarInfo("model.bin")
    info.size = 1 << 30
    path = tmp_path / "model.tar.gz"
    with gzip.open(path, "wb") as file:
        file.write(info.tobuf())
        file.write(b"a few bytes")
    with pytest.raises(PackagingError, match="cannot be unpacked"):
        unpack_member(path, "model.bin", tmp_path / "unpacked")
    assert not (tmp_path / "unpacked").exists()


def test_headers_without_end_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.tar.gz"
    with gzip.open(path, "wb") as file:
        header = tarfile.TarInfo("pax")
        header.type, header.size = tarfile.XHDTYPE, 1 << 30
        file.write(header.tobuf())
    is_refused(path, tmp_path / "output", "headers have over 1 MB")
    with gzip.open(path, "wb") as file:
        header.size = 512
        for _ in range(5000):
            file.write(header.tobuf() + b"11 path=ab\n".ljust(512, b"\0"))
    is_refused(path, tmp_path / "output", "cannot be unpacked")


@pytest.mark.parametrize("kept", [(5000, 10_500), (0, 5000), (0, 40)], ids=["no gzip", "half of it", "its beginning"])
def test_a_damaged_archive_is_told_in_a_sentence(tmp_path: Path, kept: tuple[int, int]) -> None:
    path = archive(tmp_path / "model.tar.gz", entry("model.bin", os.urandom(10_000)))
    path.write_bytes(path.read_bytes()[slice(*kept)])
    is_refused(path, tmp_path / "output", "cannot be unpacked")


def test_a_sparse_entry_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").touch()
    os.truncate(tmp_path / "model.bin", 1 << 26)
    subprocess.run(["tar", "-C", tmp_path, "--sparse", "-czf", tmp_path / "model.tar.gz", "model.bin"], check=True)
    is_refused(tmp_path / "model.tar.gz", tmp_path / "output", "is a link, a device or a sparse file")


# The disk


def test_room_is_asked_for_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaging_origin, "ROOM", 1e12)
    with pytest.raises(PackagingError, match=r"free, and .* are needed: free some"):
        package("keywords", load_catalogue()["keywords"], tmp_path / "output")
    assert list((tmp_path / "output").iterdir()) == []


def test_weights_for_which_there_is_no_room_are_refused_before_they_are_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packaging_origin, "MOST_BYTES", 1 << 60)
    info = tarfile.TarInfo("model.bin")
    info.size = 1 << 50
    path = tmp_path / "model.tar.gz"
    with gzip.open(path, "wb") as file:
        file.write(info.tobuf())
    is_refused(path, tmp_path / "output", "are needed: free some")


def test_a_disk_that_is_full_leaves_no_half_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(tmp_path / "job" / "model.bin", REPUTATION.labels, "ova")
    output = tmp_path / "output"
    package("reputation", REPUTATION, output, source=str(tmp_path / "job"))
    before = (output / "model.tar.gz").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packaging.tarfile.TarFile, "addfile", full)
    with pytest.raises(PackagingError, match="No space left on device; nothing was packaged"):
        package("reputation", REPUTATION, output, source=str(tmp_path / "job"))
    assert [path.name for path in output.iterdir()] == ["model.tar.gz"]
    assert (output / "model.tar.gz").read_bytes() == before
