"""How long things last, and for whom: the settings of leases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Terms:
    """How long things last: a lease without a heartbeat, an endpoint without holders, any endpoint."""

    lease: timedelta = timedelta(seconds=60)
    warm: timedelta = timedelta(seconds=60)
    lifetime: timedelta = timedelta(hours=6)


@dataclass(frozen=True)
class Owner:
    """For whom leases are taken; goes into records and tags."""

    run: str = ""
    workflow: str = ""


@dataclass(frozen=True)
class Patience:
    """How often a creation is looked at, and for how long."""

    poll: timedelta
    creation: timedelta


PATIENCE: Mapping[str, Patience] = {  # by kind of endpoint
    "process": Patience(timedelta(seconds=0.05), timedelta(minutes=3)),
    "realtime": Patience(timedelta(seconds=5), timedelta(minutes=30)),
    "serverless": Patience(timedelta(seconds=5), timedelta(minutes=15)),
}
