"""Endpoints as processes of this machine: the model server on a free loopback port, in a session of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path

import urllib3

from socialnlp_assets.resources.endpoints.backend import (
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
from socialnlp_assets.resources.endpoints.server_errors import server_error
from socialnlp_assets.resources.endpoints.server_files import ServerFiles

PING_SECONDS = 2.0  # SageMaker's own limit
INVOCATION_SECONDS = 70.0
TERM_SECONDS = 5.0  # nobody holds an endpoint that is deleted, so there is nothing to drain


class LocalProcess:
    """`EndpointBackend` over local processes; the spec's config says ``{"model_dir": …, "command": […]}``."""

    def __init__(self, directory: Path, orphan_after: float) -> None:
        """`directory` keeps registrations and logs. A server that nobody has asked anything for
        `orphan_after` seconds ends itself."""
        self._files = ServerFiles(directory)
        self._orphan_after = orphan_after
        self._ports: dict[str, int] = {}
        self._children: list[subprocess.Popen[bytes]] = []
        self._http = urllib3.PoolManager(maxsize=32, retries=False)

    def create(self, name: str, spec: EndpointSpec, tags: Mapping[str, str]) -> None:
        self._files.remove_old_logs()
        command = [*spec.config["command"], "--model", spec.config["model_dir"], "--port", "0"]
        command += ["--orphan-after", f"{self._orphan_after:g}"]
        about = {"created_at": datetime.now(UTC).isoformat(), "tags": dict(tags)}
        try:
            with self._files.registering(name, about) as registration, self._files.log(name).open("ab") as log:
                if registration is None:
                    raise AlreadyExists(f"{name} is running already")
                log.truncate(0)
                # The shell writes the process id before it becomes the server, so that the id is on file
                # even if this process dies in this line.
                child = subprocess.Popen(
                    ["/bin/sh", "-c", 'printf \'{"pid": %d}\\n\' $$; exec "$@"', "sh", *command],
                    stdin=subprocess.DEVNULL,
                    stdout=registration,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as error:
            self._files.registration(name).unlink(missing_ok=True)  # nothing runs, and nothing has failed
            raise BackendError(f"{name} could not be started: {error}") from error
        self._children = [*(other for other in self._children if other.poll() is None), child]

    def describe(self, name: str) -> Description | None:
        return self._describe(name, ping=True)

    def scale(self, name: str, spec: EndpointSpec) -> None:
        """Nothing to do: one server is all that a machine has cores for."""

    def list(self, prefix: str) -> list[Description]:
        return [found for name in self._files.names(prefix) if (found := self._describe(name, ping=False))]

    def delete(self, name: str) -> None:
        if not self._files.registration(name).exists():
            raise EndpointGone(f"{name} is not running")
        self._end(name)
        self._files.registration(name).unlink(missing_ok=True)
        self._ports.pop(name, None)

    def remnants(self, prefix: str) -> Collection[str]:  # noqa: ARG002
        """None: a server and its registration are one, and logs are kept for a while."""
        return ()

    def clear(self, name: str) -> None:
        """Nothing to do: there are no remnants."""

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
            raise EndpointGone(f"{name} has ended; {self._files.log_tail(name)}") from error
        if response.status != 200:
            raise server_error(response.status, response.data)
        return Reply(response.data, {key.lower(): value for key, value in response.headers.items()})

    def touch(self, name: str) -> None:
        try:
            self._http.request("GET", f"http://127.0.0.1:{self._port(name)}/ping", timeout=PING_SECONDS)
        except (urllib3.exceptions.HTTPError, EndpointGone, NotReady):
            self._ports.pop(name, None)  # whoever invokes it next learns what has become of it

    def _describe(self, name: str, *, ping: bool) -> Description | None:
        alive = self._is_alive(name)
        facts = self._files.facts(name)
        if facts is None:
            return None
        status, reason = Status.IN_SERVICE, ""
        if not alive:
            status, reason = Status.FAILED, f"the server has ended; {self._files.log_tail(name)}"
        elif "port" not in facts:
            status, reason = Status.CREATING, f"the server has not announced its port; {self._files.log_tail(name)}"
        elif ping and (problem := self._ping(facts["port"])):
            status, reason = Status.CREATING, f"{problem}; {self._files.log_tail(name)}"
        created_at = datetime.fromisoformat(facts["created_at"]) if "created_at" in facts else None
        return Description(name, status, reason, created_at, facts.get("tags", {}))

    def _is_alive(self, name: str) -> bool:
        self._children = [child for child in self._children if child.poll() is None]  # leave no zombie
        return self._files.is_alive(name)

    def _ping(self, port: int) -> str:
        """What is wrong with the server, or nothing."""
        try:
            response = self._http.request("GET", f"http://127.0.0.1:{port}/ping", timeout=PING_SECONDS)
        except urllib3.exceptions.HTTPError as error:
            return f"/ping was not answered in {PING_SECONDS:g} s ({type(error).__name__})"
        return "" if response.status == 200 else f"/ping answered {response.status}"

    def _port(self, name: str) -> int:
        if name not in self._ports:
            facts = self._files.facts(name)
            if facts is None:
                raise EndpointGone(f"{name} is not running")
            if "port" not in facts:
                if self._is_alive(name):
                    raise NotReady(f"{name} has not announced its port yet")
                raise EndpointGone(f"{name} has ended; {self._files.log_tail(name)}")
            self._ports[name] = facts["port"]
        return self._ports[name]

    def _end(self, name: str) -> None:
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            # Looked at once: another reaper of this machine may be ending the same server, registration and all.
            alive, facts = self._is_alive(name), self._files.facts(name)
            if not alive or facts is None:
                return
            if "pid" not in facts:
                raise EndpointBusy(f"{name} is just being started; ask again")
            with contextlib.suppress(ProcessLookupError):
                os.killpg(facts["pid"], signal_number)
            until = time.monotonic() + TERM_SECONDS
            while self._is_alive(name) and time.monotonic() < until:
                time.sleep(0.01)
        if self._is_alive(name):
            registration = self._files.registration(name)
            raise BackendError(f"{name} does not end; {registration} names its process, end it by hand")
