"""Real HTTP servers on loopback, of which a test says how they answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Answer = Callable[[BaseHTTPRequestHandler], None]

ENGLISH = (
    "The city council approved a new plan for the power grid on Monday, after months of talks with residents. "
    "Work on the first three substations will begin next spring, and the company expects fewer outages. "
)
ITALIAN = (
    "Il consiglio comunale ha approvato lunedì un nuovo piano per la rete elettrica, dopo mesi di incontri con i "
    "cittadini. I lavori per le prime tre cabine cominceranno in primavera e l'azienda prevede meno interruzioni. "
)


def html(text: str = ENGLISH, title: str = "A new grid", head: str = "") -> bytes:
    body = "".join(f"<p>{part} {text}</p>" for part in ("First.", "Second.", "Third."))
    page = (
        f"<html><head><title>{title}</title>{head}</head><body><article><h1>{title}</h1>{body}</article></body></html>"
    )
    return page.encode()


def answer(body: bytes = b"", status: int = 200, **headers: str) -> Answer:
    """A plain answer; headers by keyword, `_` for `-`."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        sent = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(body))}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in sent.items():
            if value:
                handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return respond


def redirect(location: str, status: int = 302) -> Answer:
    return answer(status=status, Location=location)


class Site:
    """A server whose pages are `pages[path]`; `seen` has each request's Host and path, in order."""

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        self.pages: dict[str, Answer] = {}
        self.seen: list[tuple[str, str]] = []
        self.arrivals: list[float] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.seen.append((self.headers.get("Host", ""), self.path))
                site.arrivals.append(time.monotonic())
                page = site.pages.get(self.path, answer(b"<h1>Not found</h1>", 404))
                try:
                    page(self)
                except OSError:  # the reader has had enough
                    self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer((address, port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        self.netloc = f"{address}:{self.port}"
        self.url = f"http://{self.netloc}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def paths(self) -> list[str]:
        return [path for _, path in self.seen if path != "/robots.txt"]


@pytest.fixture
def new_site() -> Iterator[Callable[..., Site]]:
    sites: list[Site] = []

    def start(*arguments: Any) -> Site:
        sites.append(Site(*arguments))
        return sites[-1]

    yield start
    for site in sites:
        site.close()


@pytest.fixture
def site(new_site: Callable[..., Site]) -> Site:
    return new_site()
