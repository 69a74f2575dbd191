"""One page, or one feed, of the open web: its robots.txt asked, its host not hurried, its size and time limited.

Every request opens one connection to an address that was checked, under the host's name; a watchdog shuts
it when the page's time is up, whatever the server drips. No proxy is used: the check would be the proxy's.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urljoin

import urllib3
from protego import Protego
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_match_hostname import CertificateError

from .address import PageError, Resolver, Target, addresses, parse, system_resolver
from .encoding import decode

AGENT = "socialnlp-assets"
USER_AGENT = f"{AGENT}/0.1 (article reader; obeys robots.txt)"
PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
CHUNK = 64 * 1024
MOST_ROBOTS_RULES = 1_000_000  # robots named × lines: Protego keeps each rule once for each robot of its group


@dataclass(frozen=True)
class Limits:
    """What one page may cost. Sizes in bytes, times in seconds."""

    seconds: float = 20.0  # robots.txt and redirects included
    silence: float = 8.0  # waiting for a connection, or for the next bytes
    transferred: int = 5 << 20
    unpacked: int = 8 << 20
    robots: int = 512 << 10
    redirects: int = 5
    delay: float = 1.0  # between two requests to one host
    longest_delay: float = 10.0  # of what a robots.txt may ask for; whoever asks for more is left alone


@dataclass(frozen=True)
class Page:
    """A fetched page: `url` is where it was found, after redirects."""

    url: str
    html: str


@dataclass(frozen=True)
class Wanted:
    """What is asked for: with which headers, and of which content types (None: of any)."""

    headers: Mapping[str, str]
    types: frozenset[str] | None = None


PAGE = Wanted({"Accept": "text/html,application/xhtml+xml", "Accept-Language": "en, *;q=0.5"}, PAGE_TYPES)
ROBOTS = Wanted({})


@dataclass(frozen=True)
class Reply:
    """What was answered at `url`, after redirects; `headers` has lower-case names, `body` is unpacked."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class _Host:
    """Whose turn it is at a host: one request at a time, at its pace."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    next_at: float = 0.0


class Web:
    """Fetches pages. Safe for several threads; `resolve` is the system's unless a test says otherwise."""

    def __init__(
        self,
        allowed_hosts: frozenset[str] = frozenset(),
        limits: Limits | None = None,
        resolve: Resolver = system_resolver,
    ) -> None:
        self.allowed_hosts = allowed_hosts
        self.limits = limits or Limits()
        self.resolve = resolve
        self._hosts: dict[str, _Host] = {}
        self._robots: dict[str, Protego | PageError] = {}

    def fetch(self, url: str) -> Page:
        """The page at `url`, redirects followed. Raises `PageError`, whose message is the status."""
        reply = self.get(url, PAGE)
        if reply.status != 200:
            raise PageError(f"HTTP {reply.status}")
        return Page(reply.url, decode(reply.body, reply.headers.get("content-type", "")))

    def get(self, url: str, wanted: Wanted) -> Reply:
        """What `url` answers, whatever its status, redirects followed; only a 200 has a body. Raises `PageError`."""
        return self._follow(parse(url, self.allowed_hosts), time.monotonic() + self.limits.seconds, wanted)

    def _follow(self, target: Target, deadline: float, wanted: Wanted) -> Reply:
        for _ in range(self.limits.redirects + 1):
            delay = 0.0 if wanted is ROBOTS else self._ask_robots(target, deadline)
            with self._turn(target, delay, deadline):
                reply = self._request(target, deadline, wanted)
            location = reply.headers.get("location")
            if reply.status not in REDIRECTS or not location:
                return reply
            target = parse(_joined(target.url, location), self.allowed_hosts)
        raise PageError("too many redirects")

    def _ask_robots(self, target: Target, deadline: float) -> float:
        """The delay that the host asks for. Raises `PageError` where it forbids the page (RFC 9309)."""
        rules = self._robots.get(target.origin)
        if rules is None:
            rules = self._robots[target.origin] = self._read_robots(target, deadline)
        if isinstance(rules, PageError):
            raise rules
        if not rules.can_fetch(target.url, AGENT):
            raise PageError("forbidden by robots.txt")
        delay = rules.crawl_delay(AGENT) or 0.0
        if delay > self.limits.longest_delay:
            raise PageError("forbidden by robots.txt: its delay is too long")
        return delay

    def _read_robots(self, target: Target, deadline: float) -> Protego | PageError:
        """Without a robots.txt (4xx) all is allowed; where it cannot be asked for, nothing is."""
        where = Target(target.scheme, target.host, target.port, "/robots.txt", target.allowed)
        try:
            reply = self._follow(where, deadline, ROBOTS)
        except PageError as error:
            return PageError(str(error))
        if reply.status >= 500 or reply.status == 429:
            return PageError("robots.txt could not be read")
        text = reply.body.decode("utf-8-sig", "replace") if reply.status == 200 else ""
        lines = text.splitlines()
        if len(lines) * sum("agent" in line.lower() for line in lines) > MOST_ROBOTS_RULES:
            return PageError("robots.txt could not be read")
        return Protego.parse(text)

    @contextmanager
    def _turn(self, target: Target, delay: float, deadline: float) -> Iterator[None]:
        # One for all threads: a defaultdict would give two that come first at once a lock each.
        host = self._hosts.setdefault(target.host, _Host())
        if not host.lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise PageError("timed out")
        try:
            pause = host.next_at - time.monotonic()
            if pause > 0:
                time.sleep(min(pause, self.limits.longest_delay))
            yield
        finally:
            host.next_at = time.monotonic() + (delay if target.allowed else max(delay, self.limits.delay))
            host.lock.release()

    def _request(self, target: Target, deadline: float, wanted: Wanted) -> Reply:
        for address in addresses(target, self.resolve)[:3]:
            left = deadline - time.monotonic()
            if left <= 0:
                raise PageError("timed out")
            connection = self._connection(target, address, min(left, self.limits.silence))
            with closing(connection), _Watchdog(connection, left) as watchdog:
                try:
                    return self._ask(connection, watchdog, target, wanted)
                except (urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.NewConnectionError):
                    continue  # the host's next address may answer
                except _BROKEN as error:
                    raise PageError(watchdog.status or _status(error)) from None
        raise PageError("host does not answer")

    def _connection(self, target: Target, address: str, timeout: float) -> HTTPConnection:
        if target.scheme == "http":
            return HTTPConnection(address, target.port, timeout=timeout)
        return HTTPSConnection(
            address, target.port, timeout=timeout, server_hostname=target.host, assert_hostname=target.host
        )

    def _ask(self, connection: HTTPConnection, watchdog: _Watchdog, target: Target, wanted: Wanted) -> Reply:
        connection.connect()
        watchdog.socket = connection.sock
        headers = {"Host": target.netloc, "User-Agent": USER_AGENT, "Accept-Encoding": "gzip", "Connection": "close"}
        connection.request(
            "GET", target.path, headers={**headers, **wanted.headers}, preload_content=False, decode_content=False
        )
        with closing(connection.getresponse()) as reply:
            names = {name.lower(): value for name, value in reply.headers.items()}
            if reply.status != 200:
                return Reply(target.url, reply.status, names, b"")
            kind = names.get("content-type", "text/html").split(";")[0].strip().lower()
            if wanted.types is not None and kind not in wanted.types:
                raise PageError("not a web page")
            limit = self.limits.robots if wanted is ROBOTS else self.limits.transferred
            body = self._body(reply, names, limit)
        if watchdog.status:  # a body without a length simply ends where the watchdog cut it
            raise PageError(watchdog.status)
        return Reply(target.url, 200, names, body)

    def _body(self, reply: urllib3.BaseHTTPResponse, headers: dict[str, str], limit: int) -> bytes:
        """The whole body, unpacked piece by piece, so that no bomb is ever larger than a piece in memory."""
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", "x-gzip", "deflate", ""):
            raise PageError("unknown content encoding")
        unpacker = zlib.decompressobj(wbits=47) if encoding not in ("identity", "") else None
        transferred, body = 0, bytearray()
        while chunk := reply.read(CHUNK, decode_content=False):
            transferred += len(chunk)
            if transferred > limit:
                raise PageError("too large")
            while chunk and unpacker and not unpacker.eof:
                body += unpacker.decompress(chunk, CHUNK)
                chunk = unpacker.unconsumed_tail
                if len(body) > self.limits.unpacked:
                    raise PageError("too large when unpacked")
            if not unpacker:
                body += chunk
        return bytes(body)


class _Watchdog:
    """Shuts a connection's socket when its time is up, so that whatever waits on it ends."""

    def __init__(self, connection: HTTPConnection, seconds: float) -> None:
        self.connection = connection
        self.socket: socket.socket | None = None  # kept: the connection forgets it once the reply began
        self.status = ""
        self._timer = threading.Timer(seconds, self._bite)
        self._timer.daemon = True

    def __enter__(self) -> _Watchdog:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _bite(self) -> None:
        self.status = "timed out"
        if found := self.socket or self.connection.sock:
            with suppress(OSError):
                socket.socket.shutdown(found, socket.SHUT_RDWR)  # not TLS's own, which another thread is using


_BROKEN = (OSError, ValueError, zlib.error, http.client.HTTPException, urllib3.exceptions.HTTPError)


def _status(error: Exception) -> str:
    if isinstance(error, TimeoutError | urllib3.exceptions.TimeoutError):
        return "timed out"
    if isinstance(error, CertificateError):
        return "certificate not valid"
    if isinstance(error, ssl.SSLError | urllib3.exceptions.SSLError):
        return "certificate not valid" if "CERTIFICATE" in str(error).upper() else "TLS failed"
    return "connection broke"


def _joined(base: str, location: str) -> str:
    with suppress(UnicodeError):  # headers are read as Latin-1 and written as UTF-8
        location = location.encode("latin-1").decode()
    try:
        return urljoin(base, location.strip().replace(" ", "%20"))
    except ValueError:
        raise PageError("refused: malformed address") from None
