"""Every error as a reply: `{"code", "type", "message"}`, 4xx for the caller's fault, 5xx for ours."""

from __future__ import annotations

import logging
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from socialnlp_assets.serving.repository import ModelFailed
from socialnlp_assets.serving.worker import Abandoned, Busy
from socialnlp_assets.tasks import BadInput

log = logging.getLogger(__name__)

TYPES = {
    400: "BadInput",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    408: "TooSlow",
    409: "AlreadyLoaded",
    413: "TooLarge",
    415: "UnsupportedContentType",
    429: "Busy",
    500: "ModelFailed",
    503: "NotReady",
    507: "OutOfMemory",
}


def reply(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    body = {"code": status, "type": TYPES[status], "message": message}
    return JSONResponse(body, status_code=status, headers=headers)


async def _bad_input(_: Request, error: BadInput) -> Response:
    # After 408 the rest of the body may still come: nothing else can be asked on that connection.
    return reply(error.status, str(error), {"Connection": "close"} if error.status == 408 else None)


async def _busy(_: Request, error: Busy) -> Response:
    return reply(429, str(error), {"Retry-After": "1"})


async def _model_failed(_: Request, error: ModelFailed) -> Response:
    return reply(500, str(error))


async def _http_error(request: Request, error: HTTPException) -> Response:
    if error.status_code == 405:
        return reply(405, f"{request.url.path} does not take {request.method}", dict(error.headers or {}))
    if error.status_code == 404 and error.detail == "Not Found":  # the router's own
        return reply(404, f"there is nothing at {request.url.path}; see /openapi.json")
    return reply(error.status_code, error.detail)


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=499)  # nobody reads it


async def _internal_error(_: Request, error: Exception) -> Response:
    return reply(500, f"the server failed: {type(error).__name__}: {error}")


HANDLERS: dict[Any, Any] = {
    BadInput: _bad_input,
    Busy: _busy,
    ModelFailed: _model_failed,
    HTTPException: _http_error,
    ClientDisconnect: _gone,
    Abandoned: _gone,
    Exception: _internal_error,
}
