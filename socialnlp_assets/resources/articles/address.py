"""Where a connection may go. Permalinks are written by strangers: none may lead into our own network.

A URL is taken apart once, here, and what is connected to is an address that was checked: never the name
again, whose answer may be another the second time (DNS rebinding).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, quote, urlsplit

PORTS = {"http": 80, "https": 443}
URL_LIMIT = 4096
# Public by their number, but not by what answers there.
NOT_PUBLIC = [
    ip_network(network)
    for network in (
        "192.0.0.0/24",  # protocols' own, and Oracle's metadata; newer Pythons count parts of it as global
        "168.63.129.16/32",  # Azure's metadata and DNS
        "192.88.99.0/24",  # relays from IPv6 to any IPv4 address
        "64:ff9b::/96",  # IPv4 behind a translator, private or not
        "2002::/16",  # IPv4 in 6to4
        "2001::/32",  # IPv4 in Teredo
        "3fff::/20",  # documentation (RFC 9637), which this Python's list does not have yet
    )
]
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)

Resolver = Callable[[str, int], list[str]]
"""The IP addresses of a host name; raises OSError when there are none."""


class PageError(Exception):
    """A page could not be had. The message is a status: short, of one of few kinds, without the address."""


@dataclass(frozen=True)
class Target:
    """A URL that may be asked for: `host` as in certificates, `address` as connected to by `addresses`."""

    scheme: str
    host: str  # an IPv6 address without its brackets
    port: int
    path: str  # with the query, escaped
    allowed: bool  # named in the settings: its addresses are not checked, its pace is not held back

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.netloc}"

    @property
    def url(self) -> str:
        return self.origin + self.path


def system_resolver(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def parse(url: str, allowed_hosts: frozenset[str] = frozenset()) -> Target:
    """The target of `url`. Raises `PageError` for what is no plain http or https URL of a host name or an
    address in its usual notation."""
    if not url or len(url) > URL_LIMIT:
        raise PageError("refused: no address" if not url else "refused: address too long")
    if re.search(r"[\x00-\x20\x7f\\]", url):
        raise PageError("refused: malformed address")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise PageError("refused: malformed address") from None
    if parts.scheme not in PORTS:
        raise PageError("refused: not http or https")
    if "@" in parts.netloc or not parts.hostname or port == 0:
        raise PageError("refused: malformed address")
    host = _host(parts.hostname)
    port = port or PORTS[parts.scheme]
    written = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return Target(parts.scheme, host, port, _path(parts), written in allowed_hosts)


def addresses(target: Target, resolve: Resolver) -> list[str]:
    """The addresses to connect to, checked: all must be public, else none is used."""
    try:
        ip_address(target.host)
        found = [target.host]
    except ValueError:
        try:
            found = resolve(target.host, target.port)
        except (OSError, UnicodeError):
            raise PageError("host not found") from None
    if not found:
        raise PageError("host not found")
    if not target.allowed and not all(is_public(address) for address in found):
        raise PageError("refused: private address")
    return found


def is_public(address: str) -> bool:
    """Whether anybody on the internet may be reached at `address`, and nobody else."""
    try:
        ip: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if isinstance(ip, IPv6Address) and (ip.scope_id or ip.is_site_local):
        return False
    if any(ip in network for network in NOT_PUBLIC):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _host(name: str) -> str:
    """The host in lower-case ASCII. Refuses the notations by which `127.0.0.1` is hidden: `2130706433`,
    `0x7f.1`, `0177.0.0.1`, `127.1`, full-width digits, a trailing dot."""
    try:
        return str(ip_address(name))
    except ValueError:
        pass
    try:
        host = name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise PageError("refused: malformed address") from None
    labels = host.split(".")
    last = labels[-1]
    if not all(_LABEL.fullmatch(label) for label in labels) or len(host) > 253:
        raise PageError("refused: malformed address")
    if last.isdigit() or last.startswith("0x"):
        raise PageError("refused: malformed address")
    return host


def _path(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]")
    return path + (f"?{query}" if query else "")
