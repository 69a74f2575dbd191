"""Endpoints as processes of this machine: the model server on a free loopback port.

A server outlives the process that started it, so nothing about it is kept in memory. One file an endpoint
holds the announcement, a JSON object a line: what the creator said (tags, time), the process id, and the
port once the server listens. The server's standard output is that file, and it inherits the creator's
exclusive lock on it: as long as the lock is held the server lives, however it was started and whoever died
since. It also makes creation exclusive, and a process id safe to use: ids of a session that has a living
member are not given out again.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import urllib3

from socialnlp_assets.files import private_folder
from socialnlp_assets.resources.endpoints.http import server_error
from socialnlp_assets.resources.endpoints.protocol import (
    AlreadyExists,
    BackendError,
    Description,
    EndpointBusy,
    EndpointGone,
    EndpointSpec,
    InvocationTimeout,
    NotReady,
    Reply,
    Status,
)

PING_SECONDS = 2.0  # SageMaker's own limit
INVOCATION_SECONDS = 70.0
TERM_SECONDS = 5.0  # nobody holds an endpoint that is deleted, so there is nothing to drain
LOG_LINES = 15
LOG_SECONDS = 7 * 24 * 3600  # logs of ended endpoints are kept so long


class LocalProcess:
    """`EndpointBackend` over local processes; the spec's config says ``{"model_dir": …, "command": […]}``."""

    def __init__(self, directory: Path, orphan_after: float) -> None:
        """`directory` keeps announcements and logs. A server that nobody has asked anything for
        `orphan_after` seconds ends itself."""
        self._directory = directory
        self._orphan_after = orphan_after
        self._ports: dict[str, int] = {}
        self._children: list[subprocess.Popen[bytes]] = []
        self._http = urllib3.PoolManager(maxsize=32, retries=False)
        private_folder(directory)

    def create(self, name: str, spec: EndpointSpec, tags: Mapping[str, str]) -> None:
        self._remove_old_logs()
        command = [*spec.config["command"], "--model", spec.config["model_dir"], "--port", "0"]
        command += ["--orphan-after", f"{self._orphan_after:g}"]
        about = {"created_at": datetime.now(UTC).isoformat(), "tags": dict(tags)}
        announcement = os.open(self._announcement(name), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _lock_exclusively(announcement):
                raise AlreadyExists(f"{name} is running already")
            os.ftruncate(announcement, 0)
            os.write(announcement, (json.dumps(about) + "\n").encode())
            with self._log(name).open("wb") as log:
                # The shell writes the process id before it becomes the server, so that the id is on file
                # even if this process dies in this line.
                child = subprocess.Popen(
                    ["/bin/sh", "-c", 'printf \'{"pid": %d}\\n\' $$; exec "$@"', "sh", *command],
                    stdin=subprocess.DEVNULL,
                    stdout=announcement,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as error:
            self._announcement(name).unlink(missing_ok=True)  # nothing runs: it must not look like what has failed
            raise BackendError(f"{name} could not be started: {error}") from error
        finally:
            os.close(announcement)
        self._children = [*(other for other in self._children if other.poll() is None), child]

    def describe(self, name: str) -> Description | None:
        return self._describe(name, ping=True)

    def scale(self, name: str, spec: EndpointSpec) -> None:
        """Nothing to do: one server is all that a machine has cores for."""

    def list(self, prefix: str) -> list[Description]:
        names = (path.stem for path in sorted(self._directory.glob(f"{prefix}*.jsonl")))
        return [found for name in names if (found := self._describe(name, ping=False))]

    def delete(self, name: str) -> None:
        if not self._announcement(name).exists():
            raise EndpointGone(f"{name} is not running")
        self._end(name)
        self._announcement(name).unlink(missing_ok=True)
        self._ports.pop(name, None)

    def invoke(self, name: str, body: bytes, *, target: str | None = None) -> Reply:
        headers = {"Content-Type": "application/json"}
        if target is not None:
            headers["X-Amzn-SageMaker-Target-Model"] = target
        url = f"http://127.0.0.1:{self._port(name)}/invocations"
        try:
            response = self._http.request("POST", url, body=body, headers=headers, timeout=INVOCATION_SECONDS)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise InvocationTimeout(f"{name} did not answer in {INVOCATION_SECONDS:g} s") from error
        except urllib3.exceptions.HTTPError as error:
            self._ports.pop(name, None)
            if self._is_alive(name):
                raise NotReady(f"{name} closed the connection: {error}") from error
            raise EndpointGone(f"{name} has ended; {self._log_tail(name)}") from error
        if response.status != 200:
            raise server_error(response.status, response.data)
        return Reply(response.data, {key.lower(): value for key, value in response.headers.items()})

    def touch(self, name: str) -> None:
        try:
            self._http.request("GET", f"http://127.0.0.1:{self._port(name)}/ping", timeout=PING_SECONDS)
        except (urllib3.exceptions.HTTPError, EndpointGone, NotReady):
            self._ports.pop(name, None)  # whoever invokes it next learns what has become of it

    # What is on file

    def _announcement(self, name: str) -> Path:
        return self._directory / f"{name}.jsonl"

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def _facts(self, name: str) -> dict[str, Any] | None:
        """What creator, shell and server have announced so far; None where nobody has begun."""
        try:
            lines = self._announcement(name).read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return None
        facts: dict[str, Any] = {}
        for line in lines[:3]:
            try:
                facts |= json.loads(line)
            except (ValueError, TypeError):  # half a line yet, or not ours
                break
        return facts

    def _is_alive(self, name: str) -> bool:
        self._children = [child for child in self._children if child.poll() is None]  # leave no zombie
        try:
            announcement = os.open(self._announcement(name), os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            return not _lock(announcement, fcntl.LOCK_SH)
        finally:
            os.close(announcement)

    def _describe(self, name: str, *, ping: bool) -> Description | None:
        alive = self._is_alive(name)
        facts = self._facts(name)
        if facts is None:
            return None
        status, reason = Status.IN_SERVICE, ""
        if not alive:
            status, reason = Status.FAILED, f"the server has ended; {self._log_tail(name)}"
        elif "port" not in facts:
            status, reason = Status.CREATING, f"the server has not announced its port; {self._log_tail(name)}"
        elif ping and (problem := self._ping(facts["port"])):
            status, reason = Status.CREATING, f"{problem}; {self._log_tail(name)}"
        created_at = datetime.fromisoformat(facts["created_at"]) if "created_at" in facts else None
        return Description(name, status, reason, created_at, facts.get("tags", {}))

    def _ping(self, port: int) -> str:
        """What is wrong with the server, or nothing."""
        try:
            response = self._http.request("GET", f"http://127.0.0.1:{port}/ping", timeout=PING_SECONDS)
        except urllib3.exceptions.HTTPError as error:
            return f"/ping was not answered in {PING_SECONDS:g} s ({type(error).__name__})"
        return "" if response.status == 200 else f"/ping answered {response.status}"

    def _port(self, name: str) -> int:
        if name not in self._ports:
            facts = self._facts(name)
            if facts is None:
                raise EndpointGone(f"{name} is not running")
            if "port" not in facts:
                if self._is_alive(name):
                    raise NotReady(f"{name} has not announced its port yet")
                raise EndpointGone(f"{name} has ended; {self._log_tail(name)}")
            self._ports[name] = facts["port"]
        return self._ports[name]

    def _log_tail(self, name: str) -> str:
        try:
            lines = self._log(name).read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return f"it has no log ({self._log(name)})"
        tail = "\n".join(lines[-LOG_LINES:]) or "(nothing)"
        return f"the end of {self._log(name)}:\n{tail}"

    def _remove_old_logs(self) -> None:
        oldest = time.time() - LOG_SECONDS
        for log in self._directory.glob("*.log"):
            with contextlib.suppress(FileNotFoundError):  # somebody else who starts a server removes them, too
                if log.stat().st_mtime < oldest and not self._announcement(log.stem).exists():
                    log.unlink()

    # The process

    def _end(self, name: str) -> None:
        if self._is_alive(name) and "pid" not in (self._facts(name) or {}):
            raise EndpointBusy(f"{name} is just being started; ask again")
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            if not self._is_alive(name):
                return
            with contextlib.suppress(ProcessLookupError):
                os.killpg((self._facts(name) or {})["pid"], signal_number)
            until = time.monotonic() + TERM_SECONDS
            while self._is_alive(name) and time.monotonic() < until:
                time.sleep(0.01)
        if self._is_alive(name):
            raise BackendError(f"{name} does not end; {self._announcement(name)} names its process, end it by hand")


def local_spec(model: str, folder: Path, command: list[str], store: str, prefix: str = "nlp") -> EndpointSpec:
    """What a local process serves `folder` with. The code and the content decide the hash, so that different
    code never shares an endpoint."""
    package = Path(__file__).parents[2]
    config: dict[str, Any] = {
        "command": command,
        "model_dir": str(folder),
        "model": folder_digest(folder),
        "version": version("socialnlp-assets"),
        "code": [folder_digest(package / room) for room in ("serving", "tasks", "nlp")],
    }
    return EndpointSpec.of(model, "process", config, store, prefix)


@cache
def folder_digest(folder: Path) -> str:
    """A digest of the names and contents of the files in `folder`, once a process."""
    digest = sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
    return digest.hexdigest()[:16]


def _lock(descriptor: int, kind: int) -> bool:
    """Take the lock without waiting; False where a living process has it."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_exclusively(descriptor: int) -> bool:
    # Whoever looks whether the server lives takes a shared lock for a moment; that is no server.
    for _ in range(10):
        if _lock(descriptor, fcntl.LOCK_EX):
            return True
        time.sleep(0.005)
    return False
