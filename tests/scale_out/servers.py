"""Debian's Redis and PostgreSQL on loopback, which can be stopped and started again as machines are."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path

PATIENCE = 60.0


def program(name: str) -> str | None:
    """Where `name` lies; Debian keeps PostgreSQL's programs out of the PATH."""
    paths = [os.environ["PATH"], *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    return shutil.which(name, path=os.pathsep.join(paths))


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Server(ABC):
    """A server with its data in `folder`, on a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]: ...

    def start(self) -> None:
        """Returns when it takes connections."""
        self._process = self._popen(self.command())
        deadline = time.monotonic() + PATIENCE
        while True:
            assert self._process.poll() is None, f"{type(self).__name__} has ended"
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            else:
                return

    def stop(self) -> None:
        """As its machine does when it goes down in order: whoever is connected is cut off."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(PATIENCE)
            self._process = None

    def _popen(self, command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Redis(Server):
    def command(self) -> list[str]:
        kept = ["--appendonly", "yes", "--save", "", "--dir", str(self.folder)]
        return [str(program("redis-server")), "--bind", "127.0.0.1", "--port", str(self.port), *kept]


class PostgreSQL(Server):
    """With a database `dagster` whose owner `dagster` needs no password from this machine."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        # It refuses to run as root, and Debian's package has made a user for it.
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user)
        made = [str(program("initdb")), "-D", str(folder / "data"), "-U", "dagster", "-A", "trust", "--no-sync"]
        subprocess.run(made, check=True, user=self._user, cwd=folder, stdout=subprocess.DEVNULL)

    def command(self) -> list[str]:
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-k", str(self.folder), "-F"]
        return [str(program("postgres")), "-D", str(self.folder / "data"), *where]

    def start(self) -> None:
        fresh = not (self.folder / "made").exists()
        super().start()
        if fresh:
            make = [str(program("createdb")), "-h", "127.0.0.1", "-p", str(self.port), "-U", "dagster", "dagster"]
            deadline = time.monotonic() + PATIENCE
            while subprocess.run(make, check=False, cwd="/", stderr=subprocess.DEVNULL).returncode:  # it is starting up
                assert time.monotonic() < deadline
                time.sleep(0.2)
            (self.folder / "made").touch()

    def _popen(self, command: list[str]) -> subprocess.Popen[bytes]:
        nothing = subprocess.DEVNULL
        return subprocess.Popen(command, user=self._user, cwd=self.folder, stdout=nothing, stderr=nothing)
