"""Eight processes share three local endpoints while one of them is killed every second.

    python -m benchmarks.endpoint_stress [--seconds 60] [--workers 8]

Each worker leases an endpoint at random, predicts, and checks every result. Now and then it is a server that
is killed. In the end nothing may be left: no process, no record, no wrong or missing result. The servers are
a stand-in whose answers can be checked; what is under test is everything around them.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

import click

from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.resources.endpoints.backend import EndpointError, EndpointSpec
from socialnlp_assets.resources.endpoints.leases import LeaseManager
from socialnlp_assets.resources.endpoints.local import LocalProcess
from socialnlp_assets.resources.endpoints.local_resource import local_spec
from socialnlp_assets.resources.endpoints.records import Record
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.resources.endpoints.terms import Terms
from socialnlp_assets.resources.leases.sqlite import SqliteStore

SERVER = [sys.executable, str(Path(__file__).parents[1] / "tests" / "fakes" / "model_server.py")]
TERMS = Terms(lease=timedelta(seconds=4), warm=timedelta(seconds=1), lifetime=timedelta(seconds=25))
PREFIXES = ("one", "two", "three")  # three endpoints of one model: the prefix is part of the name
TEXTS = [f"testo numero {number}" for number in range(100)]


@dataclass
class Outcome:
    """What the stress came to; `is_good` says whether the promise was kept."""

    calls: int = 0  # leases that were taken and asked
    wrong: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    workers_killed: int = 0
    servers_killed: int = 0
    epochs: int = 0  # endpoints that were created
    processes_left: int = 0
    records_left: int = 0

    @property
    def is_good(self) -> bool:
        left = self.processes_left + self.records_left
        return bool(self.calls) and not (self.wrong or self.errors or left)


class StressedEndpoints(Endpoints):
    directory: str

    def specification(self, model: str, entry: ModelEntry) -> EndpointSpec:  # noqa: ARG002
        return local_spec(model, Path(self.directory) / "model", SERVER, self.manager.store.name, self.prefix)

    def _open(self) -> LeaseManager:
        # None ends by itself: what is left is seen.
        backend = LocalProcess(Path(self.directory) / "endpoints", orphan_after=3600)
        return self._managing(f"{self.directory}/leases.db", backend)


def endpoints(directory: Path, name: str) -> Endpoints:
    return StressedEndpoints(
        directory=str(directory),
        prefix=name,
        lease_seconds=TERMS.lease.total_seconds(),
        warm_seconds=TERMS.warm.total_seconds(),
        lifetime_seconds=TERMS.lifetime.total_seconds(),
    )


def work(directory: Path, until: float) -> None:
    """One worker; writes a line a call, so that what a killed one has done counts too."""
    mine = {name: endpoints(directory, name) for name in PREFIXES}
    log = os.open(directory / "calls.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    while time.time() < until:
        said: dict[str, object] = {}
        try:
            with mine[random.choice(PREFIXES)].lease("translator") as translator:
                results = translator.predict(TEXTS, src_lang="it")
            said["right"] = results == [text.upper() for text in TEXTS]
        except EndpointError as error:
            said["error"] = f"{type(error).__name__}: {error}"
        os.write(log, (json.dumps(said) + "\n").encode())  # one write, appended: lines do not mix
        time.sleep(random.uniform(0, 0.5))


def stress(directory: Path, seconds: float, workers: int) -> Outcome:
    """Run it all in `directory`, which is empty, and clean up as the reaper would."""
    (directory / "model").mkdir()
    (directory / "model" / "model.json").write_text("{}")
    _worker(directory, until=0).join()  # ends at once; what follows need not wait for imports
    until = time.time() + seconds
    running = [_worker(directory, until) for _ in range(workers)]
    outcome = Outcome()
    while time.time() < until - 1:
        time.sleep(1)
        if outcome.workers_killed % 5 == 4 and (servers := processes(directory)):
            outcome.servers_killed += 1
            os.kill(random.choice(servers), signal.SIGKILL)
        victim = random.randrange(workers)
        running[victim].kill()
        running[victim].join()
        outcome.workers_killed += 1
        running[victim] = _worker(directory, until)
    for worker in running:
        worker.join()
    reapers = [endpoints(directory, name) for name in PREFIXES]
    give_up = time.time() + TERMS.lifetime.total_seconds()
    while time.time() < give_up and (processes(directory) or reapers[0].records()):
        for reaper in reapers:
            reaper.reap()
        time.sleep(0.2)
    _count(directory, outcome)
    return outcome


def _worker(directory: Path, until: float) -> BaseProcess:
    # From a server that has imported everything: a worker that is killed after a second has worked by then.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([Endpoints.__module__])
    worker = context.Process(target=work, args=(directory, until))
    worker.start()
    return worker


def _count(directory: Path, outcome: Outcome) -> None:
    for line in (directory / "calls.jsonl").read_text().splitlines():
        said = json.loads(line)
        outcome.calls += 1
        outcome.wrong += said.get("right") is False
        if "error" in said:
            outcome.errors[said["error"]] += 1
    outcome.epochs = sum(record.epoch for record in SqliteStore(directory / "leases.db", Record).records())
    outcome.processes_left = len(processes(directory))
    outcome.records_left = len(endpoints(directory, PREFIXES[0]).records())


def processes(directory: Path) -> list[int]:
    """Every living server of ours, whoever started it."""
    listed = subprocess.run(["ps", "-ewwo", "pid,stat,args"], capture_output=True, text=True, check=True).stdout
    rows = (line.split(None, 2) for line in listed.splitlines())
    return [int(pid) for pid, state, args in rows if f"{directory}/model" in args and state[0] != "Z"]


@click.command()
@click.option("--seconds", default=60.0, show_default=True)
@click.option("--workers", default=8, show_default=True)
def main(seconds: float, workers: int) -> None:
    """Share three endpoints among processes that are killed; exits 1 if anything is left or wrong."""
    with tempfile.TemporaryDirectory() as fresh:
        outcome = stress(Path(fresh), seconds, workers)
    for name, value in vars(outcome).items():
        click.echo(f"{name.replace('_', ' '):>16}  {dict(value) if isinstance(value, Counter) else value}")
    sys.exit(0 if outcome.is_good else 1)


if __name__ == "__main__":
    main()
