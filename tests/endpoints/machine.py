"""One machine: a state directory, its processes, and as many users as a test wants."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from socialnlp_assets.models.catalogue import load_catalogue
from socialnlp_assets.resources.endpoints.local import LocalProcess, local_spec
from socialnlp_assets.resources.endpoints.manager import LeaseManager, Owner, Terms
from socialnlp_assets.resources.endpoints.protocol import EndpointBackend, EndpointSpec
from socialnlp_assets.resources.endpoints.records import Record
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.resources.leases.sqlite import SqliteStore

SERVER = [sys.executable, str(Path(__file__).parents[1] / "fakes" / "model_server.py")]
TERMS = Terms(lease=timedelta(seconds=20), warm=timedelta(seconds=20))


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

    def store(self) -> SqliteStore[Record]:
        return SqliteStore(self.directory / "leases.db", Record)

    def endpoints(self, run: str = "run", terms: Terms = TERMS, backend: EndpointBackend | None = None) -> Endpoints:
        manager = LeaseManager(self.store(), backend or self.backend(), terms, Owner(run))
        return Endpoints(manager, lambda *_: self.spec(), load_catalogue())

    def processes(self) -> list[int]:
        """Every living process that serves our model folder, whoever started it."""
        found = subprocess.run(["ps", "-ewwo", "pid,stat,args"], capture_output=True, text=True, check=True).stdout
        lines = (line.split(None, 2) for line in found.splitlines())
        return [int(pid) for pid, stat, command in lines if str(self.model) in command and stat[0] != "Z"]
