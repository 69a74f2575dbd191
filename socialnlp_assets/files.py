"""Files and folders of an installation: for nobody else to read, and never half-written.

What people wrote lies in the lake, in caches and in logs. A folder that we make is its owner's alone, so that whatever
is in it is, too, whichever library or process writes it.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

OTHERS = stat.S_IRWXO


def make_folder(folder: Path) -> Path:
    """Make `folder` and what is missing above it, each with mode 700; leave what is there as it is."""
    for missing in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    if not folder.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(folder))
    return folder


def private_folder(folder: Path) -> Path:
    """The same for a folder that is ours alone: where it is there already, others lose what they may do in it."""
    make_folder(folder)
    found = folder.stat()
    # A sticky one, such as /tmp, is everybody's by intention.
    if found.st_mode & OTHERS and found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX:
        folder.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)
    return folder


def private_file(path: Path) -> Path:
    """Make `path`, empty, with mode 600, unless it is there; where it is, others lose what they may do with it."""
    make_folder(path.parent)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    found = path.stat()
    if found.st_mode & OTHERS and found.st_uid == os.geteuid() and stat.S_ISREG(found.st_mode):
        path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)
    return path


def open_to_others(folder: Path) -> bool:
    """Whether any user of this machine may list `folder`: it and all folders above it let them."""
    return bool(folder.stat().st_mode & stat.S_IROTH) and all(
        above.stat().st_mode & stat.S_IXOTH for above in folder.absolute().parents
    )


def replace_file(path: Path, text: str) -> None:
    """Write a file beside and rename it, mode 600: whoever reads `path` meets the old text or the new one, and a disk
    that is full leaves neither an empty file nor a half."""
    make_folder(path.parent)
    descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        Path(beside).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(beside).unlink(missing_ok=True)
        raise
