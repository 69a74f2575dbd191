"""`Endpoints`: what assets ask for. Leases by logical name, announcements, and the reaper."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from socialnlp_assets.files import private_folder
from socialnlp_assets.models.catalogue import Catalogue, ModelEntry, load_catalogue
from socialnlp_assets.resources.endpoints import reaper
from socialnlp_assets.resources.endpoints.local import LocalProcess, local_spec
from socialnlp_assets.resources.endpoints.manager import PATIENCE, Announcement, LeaseManager, Owner, Terms
from socialnlp_assets.resources.endpoints.metering import Meter, PriceTable, Usage, load_prices
from socialnlp_assets.resources.endpoints.predictor import Predictor
from socialnlp_assets.resources.endpoints.protocol import EndpointBackend, EndpointError, EndpointSpec, Throttled
from socialnlp_assets.resources.endpoints.reaper import Removal
from socialnlp_assets.resources.endpoints.records import Record, State
from socialnlp_assets.resources.leases.sqlite import SqliteStore
from socialnlp_assets.resources.leases.store import LeaseStore
from socialnlp_assets.settings import Profile, Settings

logger = logging.getLogger(__name__)

ANNOUNCING_SECONDS = 30.0  # how long a process that ends waits until it has asked for what it announced

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
        self._announcers: list[threading.Thread] = []
        self._announced: defaultdict[str, list[Announcement]] = defaultdict(list)
        self.usage: list[Usage] = []  # of every lease that was given back

    @contextmanager
    def lease(self, model: str, *, step: str = "") -> Iterator[Predictor]:
        """Hold the endpoint of `model`, created if need be, and predict with it.

        Raises KeyError for a model that the catalogue lacks and `EndpointFailed` where the endpoint does
        not come into service.
        """
        entry, spec = self._catalogue[model], self._spec(model)
        meter = Meter(model, step or self._manager.owner.run, self.prices.price(spec))
        lease = self._manager.acquire(spec, step, meter.held)
        for announcement in self._announced.pop(model, []):
            announcement.release()  # the lease has taken its place: it must not come back when that is released
        try:
            yield Predictor(entry, lease.invoke, meter, kind=spec.kind, regain=lease.regain)
        finally:
            lease.release()
            self.usage.append(meter.usage)

    def warm(self, models: Iterable[str]) -> None:
        """Announce models that the run will need: their endpoints are created side by side while others work.
        Returns at once. An announcement is on record and outlives this process: it ends with the run's first
        lease on its model, with `release_run`, or when no creation takes longer."""
        announcements = {model: self._manager.announce(self._spec(model)) for model in models}
        if not announcements:
            return
        for model, announcement in announcements.items():
            self._announced[model].append(announcement)
        # One thread for all: asking for an endpoint takes a second at most, what takes minutes is its creation.
        announcer = threading.Thread(target=self._announce, args=(announcements,), name="warm-endpoints", daemon=True)
        self._announcers.append(announcer)
        announcer.start()

    def _spec(self, model: str) -> EndpointSpec:
        host = self._catalogue.endpoint_of(model)
        return self._spec_of(host, self._catalogue[host])

    def _announce(self, announcements: dict[str, Announcement]) -> None:
        """Ask for all of them, and watch them until they are in service or this process has no more time."""
        poll = max(PATIENCE[announcement.kind].poll for announcement in announcements.values())
        while announcements := {model: each for model, each in announcements.items() if not _is_settled(model, each)}:
            try:
                self._manager.pause(poll.total_seconds())
            except EndpointError:
                return  # whoever leases them goes on from here

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
        """Release whatever a run that has ended still holds or has announced."""
        for record in self.records():
            reaper.abandon(self._manager.store, record, run)

    def close(self) -> None:
        """Wait for nothing any more. Endpoints stay as long as they are held, announced or warm."""
        self._manager.close()
        for announcer in self._announcers:
            announcer.join(timeout=ANNOUNCING_SECONDS)  # what was announced is asked for, if only once

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _is_settled(model: str, announcement: Announcement) -> bool:
    try:
        return announcement.look()
    except Throttled:
        return False
    except Exception as error:  # whoever leases the model will be told the same
        logger.warning("%s could not be announced: %s", model, error)
        return True


def build_endpoints(settings: Settings, *, run: str = "", workflow: str = "") -> Endpoints:
    """The endpoints that `settings` describe; nothing is started or asked before the first lease."""
    terms = Terms(
        lease=timedelta(seconds=settings.lease_seconds),
        warm=timedelta(seconds=settings.seconds_warm),
        lifetime=timedelta(seconds=settings.deadline_seconds),
    )
    store = _store(settings)
    backend, spec_of = _backend(settings, store.name)
    manager = LeaseManager(store, backend, terms, Owner(run, workflow))
    return Endpoints(manager, spec_of, load_catalogue(), settings.endpoint_prefix, load_prices(settings.prices))


def _store(settings: Settings) -> LeaseStore[Record]:
    if "://" in settings.lease_uri:
        from socialnlp_assets.resources.leases.s3 import S3Store

        return S3Store(settings.lease_uri, Record, region=settings.aws_region, endpoint_url=settings.aws_endpoint_url)
    if settings.profile is Profile.AWS:
        raise ValueError(
            f"leases at {settings.lease_uri} serve one machine, and endpoints on SageMaker are used by many; "
            "set SOCIALNLP_LEASES to s3://bucket/prefix"
        )
    return SqliteStore(Path(settings.lease_uri), Record)


def _backend(settings: Settings, store: str) -> tuple[EndpointBackend, SpecOf]:
    if settings.profile is Profile.AWS:
        from socialnlp_assets.resources.endpoints.sagemaker import SageMaker, specification

        if settings.endpoint_image and "@sha256:" not in settings.endpoint_image:
            logger.warning(
                "SOCIALNLP_ENDPOINT_IMAGE=%s names a tag, which may be moved to another image while endpoints are "
                "warm: name the image by its digest, …@sha256:…",
                settings.endpoint_image,
            )

        sagemaker = SageMaker(region=settings.aws_region, endpoint_url=settings.aws_endpoint_url)
        return sagemaker, lambda model, entry: specification(model, entry, settings, store)
    # Nobody asks anything of a server that is only announced.
    unasked = max(settings.lease_seconds, PATIENCE["process"].creation.total_seconds())
    backend = LocalProcess(private_folder(settings.state) / "endpoints", unasked + settings.seconds_warm)
    command = [settings.server_python or sys.executable, "-m", "socialnlp_assets.serving"]
    prefix = settings.endpoint_prefix
    return backend, lambda model, entry: local_spec(model, entry.embedded.path, command, store, prefix)
