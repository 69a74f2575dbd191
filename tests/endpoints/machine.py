"""One machine: a state directory, its processes, and as many users as a test wants."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.resources.endpoints.backend import EndpointBackend, EndpointSpec
from socialnlp_assets.resources.endpoints.leases import LeaseManager
from socialnlp_assets.resources.endpoints.local import LocalProcess
from socialnlp_assets.resources.endpoints.local_resource import local_spec
from socialnlp_assets.resources.endpoints.records import Record
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.resources.endpoints.terms import Owner, Terms
from socialnlp_assets.resources.leases.sqlite import SqliteStore
from tests.endpoints.given import endpoints_of

SERVER = [sys.executable, str(Path(__file__).parents[1] / "fakes" / "model_server.py")]
TERMS = Terms(lease=timedelta(seconds=20), warm=timedelta(seconds=20))


class MachineEndpoints(Endpoints):
    """Those of a machine, as a run of Dagster makes them."""

    directory: str

    def specification(self, model: str, entry: ModelEntry) -> EndpointSpec:  # noqa: ARG002
        return local_spec(model, Path(self.directory) / "model", SERVER, self.manager.store.name)

    def _open(self) -> LeaseManager:
        return self._managing(f"{self.directory}/leases.db", LocalProcess(Path(self.directory) / "endpoints", 40))


class Machine:
    """A state directory, and as many users of it as a test wants."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.model = directory / "model"
        if not self.model.exists():
            self.model.mkdir()
            self.serves()

    def serves(self, **behaviour: object) -> None:
        """What the model server is to do; see `tests/fakes/model_server.py`."""
        (self.model / "model.json").write_text(json.dumps(behaviour))

    def backend(self, orphan_after: float = 40) -> LocalProcess:
        return LocalProcess(self.directory / "endpoints", orphan_after)

    def spec(self) -> EndpointSpec:
        return local_spec("translator", self.model, SERVER, self.store().name)

    def store(self) -> SqliteStore:
        return SqliteStore(self.directory / "leases.db", Record)

    def manager(self, run: str = "run", terms: Terms = TERMS, backend: EndpointBackend | None = None) -> LeaseManager:
        return LeaseManager(self.store(), backend or self.backend(), terms, Owner(run))

    def endpoints(self, run: str = "run", terms: Terms = TERMS, backend: EndpointBackend | None = None) -> Endpoints:
        return endpoints_of(self.manager(run, terms, backend), lambda _: self.spec())

    def processes(self) -> list[int]:
        """Every living process that serves our model folder, whoever started it."""
        found = subprocess.run(["ps", "-ewwo", "pid,stat,args"], capture_output=True, text=True, check=True).stdout
        lines = (line.split(None, 2) for line in found.splitlines())
        return [int(pid) for pid, stat, command in lines if str(self.model) in command and stat[0] != "Z"]
