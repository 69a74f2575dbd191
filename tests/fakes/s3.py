"""S3 as far as conditional writes go, over HTTP, with real compare-and-swap and faults on command.

Faults of a PUT, one a call: ``409`` a conflicting write is under way; ``lost`` it arrives, its answer does
not; ``412`` it arrives, and a retry on the way is answered instead; ``503`` nothing happens.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.fakes.http_server import Handler, Server, serving

CODES = {404: "NoSuchKey", 409: "ConditionalRequestConflict", 412: "PreconditionFailed", 503: "SlowDown"}


class FakeS3:
    """The objects, and the handle that tests hold. `now` is the clock in its answers."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.now = now
        self.objects: dict[str, bytes] = {}
        self.faults: list[str] = []
        self.url = ""
        self._lock = threading.Lock()

    def get(self, path: str) -> bytes | None:
        with self._lock:
            return self.objects.get(path)

    def put(self, path: str, body: bytes, if_match: str | None, if_none_match: str | None) -> tuple[int, str]:
        with self._lock:
            fault = self.faults.pop(0) if self.faults else ""
            if fault in ("409", "503"):
                return int(fault), ""
            held = self.objects.get(path)
            if if_match and held is None:
                return 404, ""
            if (if_none_match == "*" and held is not None) or (if_match and held and if_match != etag(held)):
                return 412, ""
            self.objects[path] = body
            return {"412": 412, "lost": 0}.get(fault, 200), etag(body)

    def keys(self, bucket: str, prefix: str) -> list[str]:
        with self._lock:
            paths = (path.removeprefix(f"/{bucket}/") for path in self.objects if path.startswith(f"/{bucket}/"))
            return sorted(path for path in paths if path.startswith(prefix))


def etag(body: bytes) -> str:
    return f'"{hashlib.md5(body).hexdigest()}"'


class S3Handler(Handler):
    server: Server[Any]

    @property
    def store(self) -> FakeS3:
        found: FakeS3 = self.server.fake
        return found

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = parse_qs(address.query)
        if "list-type" in query:
            bucket, prefix = address.path.strip("/"), query.get("prefix", [""])[0]
            keys = self.store.keys(bucket, prefix)
            if delimiter := query.get("delimiter", [""])[0]:  # their common prefixes are nobody's here
                keys = [key for key in keys if delimiter not in key[len(prefix) :]]
            contents = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in keys)
            self._answer(
                200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>".encode()
            )
            return
        found = self.store.get(unquote(address.path))
        self._answer(404 if found is None else 200, found or b"", etag(found or b""))

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        conditions = self.headers.get("If-Match"), self.headers.get("If-None-Match")
        status, tag = self.store.put(unquote(urlsplit(self.path).path), body, *conditions)
        if status:
            self._answer(status, b"", tag)
        else:
            self.close_connection = True

    def _answer(self, status: int, body: bytes, tag: str = "") -> None:
        if status in CODES:
            body = f"<Error><Code>{CODES[status]}</Code><Message>as asked for</Message></Error>".encode()
        self.send_response_only(status)
        self.send_header("Date", format_datetime(self.store.now(), usegmt=True))
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve(fake: FakeS3) -> AbstractContextManager[FakeS3]:
    """Serve `fake` on a free loopback port, at `fake.url`."""
    return serving(fake, S3Handler)
