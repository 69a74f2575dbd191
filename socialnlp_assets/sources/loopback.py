"""An HTTP server on a loopback socket that can be told to misbehave, one answer at a time."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    """What was asked; `headers` has lower-case names, `query` and `form` the last value of each name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(self.body.decode()).items()}


@dataclass(frozen=True)
class Response:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(value: Any, status: int = 200) -> Response:
    return Response(status, json.dumps(value).encode())  # with escapes, which can say half an emoji


def as_html(text: str, status: int, **headers: str) -> Response:
    return Response(status, text.encode(), "text/html", {n.replace("_", "-"): v for n, v in headers.items()})


Fault = Callable[[Response], Response | None]  # None: the connection is cut without an answer


# What any service does now and then; a stand-in adds what only its own does.
FAULTS: Mapping[str, Fault] = {
    "500": lambda _: as_json({"error": {"code": 500, "message": "Internal error"}}, 500),
    "502": lambda _: as_html("<h1>Bad Gateway</h1>", 502),
    "503": lambda _: as_html("<h1>Service Unavailable</h1>", 503, Retry_After="0"),
    "429": lambda _: as_html("<h1>Too Many Requests</h1>", 429, Retry_After="0"),
    "reset": lambda _: None,
    "truncated": lambda response: Response(
        response.status, response.body[: len(response.body) // 2], headers={"Content-Length": str(len(response.body))}
    ),
    "half_json": lambda response: Response(response.status, response.body[: len(response.body) // 2]),
    "html": lambda _: as_html("<html>Service temporarily busy</html>", 200),
    "empty": lambda response: Response(response.status, b""),
    "slow": lambda response: response,  # after `slow_seconds`
}


@dataclass
class Faults:
    """Which answers go wrong: those that are scripted, in turn, then a share `rate` of the rest at random."""

    rate: float = 0.0
    kinds: tuple[str, ...] = tuple(FAULTS)
    seed: int = 1
    slow_seconds: float = 1.0
    scripted: deque[str] = field(default_factory=deque)
    done: list[str] = field(default_factory=list)
    _rng: Random = field(init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._rng = Random(self.seed)

    def script(self, kinds: Iterable[str]) -> None:
        """The next answers go wrong like this; ``ok`` lets one through."""
        self.scripted.extend(kinds)

    def next(self) -> str:
        """The fault of the next answer, or ``ok``."""
        with self._lock:
            if self.scripted:
                kind = self.scripted.popleft()
            else:
                kind = self._rng.choice(self.kinds) if self._rng.random() < self.rate else "ok"
            if kind != "ok":
                self.done.append(kind)
            return kind


@contextmanager
def serve(
    answer: Callable[[Request], Response],
    faults: Faults | None = None,
    port: int = 0,
    own_faults: Mapping[str, Fault] | None = None,
) -> Iterator[str]:
    """Serves on 127.0.0.1 while the block runs; yields the address, ``http://127.0.0.1:<port>``.

    `answer` runs first and counts, so that a fault loses an answer to something that did happen. With `faults`,
    ``POST /faults`` with a JSON list of their names scripts the next ones.
    """

    known = {**FAULTS, **(own_faults or {})}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: the second of two waits 40 ms for the first to be acknowledged

        def _handle(self) -> None:
            url = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            query = {name: values[-1] for name, values in parse_qs(url.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, url.path, query, headers, self.rfile.read(length))
            if faults and request.path == "/faults" and request.method == "POST":
                asked = request.json()
                if set(asked) <= {"ok", *known}:
                    faults.script(asked)
                    self._send(as_json({"faults": list(faults.scripted)}))
                else:
                    self._send(as_json({"error": f"known faults: {', '.join(known)}"}, 400))
                return
            response: Response | None = answer(request)
            kind = faults.next() if faults else "ok"
            if kind != "ok" and faults and response:
                response = known[kind](response)
                time.sleep(faults.slow_seconds if kind == "slow" else 0)
            if response is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self._send(response)

        def _send(self, response: Response) -> None:
            self.send_response(response.status)
            self.send_header("Content-Type", response.content_type)
            for name, value in ({"Content-Length": str(len(response.body))} | dict(response.headers)).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(response.body)
            if response.headers.get("Content-Length"):  # promised more than there is
                self.close_connection = True

        do_GET = do_POST = _handle

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that hung up is none of our business."""

    server = Server(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
