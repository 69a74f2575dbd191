"""What an endpoint is to the rest of the platform: the backend contract, its values and its errors.

Nothing here talks to anything. Leases and the reaper drive a backend through `EndpointBackend`;
`LocalProcess` and `SageMaker` implement it; the predictor turns the errors below into retries,
bisections or failures.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class Status(StrEnum):
    """The nine statuses of a SageMaker endpoint, spelled as AWS spells them, and one for those that it may invent."""

    CREATING = "Creating"
    UPDATING = "Updating"
    SYSTEM_UPDATING = "SystemUpdating"
    ROLLING_BACK = "RollingBack"
    IN_SERVICE = "InService"
    OUT_OF_SERVICE = "OutOfService"
    DELETING = "Deleting"
    FAILED = "Failed"
    UPDATE_ROLLBACK_FAILED = "UpdateRollbackFailed"
    UNKNOWN = "Unknown"  # neither there nor broken, as far as we know: the reason says what the backend called it


BROKEN = (Status.FAILED, Status.OUT_OF_SERVICE, Status.UPDATE_ROLLBACK_FAILED)  # what never comes back by itself


# What one request may carry, by kind of endpoint.
MAX_BODY_BYTES: Mapping[str, int] = {
    "process": 6 * 1024**2,
    "realtime": 6 * 1024**2,
    "serverless": 4 * 1024**2,
}


@dataclass(frozen=True)
class EndpointSpec:
    """What to create: immutable, so that its hash can stand in the endpoint's name."""

    model: str  # logical name, such as "translator"
    kind: str  # "process" | "realtime" | "serverless"
    config: Mapping[str, Any] = field(default_factory=dict)  # all that decides what would be created
    config_hash: str = ""  # short hash of kind, config and lease store
    prefix: str = "nlp"  # first part of the name

    @classmethod
    def of(cls, model: str, kind: str, config: Mapping[str, Any], store: str, prefix: str) -> EndpointSpec:
        """The one whose leases are kept in `store`: no two stores ever mean the same endpoint by a name."""
        digest = hashlib.sha256(json.dumps([kind, config, store], sort_keys=True).encode()).hexdigest()
        return cls(model, kind, config, digest[:8], prefix)

    @property
    def key(self) -> str:
        """Names the logical endpoint: what its record is kept under."""
        return f"{self.prefix}-{self.model}-{self.config_hash}"

    def endpoint_name(self, epoch: int) -> str:
        """The name of this endpoint's `epoch`-th life, such as ``nlp-translator-1f2e3d4c-e7``."""
        return f"{self.key}-e{epoch}"


@dataclass(frozen=True)
class Description:
    """What the backend says of one endpoint now."""

    name: str
    status: Status
    reason: str = ""  # FailureReason, where there is one
    created_at: datetime | None = None  # UTC
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """The answer to one invocation."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)  # lower-case names


class EndpointBackend(Protocol):
    """Creates, watches, invokes and deletes endpoints. Every method is safe to call from several threads."""

    def create(self, name: str, spec: EndpointSpec, tags: Mapping[str, str]) -> None:
        """Ask for an endpoint; returns before it is in service. Raises `AlreadyExists`, `NoCapacity`,
        `Throttled` or `BackendError`."""

    def describe(self, name: str) -> Description | None:
        """What the endpoint is now; None only when the backend says that there is none. Changes nothing."""

    def scale(self, name: str, spec: EndpointSpec) -> None:
        """Let an endpoint that is in service grow with its load, as `spec` says. That this fails is only logged:
        it serves without."""

    def delete(self, name: str) -> None:
        """Ask for its removal; `EndpointBusy` while it is being created, `EndpointGone` if there is none."""

    def list(self, prefix: str) -> list[Description]:
        """Every endpoint whose name starts with `prefix`, tags included."""

    def invoke(self, name: str, body: bytes, *, target: str | None = None) -> Reply:
        """One POST to the model. Raises a subclass of `InvocationError`."""

    def remnants(self, prefix: str) -> Collection[str]:
        """Names, of that prefix, of which something is left though no endpoint of that name may be there."""

    def clear(self, name: str) -> None:
        """Remove what is left of an endpoint that is gone. That this fails is only logged: it costs nothing."""

    def touch(self, name: str) -> None:
        """Tell the endpoint that somebody still holds it (a local server ends itself when nobody does)."""


# Reasons of a failed creation that speak of what ran there: SageMaker's, and ours of a local server. All others (no
# capacity, no such image, no right to read the files, the service itself) may hit any version.
OF_MODEL = re.compile(r"did not pass the ping health check|the server has ended")


class EndpointError(Exception):
    """Anything that goes wrong with an endpoint. The message says what to do."""

    @property
    def is_of_model(self) -> bool:
        """Whether the model that ran there has failed, so that another version might not."""
        return False


class BackendError(EndpointError):
    """The control plane refused, and a retry would not help."""


class AlreadyExists(EndpointError):
    """Create: an endpoint of this name is there already."""


class EndpointBusy(EndpointError):
    """Delete or update: the endpoint is between two states; ask again later."""


class NoCapacity(EndpointError):
    """The account's limit is reached (synchronous) or the zone has no such instance (later, as Failed)."""


class EndpointFailed(EndpointError):
    """The endpoint reached Failed, or did not reach InService before its deadline."""

    @property
    def is_of_model(self) -> bool:
        return bool(OF_MODEL.search(str(self)))


class RolledBack(EndpointError):
    """A new version of the model has failed, and the one before is in service again: the next run takes it."""


class Throttled(EndpointError):
    """Too many requests; ask again after a pause."""


class InvocationError(EndpointError):
    """One invocation did not succeed."""


class EndpointGone(InvocationError):
    """There is no such endpoint (any more)."""


class NotReady(InvocationError):
    """The model cannot take the request now (429, 503, throttling, the 400 with a null message): retry."""


class InvocationTimeout(InvocationError):
    """No answer in time. The model may have run; predictions have no side effects, so a retry is safe."""


class ModelFailed(InvocationError):
    """The model's container answered with an error (424 on SageMaker): bisect to find the row."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status  # what the container answered: 400, 413, 500 …


class PayloadTooLarge(InvocationError):
    """The body is over the limit of this kind of endpoint."""
