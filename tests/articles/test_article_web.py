"""Fetching from servers that are slow, huge, misleading or hostile, over real sockets."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from article_sites import Answer, Site, answer, html, redirect
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from socialnlp_assets.resources.articles import address
from socialnlp_assets.resources.articles import web as web_module
from socialnlp_assets.resources.articles.address import PageError
from socialnlp_assets.resources.articles.web import Limits, Web

SMALL = Limits(transferred=200_000, unpacked=400_000, delay=0.0)
IMPATIENT = Limits(seconds=1.5, silence=1.0, delay=0.0)


def web_for(*sites: Site, limits: Limits = SMALL, **options: Any) -> Web:
    return Web(frozenset(site.netloc for site in sites), limits, **options)


def status(web: Web, url: str) -> str:
    with pytest.raises(PageError) as error:
        web.fetch(url)
    return str(error.value)


def test_a_page(site: Site) -> None:
    site.pages["/a?b=c"] = answer(html())
    page = web_for(site).fetch(f"{site.url}/a?b=c#part")
    assert page.html.encode() == html()
    assert page.url == f"{site.url}/a?b=c"
    assert site.seen == [(site.netloc, "/robots.txt"), (site.netloc, "/a?b=c")]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_followed(site: Site, code: int) -> None:
    site.pages |= {"/a": redirect("../caffè d'oggi", code), "/caff%C3%A8%20d'oggi": answer(html())}
    assert web_for(site).fetch(f"{site.url}/a").url == f"{site.url}/caff%C3%A8%20d'oggi"


@pytest.mark.parametrize(
    "location",
    [
        *(
            "http://169.254.169.254/latest/meta-data",
            "http://127.0.0.1/",
            "http://[::ffff:127.0.0.1]/",
            "//localhost/x",
        ),
        *("http://2130706433/", "file:///etc/passwd", "ftp://127.0.0.1/", "http://user@127.0.0.1/", "http://[::1"),
    ],
)
def test_a_redirect_to_where_we_must_not_go(site: Site, location: str) -> None:
    site.pages["/a"] = redirect(location)
    assert status(web_for(site), f"{site.url}/a").startswith("refused")
    assert site.paths() == ["/a"]


def test_a_redirect_to_another_port_of_an_allowed_host(site: Site, new_site: Callable[[], Site]) -> None:
    other = new_site()
    other.pages["/secret"] = answer(html())
    site.pages["/a"] = redirect(f"{other.url}/secret")
    assert status(web_for(site), f"{site.url}/a") == "refused: private address"
    assert other.seen == []


def test_redirects_without_end(site: Site) -> None:
    site.pages["/a"] = redirect("/a")
    assert status(web_for(site), f"{site.url}/a") == "too many redirects"
    assert len(site.paths()) == SMALL.redirects + 1


def test_the_second_answer_of_a_rebinding_name_is_checked_too(
    new_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = new_site("127.0.0.1")
    inside = new_site("127.0.0.2", outside.port)
    outside.pages["/robots.txt"] = answer(b"", 404)
    inside.pages["/a"] = answer(html(title="secret"))
    monkeypatch.setattr(address, "is_public", lambda found: found == "127.0.0.1")
    real = socket.getaddrinfo

    def only_numbers(host: Any, *rest: Any, **options: Any) -> Any:
        assert host != "rebinding.example", "the name was looked up again"
        return real(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", only_numbers)
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    web = Web(limits=SMALL, resolve=lambda *_: next(answers))
    assert status(web, f"http://rebinding.example:{outside.port}/a") == "refused: private address"
    assert outside.seen == [(f"rebinding.example:{outside.port}", "/robots.txt")]
    assert inside.seen == []


def test_the_next_address_is_tried_when_one_does_not_answer(site: Site) -> None:
    site.pages["/a"] = answer(html())
    web = Web(frozenset({f"news.example:{site.port}"}), SMALL, resolve=lambda *_: ["127.0.0.3", "127.0.0.1"])
    assert web.fetch(f"http://news.example:{site.port}/a").html.encode() == html()
    assert site.seen[-1] == (f"news.example:{site.port}", "/a")


def test_nobody_answers() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        netloc = f"127.0.0.1:{taken.getsockname()[1]}"
        assert status(Web(frozenset({netloc}), SMALL), f"http://{netloc}/") == "host does not answer"


def stuck_body(handler: BaseHTTPRequestHandler) -> None:
    answer(b"", Content_Length="1000")(handler)
    drip(handler)


def stuck_body_without_length(handler: BaseHTTPRequestHandler) -> None:
    answer(b"", Content_Length="")(handler)
    drip(handler)


def stuck_headers(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    drip(handler)


def drip(handler: BaseHTTPRequestHandler) -> None:
    for _ in range(1000):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.05)


def silence(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(IMPATIENT.silence + 2)
    handler.close_connection = True


@pytest.mark.parametrize("page", [stuck_body, stuck_body_without_length, stuck_headers, silence])
@pytest.mark.slow
def test_a_page_that_drips_is_given_up(site: Site, page: Answer) -> None:
    site.pages["/a"] = page
    assert status(web_for(site, limits=IMPATIENT), f"{site.url}/a") == "timed out"


def test_a_robots_txt_that_drips_is_given_up_once(site: Site) -> None:
    site.pages |= {"/robots.txt": stuck_body, "/a": answer(html())}
    web = web_for(site, limits=IMPATIENT)
    assert [status(web, f"{site.url}/{page}") for page in "ab"] == ["timed out"] * 2
    assert site.seen == [(site.netloc, "/robots.txt")]


def endless(handler: BaseHTTPRequestHandler) -> None:
    answer(b"", Content_Length="")(handler)
    while True:
        handler.wfile.write(b"<p>more</p>" * 1000)


def endless_chunks(handler: BaseHTTPRequestHandler) -> None:
    answer(b"", Content_Length="", Transfer_Encoding="chunked")(handler)
    while True:
        handler.wfile.write(b"400\r\n" + b"x" * 1024 + b"\r\n")


@pytest.mark.parametrize("page", [endless, endless_chunks, answer(b"x" * 200_001)])
def test_pages_that_are_too_large(site: Site, page: Answer) -> None:
    site.pages["/a"] = page
    assert status(web_for(site), f"{site.url}/a") == "too large"


def test_a_gzip_bomb(site: Site) -> None:
    bomb = gzip.compress(b"\0" * 100_000_000)
    assert len(bomb) < SMALL.transferred
    site.pages["/a"] = answer(bomb, Content_Encoding="gzip")
    assert status(web_for(site), f"{site.url}/a") == "too large when unpacked"


def test_packed_pages(site: Site) -> None:
    site.pages["/gzip"] = answer(gzip.compress(html()), Content_Encoding="gzip")
    site.pages["/deflate"] = answer(zlib.compress(html()), Content_Encoding="deflate")
    site.pages["/br"] = answer(b"?", Content_Encoding="br")
    site.pages["/broken"] = answer(b"no gzip at all", Content_Encoding="gzip")
    web = web_for(site)
    assert web.fetch(f"{site.url}/gzip").html.encode() == html()
    assert web.fetch(f"{site.url}/deflate").html.encode() == html()
    assert status(web, f"{site.url}/br") == "unknown content encoding"
    assert status(web, f"{site.url}/broken") == "connection broke"


@pytest.mark.parametrize("kind", ["application/pdf", "image/png", "application/json", "text/plain", "video/mp4"])
def test_what_is_no_web_page(site: Site, kind: str) -> None:
    site.pages["/a"] = answer(b"%PDF", Content_Type=kind)
    assert status(web_for(site), f"{site.url}/a") == "not a web page"


@pytest.mark.parametrize("kind", ["", "text/html", "TEXT/HTML; charset=UTF-8", "application/xhtml+xml"])
def test_what_is_a_web_page(site: Site, kind: str) -> None:
    site.pages["/a"] = answer(html(), Content_Type=kind)
    assert web_for(site).fetch(f"{site.url}/a").html.encode() == html()


@pytest.mark.parametrize("code", [204, 401, 403, 404, 410, 429, 500, 503])
def test_other_answers(site: Site, code: int) -> None:
    site.pages["/a"] = answer(b"", code)
    assert status(web_for(site), f"{site.url}/a") == f"HTTP {code}"


@pytest.mark.parametrize(
    "reply", [b"", b"no HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort", b"\0" * 70_000]
)
def test_a_server_that_does_not_speak_http(site: Site, reply: bytes) -> None:
    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(reply)
        handler.close_connection = True

    site.pages["/a"] = page
    assert status(web_for(site), f"{site.url}/a") in ("connection broke", "not a web page")


def robots(text: str) -> Answer:
    return answer(text.encode(), Content_Type="text/plain")


def test_robots_txt_is_obeyed_and_asked_for_once(site: Site) -> None:
    site.pages |= {
        "/robots.txt": robots("User-agent: *\nDisallow: /\n\nUser-agent: socialnlp-assets\nDisallow: /private/\n"),
        **{"/a": answer(html()), "/b": answer(html()), "/private/a": answer(html())},
        "/to": redirect("/private/a"),
    }
    web = web_for(site)
    web.fetch(f"{site.url}/a")
    web.fetch(f"{site.url}/b")
    assert status(web, f"{site.url}/private/a") == "forbidden by robots.txt"
    assert status(web, f"{site.url}/to") == "forbidden by robots.txt"
    assert [path for _, path in site.seen] == ["/robots.txt", "/a", "/b", "/to"]


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (answer(b"", 404), ""),
        (answer(b"", 403), ""),
        (redirect("/rules"), "forbidden by robots.txt"),
        (answer(b"", 500), "robots.txt could not be read"),
        (answer(b"x" * 600_000), "too large"),
        (robots("\ufeffUser-agent: *\nDisallow: /"), "forbidden by robots.txt"),
        (robots("User-agent: *\nCrawl-delay: 3600"), "forbidden by robots.txt: its delay is too long"),
        (redirect("http://10.0.0.1/robots.txt"), "refused: private address"),
        # RFC 9309: the longest rule counts, whatever the order, and `*` and `$` are no plain characters
        (robots("User-agent: *\nDisallow: /\nAllow: /a"), ""),
        (robots("User-agent: *\nAllow: /\nDisallow: /a"), "forbidden by robots.txt"),
        (robots("User-agent: *\nDisallow: /*a$"), "forbidden by robots.txt"),
        (robots("User-agent: *\nDisallow: /$"), ""),
        (
            robots("".join(f"User-agent: r{n}\n" for n in range(10_000)) + "Disallow: /x\n" * 10_000),
            "robots.txt could not be read",
        ),
        (answer(b"\xff\0\n\xfe: :\nDisallow", Content_Type="text/plain"), ""),
    ],
)
def test_kinds_of_robots_txt(site: Site, reply: Answer, outcome: str) -> None:
    site.pages |= {"/robots.txt": reply, "/rules": robots("User-agent: *\nDisallow: /a"), "/a": answer(html())}
    if outcome:
        assert status(web_for(site), f"{site.url}/a") == outcome
        assert site.paths() in ([], ["/rules"])
    else:
        web_for(site).fetch(f"{site.url}/a")


def test_a_public_host_is_not_hurried(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "is_public", lambda _: True)
    site.pages["/a"] = answer(html())
    web = Web(limits=Limits(delay=0.3), resolve=lambda *_: ["127.0.0.1"])
    for _ in range(2):
        web.fetch(f"http://news.example:{site.port}/a")
    pauses = [later - earlier for earlier, later in zip(site.arrivals, site.arrivals[1:], strict=False)]
    assert len(pauses) == 2
    assert min(pauses) >= 0.3


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate for `name`, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


def test_tls_is_for_the_name_though_the_connection_is_to_the_address(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate(tmp_path, "news.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    names: list[str] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    site.pages["/a"] = answer(html())

    def web() -> Web:
        hosts = frozenset({f"news.example:{site.port}", f"other.example:{site.port}"})
        return Web(hosts, SMALL, resolve=lambda *_: ["127.0.0.1"])

    assert status(web(), f"https://news.example:{site.port}/a") == "certificate not valid"
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    assert web().fetch(f"https://news.example:{site.port}/a").html.encode() == html()
    assert status(web(), f"https://other.example:{site.port}/a") == "certificate not valid"
    assert names == ["news.example"] * 3 + ["other.example"]


def test_one_request_at_a_time_to_a_host(site: Site) -> None:
    here, most = threading.Semaphore(1), []

    def page(handler: BaseHTTPRequestHandler) -> None:
        most.append(here.acquire(blocking=False))
        time.sleep(0.05)
        here.release()
        answer(html())(handler)

    site.pages["/a"] = page
    web = web_for(site)
    threads = [threading.Thread(target=web.fetch, args=(f"{site.url}/a",)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [True] * 5


def test_threads_that_are_the_first_at_a_host_take_turns(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    class SlowlyMade(web_module._Host):
        def __init__(self) -> None:
            time.sleep(0.1)  # so that every thread asks for the host before one has made it
            super().__init__()

    monkeypatch.setattr(web_module, "_Host", SlowlyMade)
    at_once, most = 0, 0
    counting = threading.Lock()

    def count(handler: BaseHTTPRequestHandler) -> None:
        nonlocal at_once, most
        with counting:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.05)
        with counting:
            at_once -= 1
        answer(html())(handler)

    site.pages |= {"/robots.txt": count} | {f"/{number}": count for number in range(4)}
    web = web_for(site, limits=Limits())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(web.fetch, [f"{site.url}/{number}" for number in range(4)]))
    assert len(site.paths()) == 4
    assert most == 1
