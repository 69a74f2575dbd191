"""A small disk of one's own: a file system in memory that is full, or read-only, when a test says so."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


class SmallDisk:
    """Mounted at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def mount(self, options: str) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(self.path)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def becomes(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.path)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """One of 4 kB. Skips where this machine does not let us mount."""
    disk = SmallDisk(tmp_path / "disk")
    disk.path.mkdir()
    if not disk.mount("size=4k"):
        pytest.skip("mounting is not allowed here")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk.path)], check=True)
