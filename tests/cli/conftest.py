"""The console script, run as its user runs it, on an installation of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from socialnlp_assets.cli import main
from socialnlp_assets.resources.build import build_endpoints, build_lake
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.settings import Settings

SCRIPT = Path(sys.executable).with_name("socialnlp")


@dataclass
class Installation:
    """A state directory, a lake and a Dagster home in `folder`."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        mine = {"SOCIALNLP_STATE": "state", "SOCIALNLP_LAKE": "lake", "DAGSTER_HOME": "dagster"}
        others = {name: value for name, value in os.environ.items() if not name.startswith(("SOCIALNLP_", "AWS_"))}
        return others | {name: str(self.folder / value) for name, value in mine.items()}

    @property
    def settings(self) -> Settings:
        return Settings(state=self.folder / "state", lake=str(self.folder / "lake"))

    @property
    def lake(self) -> Lake:
        return build_lake(self.settings)

    def __call__(self, *arguments: str, text: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `socialnlp` with `arguments`, `text` on standard input and further environment `variables`."""
        return subprocess.run(
            [SCRIPT, *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment | variables,
            cwd=self.folder,
        )

    def here(self, monkeypatch: pytest.MonkeyPatch, *arguments: str, **variables: str) -> int:
        """The same in this process, for speed; the exit code. What it prints is for `capfd`."""
        for name in [name for name in os.environ if name.startswith(("SOCIALNLP_", "AWS_"))]:
            monkeypatch.delenv(name)
        for name, value in (self.environment | variables).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it keeps the credentials that an earlier test has set
        monkeypatch.setattr(sys, "argv", ["socialnlp", *arguments])
        monkeypatch.chdir(self.folder)
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
        mask = os.umask(0o022)
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0)
        finally:
            os.umask(mask)
            for number, handler in before.items():
                signal.signal(number, handler)
        return 0

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """Its Dagster instance, whose file names DAGSTER_HOME."""
        home = self.environment["DAGSTER_HOME"]
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("DAGSTER_HOME", home)
            with dg.DagsterInstance.from_config(home) as instance:
                yield instance

    def processes(self) -> list[str]:
        """The command lines of processes that were started for this installation and still run."""
        return list(self._processes().values())

    def kill(self, of: str = "") -> None:
        """Kill all of them at once, as when a machine goes down, or those whose command line has `of` in it."""
        for process, command in self._processes().items():
            with suppress(ProcessLookupError):
                if of in command:
                    os.kill(process, signal.SIGKILL)

    def _processes(self) -> dict[int, str]:
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                mine = str(self.folder).encode() in (process / "environ").read_bytes()
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:  # it has ended, or is not ours
                continue
            if mine and command and int(process.name) != os.getpid():
                found[int(process.name)] = command
        return found


@pytest.fixture
def socialnlp(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    yield installation
    installation.kill()  # what a test that failed has left
    with build_endpoints(installation.settings) as endpoints:
        endpoints.stop_all()
