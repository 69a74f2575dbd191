"""A fake behind a real socket: what the fakes of AWS have in common."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Generic, Protocol, TypeVar


class Addressed(Protocol):
    url: str


Fake = TypeVar("Fake", bound=Addressed)


class Server(ThreadingHTTPServer, Generic[Fake]):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, fake: Fake, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.fake = fake


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body may be two writes: the second would wait 40 ms

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing; the fakes note what they are asked."""


@contextmanager
def serving(fake: Fake, handler: type[Handler]) -> Iterator[Fake]:
    """Serve `fake` on a free loopback port, at `fake.url`."""
    with Server(fake, handler) as server:
        fake.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
