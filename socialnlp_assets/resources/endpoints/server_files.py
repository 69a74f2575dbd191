"""What is on file of the model servers of this machine: for each, a registration and a log.

A server outlives the process that started it, so nothing about it is kept in memory. The registration holds a JSON
object a line: what the creator said (tags, time), the process id, and the port once the server listens. The server's
standard output is that file, and it inherits the creator's exclusive lock on it: as long as the lock is held the
server lives, however it was started and whoever died since. The lock also makes creation exclusive, and a process id
safe to use: ids of a session that has a living member are not given out again.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from socialnlp_assets.files import private_folder

LOG_LINES = 15  # of the end, in errors
LOG_SECONDS = 7 * 24 * 3600  # logs of ended endpoints are kept so long


class ServerFiles:
    """The files in `directory`. Any process of the machine may read them, and remove those of what has ended."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        private_folder(directory)

    def registration(self, name: str) -> Path:
        return self._directory / f"{name}.jsonl"

    def log(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def names(self, prefix: str) -> list[str]:
        """Of all that are registered, whether they live or not."""
        return [path.stem for path in sorted(self._directory.glob(f"{prefix}*.jsonl"))]

    @contextmanager
    def registering(self, name: str, about: dict[str, Any]) -> Iterator[int | None]:
        """An empty registration but for `about`, locked: its descriptor, for the server to inherit. None where a
        server of that name lives."""
        registration = os.open(self.registration(name), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _lock_exclusively(registration):
                yield None
                return
            os.ftruncate(registration, 0)
            os.write(registration, (json.dumps(about) + "\n").encode())
            yield registration
        finally:
            os.close(registration)

    def facts(self, name: str) -> dict[str, Any] | None:
        """What creator, shell and server have registered so far; None where nobody has begun."""
        try:
            lines = self.registration(name).read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return None
        facts: dict[str, Any] = {}
        for line in lines[:3]:
            try:
                facts |= json.loads(line)
            except (ValueError, TypeError):  # half a line yet, or not ours
                break
        return facts

    def is_alive(self, name: str) -> bool:
        try:
            registration = os.open(self.registration(name), os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            return not _lock(registration, fcntl.LOCK_SH)
        finally:
            os.close(registration)

    def log_tail(self, name: str) -> str:
        """The end of the log, as a sentence for errors."""
        try:
            lines = self.log(name).read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return f"it has no log ({self.log(name)})"
        tail = "\n".join(lines[-LOG_LINES:]) or "(nothing)"
        return f"the end of {self.log(name)}:\n{tail}"

    def remove_old_logs(self) -> None:
        oldest = time.time() - LOG_SECONDS
        for log in self._directory.glob("*.log"):
            with suppress(FileNotFoundError):  # another process is removing them, too
                if log.stat().st_mtime < oldest and not self.registration(log.stem).exists():
                    log.unlink()


def _lock(descriptor: int, kind: int) -> bool:
    """Take the lock without waiting; False where a living process has it."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_exclusively(descriptor: int) -> bool:
    # Whoever asks whether the server lives takes a shared lock for a moment; that is no server.
    for _ in range(10):
        if _lock(descriptor, fcntl.LOCK_EX):
            return True
        time.sleep(0.005)
    return False
