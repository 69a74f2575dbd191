"""Real processes, started, shared, lost and removed on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from socialnlp_assets.models.catalogue import load_catalogue
from socialnlp_assets.resources.endpoints.local import LocalProcess, local_spec
from socialnlp_assets.resources.endpoints.manager import LeaseManager, Owner, Terms
from socialnlp_assets.resources.endpoints.protocol import EndpointSpec
from socialnlp_assets.resources.endpoints.reaper import EndpointHeld
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.resources.endpoints.stores import SqliteStore

SERVER = [sys.executable, str(Path(__file__).parents[1] / "fakes" / "model_server.py")]
TERMS = Terms(lease=timedelta(seconds=20), warm=timedelta(seconds=20))


class Machine:
    """A state directory, and as many users of it as a test wants."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.model = directory / "model"
        self.model.mkdir()
        self.serves({})

    def serves(self, behaviour: dict[str, object]) -> None:
        (self.model / "model.json").write_text(json.dumps(behaviour))

    def backend(self) -> LocalProcess:
        return LocalProcess(self.directory / "endpoints", orphan_after=40)

    def spec(self) -> EndpointSpec:
        return local_spec("translator", self.model, SERVER)

    def endpoints(self, run: str = "run", terms: Terms = TERMS) -> Endpoints:
        store = SqliteStore(self.directory / "leases.db")
        manager = LeaseManager(store, self.backend(), terms, Owner(run))
        return Endpoints(manager, lambda *_: self.spec(), load_catalogue())

    def processes(self) -> list[int]:
        """Every living process that serves our model folder, whoever started it."""
        found = subprocess.run(["ps", "-ewwo", "pid,stat,args"], capture_output=True, text=True, check=True).stdout
        lines = (line.split(None, 2) for line in found.splitlines())
        return [int(pid) for pid, stat, command in lines if str(self.model) in command and stat[0] != "Z"]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    for pid in machine.processes():
        os.kill(pid, signal.SIGKILL)


def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def test_a_lease_creates_the_endpoint_and_the_last_release_leaves_it_warm(machine: Machine) -> None:
    with machine.endpoints() as endpoints:
        with endpoints.lease("translator") as translator:
            assert translator.predict(["ciao", "", "ciao"], src_lang="it") == ["CIAO", "", "CIAO"]
        assert len(machine.processes()) == 1
        assert endpoints.reap() == []  # still warm
        assert endpoints.stop_all() == []
    assert machine.processes() == []
    assert endpoints.records() == []


def test_two_runs_share_one_process(machine: Machine) -> None:
    with machine.endpoints("one") as one, machine.endpoints("two") as two:
        with one.lease("translator") as first, two.lease("translator") as second:
            assert first.predict(["a"], src_lang="it") == second.predict(["a"], src_lang="it") == ["A"]
            assert len(machine.processes()) == 1
            with pytest.raises(EndpointHeld, match=r"held by one on .* two on .*--force"):
                one.stop("translator")
        one.stop("translator")
        assert machine.processes() == []


def test_nobody_holds_it_and_it_is_no_longer_warm(machine: Machine) -> None:
    endpoints = machine.endpoints(terms=Terms(warm=timedelta(0)))
    with endpoints.lease("translator"):
        assert endpoints.reap() == []
    (removal,) = endpoints.reap()
    assert removal.gone
    assert removal.reason == "nobody holds it"
    assert machine.processes() == []
