"""Errors and failure reasons of SageMaker, in AWS's own words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ACCOUNT, REGION = "123456789012", "eu-west-1"


@dataclass
class AwsError(Exception):
    """An error as AWS sends it; `fields` are further members of its body."""

    code: str
    message: str | None
    status: int = 400
    fields: dict[str, Any] = field(default_factory=dict)


# Failure reasons
CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)
PING = (
    "The primary container for production variant AllTraffic did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)
IMAGE = (
    "The image '123456789012.dkr.ecr.eu-west-1.amazonaws.com/nlp:none' for the primary container "
    "for production variant AllTraffic does not exist."
)


def throttling() -> AwsError:
    return AwsError("ThrottlingException", "Rate exceeded")


def null_message() -> AwsError:
    return AwsError("", None)


def not_ready() -> AwsError:
    return AwsError("ModelNotReadyException", "Model is not ready for inference; wait and try again.", 429)


def model_error(status: int, message: str) -> AwsError:
    """What the runtime makes of a container's error; status 0: it gave none."""
    log = f"https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}"
    side = "client" if 400 <= status < 500 else "server"
    text = f'Received {side} error ({status}) from primary with message "{message}". '
    text += f"See {log} in account {ACCOUNT} for more information."
    return AwsError("ModelError", text, 424, {"OriginalStatusCode": status, "OriginalMessage": message})


TIMED_OUT = model_error(
    0,
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics "
    "for each container in Amazon CloudWatch, resolve the issue, and try again.",
)
