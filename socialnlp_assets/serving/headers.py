"""What a request's headers ask for."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from socialnlp_assets.tasks.reply_body import ATTRIBUTES
from socialnlp_assets.tasks.request_body import CONTENT_TYPES, JSON

TARGET = "X-Amzn-SageMaker-Target-Model"


def content_type(headers: Headers) -> str:
    """The body's media type; raises 415 where we cannot read it. None given means JSON."""
    media_type, _, options = (headers.get("content-type") or JSON).partition(";")
    known = CONTENT_TYPES.get(media_type.strip().lower())
    charset = options.lower().replace(" ", "").replace('"', "").partition("charset=")[2]
    if known is None or charset not in ("", "utf-8", "utf8"):
        raise HTTPException(415, f"send {' or '.join(CONTENT_TYPES)} in UTF-8, not {media_type}{options}")
    if headers.get("content-encoding", "identity") != "identity":
        raise HTTPException(415, "send the body as it is, without Content-Encoding")
    return known


def reply_type(headers: Headers, default: str) -> str:
    """The media type of the reply; raises 406 where the caller accepts none of ours."""
    accepted = [entry.partition(";")[0].strip().lower() for entry in headers.get("accept", "*/*").split(",")]
    for media_type in accepted:
        if media_type in ("*/*", "application/*", ""):
            return default
        if media_type in CONTENT_TYPES:
            return CONTENT_TYPES[media_type]
    raise HTTPException(406, f"accept {' or '.join(CONTENT_TYPES)}; there is no other kind of reply")


def target(headers: Headers) -> str | None:
    """The model asked for. SageMaker passes the target header to multi-model endpoints only, where it names an
    archive; elsewhere, `target=<name>` in the custom attributes does the same."""
    if TARGET in headers:
        return headers[TARGET].removesuffix(".tar.gz")
    for attribute in headers.get(ATTRIBUTES, "").split(";"):
        name, _, value = attribute.strip().partition("=")
        if name == "target":
            return value
    return None
