"""What a model server's HTTP answer means, whether it came straight or through SageMaker."""

from __future__ import annotations

import json

from socialnlp_assets.resources.endpoints.backend import InvocationError, ModelFailed, NotReady, PayloadTooLarge


def server_error(status: int, body: bytes) -> InvocationError:
    """The error behind an answer that is not 200. Its message is the server's own, where it gave one."""
    message = f"the model server answered {status}: {server_message(body)}"
    if status in (429, 503):
        return NotReady(message)
    if status == 413:
        return PayloadTooLarge(message)
    return ModelFailed(message, status=status)


def server_message(body: bytes) -> str:
    """`message` of ``{"code", "type", "message"}``, else the start of whatever came."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body[:500].decode(errors="replace") or "no message"
