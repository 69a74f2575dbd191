"""`Endpoints`: what assets ask for. Leases by logical name, announcements, and the reaper."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from socialnlp_assets.models.catalogue import Catalogue, ModelEntry, load_catalogue
from socialnlp_assets.resources.endpoints import reaper
from socialnlp_assets.resources.endpoints.local import LocalProcess, local_spec
from socialnlp_assets.resources.endpoints.manager import Lease, LeaseManager, Owner, Terms
from socialnlp_assets.resources.endpoints.metering import Meter, PriceTable, Usage, load_prices
from socialnlp_assets.resources.endpoints.predictor import Predictor
from socialnlp_assets.resources.endpoints.protocol import EndpointBackend, EndpointSpec
from socialnlp_assets.resources.endpoints.reaper import Removal
from socialnlp_assets.resources.endpoints.records import Record, State
from socialnlp_assets.resources.endpoints.stores import LeaseStore, SqliteStore
from socialnlp_assets.settings import Profile, Settings

logger = logging.getLogger(__name__)

SpecOf = Callable[[str, ModelEntry], EndpointSpec]


class Endpoints:
    """The endpoints of this installation, for one run.

    >>> with endpoints.lease("translator") as translator:
    ...     english = translator.predict(texts, src_lang=languages)
    """

    def __init__(
        self,
        manager: LeaseManager,
        spec_of: SpecOf,
        catalogue: Catalogue,
        prefix: str = "nlp",
        prices: PriceTable | None = None,
    ) -> None:
        self.prices = prices or load_prices()
        self._manager = manager
        self._spec_of = spec_of
        self._catalogue = catalogue
        self._prefix = prefix
        self._announced: dict[str, Lease | None] = {}  # None: still being created
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self.usage: list[Usage] = []  # of every lease that was given back

    @contextmanager
    def lease(self, model: str, *, step: str = "") -> Iterator[Predictor]:
        """Hold the endpoint of `model`, created if need be, and predict with it.

        Raises KeyError for a model that the catalogue lacks and `EndpointFailed` where the endpoint does
        not come into service.
        """
        entry = self._catalogue[model]
        spec = self._spec_of(model, entry)
        meter = Meter(model, step or self._manager.owner.run, self.prices.price(spec))
        lease = self._manager.acquire(spec, step, meter.held)
        self._end_announcement(model)
        try:
            yield Predictor(entry, lease.invoke, meter, kind=spec.kind, regain=lease.regain)
        finally:
            lease.release()
            self.usage.append(meter.usage)

    def warm(self, models: Iterable[str]) -> None:
        """Announce models that will be needed: their endpoints are created side by side while others work.
        Returns at once. An announcement ends with the first lease on its model, or with `close`."""
        for model in models:
            entry = self._catalogue[model]
            with self._lock:
                if model in self._announced:
                    continue
                self._announced[model] = None
            thread = threading.Thread(target=self._announce, args=(model, entry), name=f"warm-{model}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _announce(self, model: str, entry: ModelEntry) -> None:
        try:
            lease = self._manager.acquire(self._spec_of(model, entry), "announcement")
        except Exception as error:  # whoever leases the model will be told the same
            logger.warning("%s could not be warmed: %s", model, error)
            self._end_announcement(model)
            return
        with self._lock:
            wanted = model in self._announced
            if wanted:
                self._announced[model] = lease
        if not wanted:
            lease.release()

    def _end_announcement(self, model: str) -> None:
        with self._lock:
            lease = self._announced.pop(model, None)
        if lease:
            lease.release()

    def records(self) -> list[Record]:
        """The records of all endpoints that exist or are coming or going."""
        return [record for record in self._manager.store.records() if record.state is not State.ABSENT]

    def now(self) -> datetime:
        """The time by which leases expire: the store's clock."""
        return self._manager.store.now()

    def reap(self) -> list[Removal]:
        """Remove what nobody holds or keeps warm, what is past its deadline, and what no record knows."""
        return reaper.reap(self._manager.store, self._manager.backend, self._prefix)

    def stop(self, name: str, *, force: bool = False) -> list[str]:
        """Delete the endpoints of a model, or the one of that full name, and wait until they are gone.
        Raises `EndpointHeld` where somebody holds one, unless forced, and KeyError where there is none."""
        records = [record for record in self.records() if name in (record.model, record.endpoint)]
        if not records:
            running = ", ".join(record.endpoint for record in self.records()) or "none"
            raise KeyError(f"no endpoint of {name!r} exists; running: {running}")
        for record in records:
            self._stop(record, force)
        return [record.endpoint for record in records]

    def stop_all(self) -> list[str]:
        """Close, and delete every endpoint of this store, held or not: nothing is left."""
        self.close()
        for record in self.records():
            self._stop(record, force=True)
        return [removal.endpoint for removal in self.reap()]

    def _stop(self, record: Record, force: bool) -> None:
        sleep = self._manager.sleep or time.sleep
        reaper.stop(self._manager.store, self._manager.backend, record, force=force, sleep=sleep)

    def release_run(self, run: str) -> None:
        """Release whatever a run that has ended still holds."""
        for record in self.records():
            reaper.abandon(self._manager.store, record, run)

    def close(self) -> None:
        """End this run's announcements. Endpoints stay as long as others hold them or they are warm."""
        self._manager.close()
        for model in list(self._announced):
            self._end_announcement(model)
        for thread in self._threads:
            thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def build_endpoints(settings: Settings, *, run: str = "", workflow: str = "") -> Endpoints:
    """The endpoints that `settings` describe; nothing is started or asked before the first lease."""
    terms = Terms(
        lease=timedelta(seconds=settings.lease_seconds),
        warm=timedelta(seconds=settings.warm_seconds),
        lifetime=timedelta(seconds=settings.deadline_seconds),
    )
    backend, spec_of = _backend(settings)
    manager = LeaseManager(_store(settings), backend, terms, Owner(run, workflow))
    return Endpoints(manager, spec_of, load_catalogue(), settings.endpoint_prefix, load_prices(settings.prices))


def _store(settings: Settings) -> LeaseStore:
    if "://" in settings.lease_uri:
        from socialnlp_assets.resources.endpoints.s3_store import S3Store

        return S3Store(settings.lease_uri, region=settings.aws_region, endpoint_url=settings.aws_endpoint_url)
    return SqliteStore(Path(settings.lease_uri))


def _backend(settings: Settings) -> tuple[EndpointBackend, SpecOf]:
    if settings.profile is Profile.AWS:
        from socialnlp_assets.resources.endpoints.sagemaker import SageMaker, specification

        sagemaker = SageMaker(region=settings.aws_region, endpoint_url=settings.aws_endpoint_url)
        return sagemaker, lambda model, entry: specification(model, entry, settings)
    backend = LocalProcess(settings.state / "endpoints", settings.lease_seconds + settings.warm_seconds)
    command = [settings.server_python or sys.executable, "-m", "socialnlp_assets.serving"]
    return backend, lambda model, entry: local_spec(model, entry.embedded.path, command, settings.endpoint_prefix)
