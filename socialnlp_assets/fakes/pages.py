"""The article pages that the sample messages link to, served on a loopback socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import yaml


@dataclass(frozen=True)
class Article:
    """One invented article."""

    slug: str
    language: str
    title: str
    paragraphs: tuple[str, ...]
    english: str = ""  # slug of the English version, where there is one

    @property
    def teaser(self) -> str:
        """What a listening service delivers of an article: its beginning."""
        return self.paragraphs[0]


@cache
def articles() -> dict[str, Article]:
    """All articles by slug."""
    entries = yaml.safe_load((Path(__file__).parent / "articles.yaml").read_text(encoding="utf-8"))
    return {entry["slug"]: Article(**{**entry, "paragraphs": tuple(entry["paragraphs"])}) for entry in entries}


def page(article: Article) -> str:
    """The article as a news site would publish it, with all that is not the article around it."""
    alternate = ""
    if article.english:
        alternate = f'<link rel="alternate" hreflang="en" href="/{article.english}.html">'
    body = "\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in article.paragraphs)
    return f"""<!DOCTYPE html>
<html lang="{article.language}">
<head><meta charset="utf-8"><title>{escape(article.title)} | The Sample Courier</title>{alternate}
<meta property="og:type" content="article"><meta property="og:title" content="{escape(article.title)}"></head>
<body>
<header><nav><a href="/">Home</a> <a href="/economy.html">Economy</a> <a href="/sport.html">Sport</a></nav></header>
<div class="cookie-banner">We use cookies to improve this page. <button>Accept all</button></div>
<main><article><h1>{escape(article.title)}</h1>
{body}
</article></main>
<aside><h2>Most read</h2><ul><li><a href="/a.html">Weather for the weekend</a></li>
<li><a href="/b.html">Ten recipes with chestnuts</a></li></ul></aside>
<footer>© The Sample Courier. All rights reserved. <a href="/privacy.html">Privacy</a></footer>
</body></html>
"""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        name = urlsplit(self.path).path.strip("/")
        article = articles().get(name.removesuffix(".html"))
        if name == "robots.txt":
            self._answer(200, "text/plain", "User-agent: *\nDisallow: /private/\n")
        elif article:
            self._answer(200, "text/html; charset=utf-8", page(article))
        else:
            self._answer(404, "text/html; charset=utf-8", "<h1>Not found</h1>")

    def _answer(self, status: int, content_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serve_articles(port: int = 0) -> Iterator[str]:
    """Serves the pages on 127.0.0.1 while the block runs; yields their address, ``http://127.0.0.1:<port>``."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
