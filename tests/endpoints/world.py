"""A world on virtual time: the fake SageMaker, a lease store, and as many runs as a test wants."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from socialnlp_assets.models.artefacts import Artefact
from socialnlp_assets.models.catalogue import load_catalogue
from socialnlp_assets.resources.endpoints.backend import EndpointBackend, EndpointSpec
from socialnlp_assets.resources.endpoints.leases import Lease, LeaseManager, Owner, Terms
from socialnlp_assets.resources.endpoints.records import Record
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.resources.endpoints.sagemaker import SageMaker
from socialnlp_assets.resources.endpoints.sagemaker_resource import sagemaker_spec
from socialnlp_assets.resources.leases.sqlite import SqliteStore
from socialnlp_assets.resources.leases.store import LeaseStore
from tests.endpoints.given import endpoints_of
from tests.fakes import aws_http
from tests.fakes.clock import VirtualClock
from tests.fakes.models import answer
from tests.fakes.sagemaker import FakeSageMaker

ROLE = "arn:aws:iam::123456789012:role/nlp"
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/nlp:1"
ARTEFACT = Artefact("s3://models/nlp/latest/0123456789abcdef/model.tar.gz", "0123456789abcdef" * 4)
CATALOGUE = load_catalogue()
TERMS = Terms(lease=timedelta(minutes=1), warm=timedelta(minutes=2), lifetime=timedelta(hours=6))
Answer = TypeVar("Answer")


class Killed(BaseException):
    """A process ends here, and runs no line more."""


class World:
    def __init__(self, fake: FakeSageMaker, clock: VirtualClock, directory: Path) -> None:
        self.fake = fake
        self.clock = clock
        self.directory = directory
        for name, entry in CATALOGUE.root.items():
            fake.models[f"nlp-{name}-"] = lambda body, _, entry=entry: (200, {}, answer(entry, body))  # type: ignore[misc]
        self.backend = SageMaker(region="eu-west-1", endpoint_url=fake.url, sleep=clock.sleep)

    def store(self) -> LeaseStore[Record]:
        return SqliteStore(self.directory / "leases.db", Record, self.clock.now)

    def manager(self, run: str = "run", backend: EndpointBackend | None = None) -> LeaseManager:
        """One process's; heartbeats are the test's to give."""
        owner = Owner(run, "sprinklr")
        return LeaseManager(self.store(), backend or self.backend, TERMS, owner, self.clock.sleep, heartbeats=False)

    def endpoints(self, run: str = "run", backend: EndpointBackend | None = None) -> Endpoints:
        return endpoints_of(self.manager(run, backend), spec)

    def lease(self, model: str = "translator", run: str = "run", backend: EndpointBackend | None = None) -> Lease:
        """Not yet entered."""
        return Lease(self.manager(run, backend), spec(model), "step")

    def together(self, *work: Callable[[], Answer]) -> list[Answer]:
        """Do it all at once, each in a thread (a process) of its own, and wait; raises what they raise."""
        futures: list[Future[Answer]] = [Future() for _ in work]

        def do(one: Callable[[], Answer], future: Future[Answer]) -> None:
            try:
                future.set_result(one())
            except BaseException as error:
                future.set_exception(error)

        # Threads that end with their work, unlike a pool's: the clock waits for everybody who lives.
        for one, future in zip(work, futures, strict=True):
            threading.Thread(target=do, args=(one, future), daemon=True).start()
        return [future.result(timeout=300) for future in futures]

    def created(self) -> list[str]:
        """The names of all endpoints whose creation was asked for, in order."""
        return self.fake.called("CreateEndpoint")

    def finish(self) -> None:
        """Everybody has gone; in the end there is nothing of any kind, though it may take the reaper some calls."""
        reaper = self.endpoints("reaper")
        for _ in range(20):
            fake = self.fake
            left = (fake.existing(), fake.configs, fake.model_entities, fake.scalable, reaper.records())
            if not any(left):
                return
            self.clock.advance(120)
            reaper.reap()
        raise AssertionError(f"left behind: {left}")


class DiesAt(SageMaker):
    """A process that is killed before or after one of its calls."""

    def __init__(self, world: World, call: str, *, before: bool) -> None:
        super().__init__(region="eu-west-1", endpoint_url=world.fake.url, sleep=world.clock.sleep)
        self._call, self._before = call, before

    def create(self, name: str, spec: EndpointSpec, tags: object) -> None:
        self._die("create", lambda: super(DiesAt, self).create(name, spec, tags))  # type: ignore[arg-type]

    def delete(self, name: str) -> None:
        self._die("delete", lambda: super(DiesAt, self).delete(name))

    def _die(self, call: str, does: object) -> None:
        if call == self._call and self._before:
            raise Killed
        does()  # type: ignore[operator]
        if call == self._call:
            raise Killed


def spec(model: str, store: str = "the tests' store") -> EndpointSpec:
    return sagemaker_spec(model, CATALOGUE[model], ARTEFACT, IMAGE, ROLE, store)


TEXTS = [f"testo {number}" for number in range(200)]


def translate(endpoints: Endpoints, texts: list[str] = TEXTS) -> list[object]:
    with endpoints.lease("translator") as translator:
        return list(translator.predict(texts, src_lang="it"))


@contextmanager
def new_world(directory: Path) -> Iterator[World]:
    clock = VirtualClock()
    with aws_http.serve(FakeSageMaker(clock.now)) as fake:
        yield World(fake, clock, directory)


E1, E2 = (spec("translator").endpoint_name(epoch) for epoch in (1, 2))
