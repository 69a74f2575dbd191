"""What an error of SageMaker means: by message and code together.

All conflicts of names and states are `ValidationException`, and only the message tells them apart. The
runtime says `ValidationError`, and packs what the model's container said into a `ModelError`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from socialnlp_assets.resources.endpoints.backend import (
    AlreadyExists,
    BackendError,
    EndpointBusy,
    EndpointError,
    EndpointGone,
    InvocationError,
    InvocationTimeout,
    ModelFailed,
    NoCapacity,
    NotReady,
    PayloadTooLarge,
    Throttled,
)
from socialnlp_assets.resources.endpoints.server_errors import server_error

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

# By kind: CreateModel also says "Could not find model data at s3://…".
GONE = re.compile(
    r'Could not find (endpoint|endpoint configuration|model) "|Endpoint \S+ of account \d+ not found|'
    "No scalable target found|Requested resource not found|"  # a training job
    r"(ModelPackage|ModelPackageGroup) \S+ does not exist"
)
THROTTLING = {"Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException"}
THROTTLING |= {"RequestLimitExceeded", "RequestThrottled", "SlowDown", "ConcurrentUpdateException"}
TOO_LARGE = re.compile(r"length less than or equal to|payload.*(size|large)|exceeded.*limit", re.IGNORECASE)
TIMED_OUT = re.compile(r"timed out while waiting", re.IGNORECASE)
# The container died of this batch, so SageMaker's status says nothing; a smaller one may pass.
DIED = re.compile(r"out of memory|OutOfMemory|worker died|cannot allocate|connection reset", re.IGNORECASE)


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Around calls of the control plane: raises our errors for AWS's."""
    from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

    try:
        yield
    except ClientError as error:
        raise control_error(what, error) from error
    except (ConnectionError, HTTPClientError) as error:
        # The request may have arrived; every call may be made again.
        raise Throttled(f"no answer when trying to {what}: {error}") from error
    except BotoCoreError as error:  # credentials, region, parameters
        raise BackendError(f"could not {what}: {error}") from error


@contextmanager
def invoking(name: str) -> Iterator[None]:
    """Around invocations of an endpoint: raises a subclass of `InvocationError`."""
    from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError, ReadTimeoutError

    try:
        yield
    except ClientError as error:
        raise runtime_error(name, error) from error
    except ReadTimeoutError as error:
        raise InvocationTimeout(f"{name} did not answer in time: {error}") from error
    except (ConnectionError, HTTPClientError) as error:
        raise NotReady(f"{name} cannot be reached: {error}") from error
    except BotoCoreError as error:
        raise InvocationError(f"{name} cannot be invoked: {error}") from error


def control_error(what: str, error: ClientError) -> EndpointError:
    """The error of ours that a control plane's `ClientError` means."""
    code, message, status = _parts(error)
    problem = f"could not {what}: {message or 'no reason given'} ({code or status})"
    if _is_throttling(code, message, status):
        return Throttled(problem)
    if code == "ResourceLimitExceeded":
        return NoCapacity(f"{problem}. Ask AWS for a higher quota, or end other endpoints")
    if code == "ObjectNotFoundException" or GONE.search(message):
        return EndpointGone(problem)
    if code == "ResourceInUse" or "Cannot create already existing" in message or "already exists" in message:
        return AlreadyExists(problem)
    if "Cannot update in-progress endpoint" in message:
        return EndpointBusy(problem)
    if code.startswith("AccessDenied"):
        return BackendError(f"{problem}. Grant that action to the role that runs this")
    return BackendError(problem)


def runtime_error(name: str, error: ClientError) -> InvocationError:
    """The error of ours that a runtime's `ClientError` means."""
    code, message, status = _parts(error)
    problem = f"{name}: {message or 'no reason given'} ({code or status})"
    if code == "ModelError":
        return _model_error(name, error, problem)
    if GONE.search(message):
        return EndpointGone(problem)
    if _is_throttling(code, message, status):  # before sizes: its messages speak of exceeded limits too
        return NotReady(problem)
    if status == 413 or (status == 400 and TOO_LARGE.search(message)):
        return PayloadTooLarge(problem)
    return InvocationError(problem)


def _model_error(name: str, error: ClientError, problem: str) -> InvocationError:
    status = int(error.response.get("OriginalStatusCode") or 0)
    said = str(error.response.get("OriginalMessage") or "")
    if TIMED_OUT.search(problem) or TIMED_OUT.search(said):
        return InvocationTimeout(problem)
    if DIED.search(problem) or DIED.search(said) or status == 0:
        return ModelFailed(problem, status=500)
    found = server_error(status, said.encode())
    found.args = (f"{name}: {found}",)
    return found


def _parts(error: ClientError) -> tuple[str, str, int]:
    details = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return str(details.get("Code") or ""), str(details.get("Message") or ""), status


def _is_throttling(code: str, message: str, status: int) -> bool:
    # A 400 without a message is throttling too: a gateway in front of the service sends it.
    return code in THROTTLING or status == 429 or status >= 500 or (status == 400 and not message)
