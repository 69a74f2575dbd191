"""What is refused of files that somebody else made: a model's folder, or the archive of a training job.

Both are looked at before anything is read from them or written. Links may not lead out, names may not either, and what
an archive declares has a bound: tarfile never gives more of a file than its entry says.
"""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

MOST_BYTES = 32 << 30  # of a model, unpacked; the largest of the catalogue has two gigabytes
MOST_FILES = 10_000
MOST_HEADER = 1 << 20  # bytes of an entry's own headers, which tarfile reads in one piece
ROOM = 1.1  # times what is to be written must be free


class PackagingError(Exception):
    """A model cannot be packaged. The message says what to do."""


def inspect_folder(folder: Path) -> None:
    """Raises `PackagingError` where `folder` holds a link that leaves it, what is neither file nor folder, or too much.

    The hub's cache keeps a snapshot as links to the `blobs` beside it: these are its own.
    """
    inside = [folder.resolve()]
    if folder.resolve().parent.name == "snapshots":
        inside.append(folder.resolve().parents[1] / "blobs")
    total = 0
    for number, path in enumerate(sorted(folder.rglob("*"))):
        where = path.relative_to(folder)
        target = Path(os.path.realpath(path))  # resolve() raises for a link to itself
        if path.is_symlink() and not any(target.is_relative_to(place) for place in inside):
            raise PackagingError(
                f"{folder}: {where} is a link to {path.readlink()}, outside: put the file itself there"
            )
        try:
            found = path.stat()
        except OSError as error:  # a link to nothing, or to itself
            raise PackagingError(f"{folder}: {where} cannot be read ({error.strerror}): remove or replace it") from None
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            raise PackagingError(f"{folder}: {where} is neither a file nor a folder: remove it")
        total += found.st_size if stat.S_ISREG(found.st_mode) else 0
        if number >= MOST_FILES or total > MOST_BYTES:
            raise PackagingError(f"{folder} is no model: it has over {_bound()}; give the model's own folder")


def unpack_member(archive: Path, name: str, target: Path) -> None:
    """Write the file called `name`, in whatever folder of the archive, to `target`.

    Raises `PackagingError` for an archive that cannot be read, has no such file, or holds what a training job's does
    not: names that lead out, links, devices, sparse files, or more than the bounds. No `target` is left then.
    """
    try:
        with _opened(archive) as members:
            member = next((each for each in _inspected(archive, members) if Path(each.name).name == name), None)
            content = member and members.extractfile(member)
            if not member or not content:
                raise PackagingError(f"{archive} has no {name}")
            ask_for_room(member.size, target.parent)
            with content, target.open("wb") as file:
                shutil.copyfileobj(content, file)
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, OverflowError, RecursionError) as error:
        target.unlink(missing_ok=True)
        raise PackagingError(f"{archive} cannot be unpacked: {error}") from error


def unpack(archive: Path, folder: Path) -> None:
    """Write all files of the archive into a new `folder`. Raises `PackagingError` as `unpack_member` does."""
    try:
        with _opened(archive) as members:
            for member in _inspected(archive, members):
                ask_for_room(member.size, archive.parent)
                target = folder / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                content = members.extractfile(member)
                if content:
                    with content, target.open("wb") as file:
                        shutil.copyfileobj(content, file)
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, OverflowError, RecursionError) as error:
        raise PackagingError(f"{archive} cannot be unpacked: {error}") from error


def ask_for_room(size: int, folder: Path) -> None:
    """Raises `PackagingError` where the disk of `folder` has no room for `size` bytes."""
    free = shutil.disk_usage(folder).free
    if free < size * ROOM:
        raise PackagingError(
            f"{folder} has {_megabytes(free)} free, and {_megabytes(int(size * ROOM))} are needed: free some, or set "
            "TMPDIR and --output to a disk with room"
        )


class _ShortReads(gzip.GzipFile):
    """Of which nobody reads much at once: tarfile would read whatever size an entry's headers declare."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= MOST_HEADER:
            raise tarfile.ReadError(f"an entry's headers have over {_megabytes(MOST_HEADER)}")
        return super().read(size)


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    with _ShortReads(archive) as stream, tarfile.open(fileobj=stream, mode="r:") as members:
        yield members


def _inspected(archive: Path, members: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The archive's files; each is looked at before what it holds is unpacked."""
    total = 0
    for number, member in enumerate(members):
        name = PurePosixPath(member.name)
        if name.is_absolute() or ".." in name.parts:
            raise PackagingError(f"{archive} is no model: {member.name!r} leads out of it")
        if not (member.isreg() or member.isdir()) or member.issparse():
            raise PackagingError(f"{archive} is no model: {member.name!r} is a link, a device or a sparse file")
        total += member.size
        if number >= MOST_FILES or total > MOST_BYTES:
            raise PackagingError(f"{archive} is no model: it has over {_bound()}")
        if member.isreg():
            yield member


def _bound() -> str:
    return f"{MOST_FILES} files or {_megabytes(MOST_BYTES)}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
