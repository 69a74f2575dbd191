"""A Hugging Face hub: the list of a model's files, and the files, over HTTP, with connections that break."""

from __future__ import annotations

import hashlib
import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.fakes.http_server import Handler, Server, serving

COMMIT = "8f1b2a90" * 5
LARGE = 10_000  # bytes, from which on a file is kept beside git


class FakeHub:
    """`models` has files by the id of their model. `breaks`: after so many bytes each of the next answers ends."""

    def __init__(self) -> None:
        self.models: dict[str, dict[str, bytes]] = {}
        self.breaks: list[int] = []
        self.ranges: list[str] = []  # that were asked for
        self.token = ""  # that one must have
        self.url = ""

    def add(self, hub_id: str, folder: Path) -> None:
        self.models[hub_id] = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


class _Handler(Handler):
    server: Server[FakeHub]

    def do_GET(self) -> None:
        fake, path = self.server.fake, unquote(urlsplit(self.path).path).strip("/")
        if fake.token and self.headers.get("Authorization") != f"Bearer {fake.token}":
            self._send(401, b"")
        elif path.startswith("api/models/"):
            hub_id, _, revision = path.removeprefix("api/models/").partition("/revision/")
            files = fake.models.get(hub_id) if revision in ("main", COMMIT) else None
            self._send(404 if files is None else 200, json.dumps(_told(files or {})).encode())
        else:
            hub_id, _, name = path.partition(f"/resolve/{COMMIT}/")
            self._file(fake.models[hub_id][name])

    def _file(self, data: bytes) -> None:
        ranged = self.headers.get("Range", "")
        if ranged:
            self.server.fake.ranges.append(ranged)
            data = data[int(ranged.removeprefix("bytes=").rstrip("-")) :]
        breaks = self.server.fake.breaks
        self._send(206 if ranged else 200, data, breaks.pop(0) if breaks else None)

    def _send(self, status: int, body: bytes, most: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:most])
        self.close_connection = most is not None


def _told(files: dict[str, bytes]) -> dict[str, Any]:
    return {"sha": COMMIT, "siblings": [_sibling(name, data) for name, data in sorted(files.items())]}


def _sibling(name: str, data: bytes) -> dict[str, Any]:
    git = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    told: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": git}
    if len(data) >= LARGE:  # in git there is a pointer to it, whose hash says nothing of the content
        told["blobId"] = hashlib.sha1(b"pointer " + name.encode(), usedforsecurity=False).hexdigest()
        told["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    return told


def serve(fake: FakeHub) -> AbstractContextManager[FakeHub]:
    """Serve `fake` on a free loopback port, at `fake.url`."""
    return serving(fake, _Handler)
