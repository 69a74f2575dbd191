"""`Endpoints`: what assets ask for. Leases by logical name, announcements, and the reaper."""

from __future__ import annotations

import json
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

import dagster as dg
from pydantic import Field, PrivateAttr

from socialnlp_assets.models.catalogue import Catalogue, EmbeddedModel, ModelEntry, load_catalogue
from socialnlp_assets.resources.endpoints import reaper
from socialnlp_assets.resources.endpoints.announcements import Announcement
from socialnlp_assets.resources.endpoints.backend import (
    EndpointBackend,
    EndpointError,
    EndpointSpec,
    RolledBack,
    Throttled,
)
from socialnlp_assets.resources.endpoints.leases import Lease, LeaseManager
from socialnlp_assets.resources.endpoints.metering import Meter, PriceTable, Usage, load_prices
from socialnlp_assets.resources.endpoints.predictor import Predictor
from socialnlp_assets.resources.endpoints.reaper import Removal
from socialnlp_assets.resources.endpoints.records import Record, State
from socialnlp_assets.resources.endpoints.terms import Owner, Terms
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.leases.sqlite import SqliteStore
from socialnlp_assets.resources.leases.store import LeaseStore
from socialnlp_assets.resources.registry.registry import LakeRegistry
from socialnlp_assets.resources.registry.versions import SHIPPED, Made, Version, label

logger = logging.getLogger(__name__)

NONE: Mapping[str, str] = MappingProxyType({})
MOST_TOLD = 300  # characters of a failure
ANNOUNCING_SECONDS = 30.0  # how long a process that ends waits until it has asked for what it announced


class Endpoints(dg.ConfigurableResource[None], ABC):
    """The models' endpoints: created when first needed, shared, kept as long as somebody holds them.

    >>> with endpoints.lease("translator") as translator:
    ...     english = translator.predict(texts, src_lang=languages)

    Nothing is opened, started or asked before the first use. In a run, leases carry its name and are over at its end;
    elsewhere, use it as a context manager.
    """

    prefix: str = Field(default="nlp", description="first part of every endpoint's name")
    leases: str = Field(default="", description="lease store: a path (SQLite) or s3://bucket/prefix")
    lease_seconds: float = Field(default=60, description="how long a lease lives without a heartbeat")
    warm_seconds: float = Field(default=60, description="how long an endpoint outlives its last holder")
    lifetime_seconds: float = Field(default=6 * 3600, description="no endpoint outlives this age")
    models: str = Field(default="", description="folder of catalogue files beside the built-in one")
    shapes: dict[str, str] = Field(default={}, description="endpoints other than the catalogue's, by model")
    lake: str = Field(default="", description="lake whose registry says which version is in service; empty: as shipped")
    prices: str = Field(default="", description="another price table for metering; see prices.yaml")
    region: str = Field(default="", description="AWS region; empty: as AWS's own tools find it")
    endpoint_url: str = Field(default="", description="another address for all of AWS, for tests")

    _owner: Owner = PrivateAttr(default=Owner())
    _instance: dg.DagsterInstance | None = PrivateAttr(default=None)
    _as_of: datetime | None = PrivateAttr(default=None)
    _versions: dict[str, Version | None] = PrivateAttr(default_factory=dict)
    _opened: LeaseManager | None = PrivateAttr(default=None)
    _opening: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    _announcers: list[threading.Thread] = PrivateAttr(default_factory=list)
    _announced: dict[str, list[Announcement]] = PrivateAttr(default_factory=dict)
    _asked: dict[str, str] = PrivateAttr(default_factory=dict)
    _usage: list[Usage] = PrivateAttr(default_factory=list)

    def engine(self, model: str) -> str:
        """The name of the engine that answers for `model`."""
        settings = self.folder(model, self._entry(model)) / "model.json"
        return str(json.loads(settings.read_text(encoding="utf-8"))["engine"])

    def folder(self, model: str, entry: ModelEntry) -> Path:  # noqa: ARG002
        """The embedded folder of `model`, on this machine."""
        return entry.embedded.path

    @abstractmethod
    def specification(self, model: str, entry: ModelEntry) -> EndpointSpec:
        """What the endpoint of a model is to be: all that decides its content is in it. Raises `EndpointError`
        where it cannot be said."""

    @abstractmethod
    def _open(self) -> LeaseManager:
        """The store and the backend of this installation, opened."""

    # The life of the resource

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        if context.run:
            self._owner = Owner(context.run.run_id, context.run.job_name)
            self._instance = context.instance

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Wait for nothing any more. Endpoints stay as long as they are held, announced or warm."""
        if self._opened:
            self._opened.close()
        for announcer in self._announcers:
            announcer.join(timeout=ANNOUNCING_SECONDS)  # what was announced is asked for, if only once

    @property
    def manager(self) -> LeaseManager:
        """What leases are made of, opened by its first use."""
        with self._opening:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def _managing(self, store: str, backend: EndpointBackend) -> LeaseManager:
        terms = Terms(
            lease=timedelta(seconds=self.lease_seconds),
            warm=timedelta(seconds=self.warm_seconds),
            lifetime=timedelta(seconds=self.lifetime_seconds),
        )
        return LeaseManager(self._store(store), backend, terms, self._owner)

    def _store(self, address: str) -> LeaseStore[Record]:
        if "://" not in address:
            return SqliteStore(Path(address), Record)
        from socialnlp_assets.resources.leases.s3 import S3Store

        return S3Store(address, Record, region=self.region or None, endpoint_url=self.endpoint_url or None)

    # For steps

    @contextmanager
    def lease(
        self, model: str, *, step: str = "", version: Made | None = None, shapes: Mapping[str, str] = NONE
    ) -> Iterator[Predictor]:
        """Hold the endpoint of `model`, created if need be, and predict with it: with the version in service, or with
        another, such as one that is to be measured. `shapes` are those of a workflow, by model: an endpoint of
        another shape is another endpoint.

        Raises KeyError for a model that the catalogue lacks, `EndpointFailed` where the endpoint does not come into
        service, and `RolledBack` where that, or what it answers, is the fault of a new version.
        """
        entry, spec = self.catalogue[model], self.spec(model, version, shapes)
        meter = Meter(model, step or self._owner.run, self.price_table.price(spec))
        lease = Lease(self.manager, spec, step, meter)

        def failed(error: EndpointError) -> None:
            if version is None and error.is_of_model:
                self._roll_back(model, error)

        try:
            lease.enter()
        except EndpointError as error:
            failed(error)
            raise
        if version is None:  # another version makes no rows, and was not announced
            self._asked[model] = self._label(model, spec)
            for announcement in self._announced.pop(model, []):
                announcement.withdraw()  # the lease has taken its place: it must not come back when that is released
        try:
            yield Predictor(entry, lease.invoke, meter, kind=spec.kind, regain=lease.regain, failed=failed)
        finally:
            lease.release()
            self._usage.append(meter.usage)

    def warm(self, models: Iterable[str], shapes: Mapping[str, str] = NONE) -> None:
        """Announce models that the run will need: their endpoints are created side by side while others work.
        Returns at once. An announcement is on record and outlives this process: it ends with the run's first
        lease on its model, with `release_run`, or when no creation takes longer."""
        announcements = {model: Announcement(self.manager, self.spec(model, shapes=shapes)) for model in models}
        if not announcements:
            return
        for model, announcement in announcements.items():
            self._announced.setdefault(model, []).append(announcement)
        # One thread for all: asking for an endpoint takes a second at most, what takes minutes is its creation.
        announcer = threading.Thread(target=self._announce, args=(announcements,), name="warm-endpoints", daemon=True)
        self._announcers.append(announcer)
        announcer.start()

    def spec(self, model: str, version: Made | None = None, shapes: Mapping[str, str] = NONE) -> EndpointSpec:
        """Of the endpoint that serves `model`: its own, or that of the model that it shares one with."""
        host = self.catalogue.endpoint_of(model)
        return self.specification(host, self._entry(host, version, shapes))

    def _entry(self, model: str, version: Made | None = None, shapes: Mapping[str, str] = NONE) -> ModelEntry:
        """The catalogue's entry, of the shape that the environment says, else `shapes`, with the files of the version
        that is to serve in place of the shipped ones."""
        entry, serving = self._shaped(shapes)[model], version
        if serving is None:
            found = self.version(model)
            serving = found.made if found else None
        if serving is None:
            return entry
        files = EmbeddedModel(model=self._lake.address(serving.folder))
        aws = entry.aws.model_copy(update={"archive": serving.archive, "archive_sha256": serving.archive_sha256})
        return entry.model_copy(update={"embedded": files, "aws": aws})

    # Versions

    def version(self, model: str) -> Version | None:
        """The version in service of `model`; None where that is the shipped one. A run sees it as it was when the run
        began, from whichever process asks: an hour ends on the version that it began with."""
        host = self.catalogue.endpoint_of(model)
        if not self.lake:
            return None
        moment = self._moment()
        if moment is None:
            return self.registry.history(host).in_service()
        if host not in self._versions:
            self._versions[host] = self.registry.history(host).in_service(moment)
        return self._versions[host]

    def candidate(self, model: str) -> Version | None:
        """The version of `model` in canary, as of the beginning of the run."""
        if not self.lake or not (training := self.catalogue[model].training) or not training.canary:
            return None
        return self.registry.history(model).in_canary(self._moment())

    def _roll_back(self, model: str, error: EndpointError) -> None:
        """Bring back the version before, where the one that failed is new; raises `RolledBack` then. This run ends on
        the version that it began with, so it fails; its second try takes the one that came back."""
        host, failed = self.catalogue.endpoint_of(model), self.version(model)
        if failed is None:
            return
        why = f"the endpoint of version {failed.number} failed: {' '.join(str(error).split())[:MOST_TOLD]}"
        back = self.registry.withdraw(host, failed.number, why)
        if back is not None:
            told = f"version {back} of {host} is in service again from the next run on, for {why}"
            logger.warning(told)
            raise RolledBack(told) from error

    def begin(self, at: datetime) -> None:
        """See versions as they were at that moment, from now on; in a Dagster run that is its beginning."""
        self._as_of = at

    def _moment(self) -> datetime | None:
        if self._as_of is None and self._instance is not None:
            record = self._instance.get_run_record_by_id(self._owner.run)
            if record and record.start_time:
                self.begin(datetime.fromtimestamp(record.start_time, UTC))
        return self._as_of

    def version_label(self, model: str) -> str:
        """What rows that `model` makes are marked with: number and digest of its version, such as ``3@1f2e3d4c``."""
        return self._label(model, self.spec(model))

    def _label(self, model: str, spec: EndpointSpec) -> str:
        found = self.version(model)
        return found.label if found else label(SHIPPED, str(spec.config.get("model", "")))

    @property
    def asked(self) -> Mapping[str, str]:
        """The versions of the models that were leased so far."""
        return self._asked

    @property
    def registry(self) -> LakeRegistry:
        """Where the versions of all models are on record."""
        return LakeRegistry(self._lake)

    @property
    def _lake(self) -> Lake:
        return Lake(uri=self.lake, region=self.region, endpoint_url=self.endpoint_url)

    def _announce(self, announcements: dict[str, Announcement]) -> None:
        """Ask for all of them, and watch them until they are in service or this process has no more time."""
        poll = max(announcement.poll for announcement in announcements.values())
        while announcements := {model: each for model, each in announcements.items() if not _is_settled(model, each)}:
            try:
                self.manager.pause(poll.total_seconds())
            except EndpointError:
                return  # whoever leases them goes on from here

    @property
    def usage(self) -> list[Usage]:
        """What every lease that was given back has used."""
        return self._usage

    # For those who watch over them

    @property
    def catalogue(self) -> Catalogue:
        """The models that may be leased."""
        return self._shaped(NONE)

    def _shaped(self, shapes: Mapping[str, str]) -> Catalogue:
        found = load_catalogue(Path(self.models).expanduser() if self.models else None)
        return found.shaped(shapes).shaped(self.shapes)

    @property
    def price_table(self) -> PriceTable:
        return load_prices(Path(self.prices) if self.prices else None)

    def records(self) -> list[Record]:
        """The records of all endpoints that exist or are coming or going."""
        return [record for record in self.manager.store.records() if record.state is not State.ABSENT]

    def now(self) -> datetime:
        """The time by which leases expire: the store's clock."""
        return self.manager.store.now()

    def reap(self) -> list[Removal]:
        """Remove what nobody holds or keeps warm, what is past its deadline, and what no record knows."""
        return reaper.reap(self.manager.store, self.manager.backend, self.prefix)

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
        sleep = self.manager.sleep or time.sleep
        reaper.stop(self.manager.store, self.manager.backend, record, force=force, sleep=sleep)

    def release_run(self, run: str) -> None:
        """Release whatever a run that has ended still holds or has announced."""
        for record in self.records():
            reaper.abandon(self.manager.store, record, run)


def _is_settled(model: str, announcement: Announcement) -> bool:
    try:
        return announcement.advance()
    except Throttled:
        return False
    except Exception as error:  # whoever leases the model will be told the same
        logger.warning("%s could not be announced: %s", model, error)
        return True
