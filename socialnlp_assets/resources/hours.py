"""An hour is taken by one run: whoever else would run it, from wherever, waits.

Seen before: a run by hand and one by the sensor of the same hour side by side, each replacing tables that the
other was about to read. A tag that limits concurrency is known to one Dagster instance and only to runs that carry
it; so the lease lies in the lake, which all of them write.

The holder is a run, not a step: its steps share the lease, from however many processes, and renew it while they
work. It outlasts the pause between two steps, and ends with the run, or by itself where the run's process died.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

import dagster as dg
from pydantic import BaseModel, ConfigDict

from socialnlp_assets.partitions import hour_of, key_of
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.leases.heartbeat import Heartbeat
from socialnlp_assets.resources.leases.sqlite import SqliteStore
from socialnlp_assets.resources.leases.store import LeaseStore, Sleep, change

TERM = timedelta(seconds=60)  # of a lease that nobody renews
PATIENCE = timedelta(hours=1)  # of who comes second: longer than an hour's run takes, shorter than Dagster lets it
POLL = 1.0  # seconds
TOLD = timedelta(minutes=1)  # between two lines on whom a run waits for


logger = logging.getLogger(__name__)


class HourTaken(dg.Failure):
    """Another run has the hour, and has not ended in time."""


class HourLost(dg.Failure):
    """Another run took the hour while this one stood still: what this one computed must not be published."""


class HourRecord(BaseModel):
    """Who has an hour of a workflow. Times are the store's clock, UTC."""

    model_config = ConfigDict(frozen=True)

    workflow: str
    hour: datetime
    run: str = ""  # that has it or, once it has expired, had it last; empty where the run has ended
    host: str = ""
    since: datetime | None = None
    expires_at: datetime | None = None

    @property
    def key(self) -> str:
        return f"{self.workflow}-{self.hour:%Y-%m-%dT%H}"

    @property
    def name(self) -> str:
        """As people write it."""
        return f"{self.workflow} {key_of(self.hour)}"

    def is_free(self, run: str, now: datetime) -> bool:
        """Whether `run` may have it: nobody else does."""
        return self.run in ("", run) or self.expires_at is None or self.expires_at <= now

    def holder(self) -> str:
        return f"run {self.run} on {self.host}, since {self.since:%Y-%m-%d %H:%M:%S} UTC"

    # Changes: each is safe to apply twice, because a store may be unable to say whether a write arrived.

    def taken(self, run: str, host: str, now: datetime, term: timedelta) -> HourRecord:
        """`run` has it, if nobody else does."""
        if not self.is_free(run, now):
            return self
        if self.run == run:
            return self.renewed(run, now, term)
        return self.model_copy(update={"run": run, "host": host, "since": now, "expires_at": now + term})

    def renewed(self, run: str, now: datetime, term: timedelta) -> HourRecord:
        """`run` has it for another term, if nobody took it since: expired is not yet lost."""
        return self.model_copy(update={"expires_at": now + term}) if self.run == run else self

    def released(self, run: str) -> HourRecord:
        """Without `run`, whose steps that still work find it lost."""
        return self.model_copy(update={"run": "", "expires_at": None}) if self.run == run else self


class HourLease:
    """A run's hold on an hour, renewed while a step works in it."""

    def __init__(self, store: LeaseStore[HourRecord], record: HourRecord, term: timedelta) -> None:
        self._store = store
        self._record = record
        self._term = term

    def confirm(self) -> None:
        """Hold on for another term: to be called as near to publishing as can be. Raises `HourLost` where another
        run has the hour, or has had it meanwhile."""
        record = self._record
        found = change(self._store, record, lambda current, now: current.renewed(record.run, now, self._term))
        if found.run != record.run:
            by = f"taken by {found.holder()}" if found.run else "given back, as that of a run that has ended"
            raise HourLost(
                f"{record.name} was {by} while this run stood still for over {self._term.total_seconds():g} s. It "
                "publishes nothing; run the hour again when nobody has it, if anything is missing"
            )


def hour_store(lake: Lake) -> LeaseStore[HourRecord]:
    """The leases of a lake's hours, in the lake itself: installations that share it exclude each other."""
    if lake.folder:
        return SqliteStore(lake.folder / "leases" / "hours.db", HourRecord)
    from socialnlp_assets.resources.leases.s3 import S3Store

    uri = f"{lake.uri.rstrip('/')}/leases/hours"
    return S3Store(uri, HourRecord, region=lake.region or None, endpoint_url=lake.endpoint_url or None)


def take(
    store: LeaseStore[HourRecord],
    workflow: str,
    hour: datetime,
    run: str,
    *,
    is_over: Callable[[str], bool] = lambda _: False,
    told: Callable[[str], None] = logger.info,
    term: timedelta = TERM,
    patience: timedelta = PATIENCE,
    sleep: Sleep = time.sleep,
) -> HourLease:
    """Take an hour for `run`, or wait until whoever has it is done: given back, expired, or `is_over` says so of
    its run. Raises `HourTaken` where that takes longer than `patience`."""
    first, host = HourRecord(workflow=workflow, hour=hour), socket.gethostname()
    asked = store.now()
    told_at: datetime | None = None
    while True:
        record = change(store, first, lambda current, now: current.taken(run, host, now, term), sleep)
        if record.run == run:
            return HourLease(store, record, term)
        holder, now = record.run, store.now()
        if is_over(holder):
            change(store, first, lambda current, _: current.released(holder), sleep)  # noqa: B023
            continue
        if now - asked >= patience:
            raise HourTaken(
                f"{first.name} is taken by {record.holder()}; this run has waited for "
                f"{patience.total_seconds() / 60:g} minutes. Let that run end, or cancel it, then run the hour again"
            )
        if told_at is None or now - told_at >= TOLD:
            told(f"{first.name} is taken by {record.holder()}: waiting for it")
            told_at = now
        sleep(POLL)


def holder(
    store: LeaseStore[HourRecord], workflow: str, hour: datetime, is_over: Callable[[str], bool]
) -> HourRecord | None:
    """Who has an hour now; None where nobody does."""
    entry = store.read(HourRecord(workflow=workflow, hour=hour).key)
    free = entry is None or entry.record.is_free("", store.now()) or is_over(entry.record.run)
    return None if entry is None or free else entry.record


@contextmanager
def hour_lease(context: dg.AssetExecutionContext, lake: Lake, workflow: str) -> Iterator[HourLease]:
    """The hour of `context`'s partition, for as long as a step works in it; it stays with the run afterwards.

    >>> with hour_lease(context, lake, "sprinklr") as lease:
    ...     table = compute()
    ...     lease.confirm()
    ...     publish(table)
    """
    lease = take(
        hour_store(lake),
        workflow,
        hour_of(context.partition_key),
        context.run.run_id,
        is_over=partial(has_ended, context.instance),
        told=context.log.info,
    )
    heartbeat = Heartbeat(lease.confirm, TERM / 4)
    heartbeat.start()
    try:
        yield lease
    finally:
        heartbeat.stop()


def has_ended(instance: dg.DagsterInstance, run: str) -> bool:
    """Whether this instance knows that `run` has ended; another installation's run it does not know."""
    found = instance.get_run_by_id(run)
    return found is not None and found.is_finished


def release_hour(lake: Lake, run: dg.DagsterRun) -> None:
    """Give back what a run that has ended had: at once, where its lease would have kept others waiting."""
    if not (key := run.tags.get("dagster/partition")):
        return
    workflows = {asset.path[0] for asset in run.asset_selection or ()} or {run.job_name}
    store = hour_store(lake)
    for workflow in sorted(workflows):
        first = HourRecord(workflow=workflow, hour=hour_of(key))
        change(store, first, lambda current, _: current.released(run.run_id))
