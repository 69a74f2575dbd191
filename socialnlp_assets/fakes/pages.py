"""The article pages that the sample messages link to, served on a loopback socket."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

import yaml

from socialnlp_assets.sources.loopback import Request, Response, as_html, serve


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


def serve_articles(port: int = 0) -> AbstractContextManager[str]:
    """Serves the pages on 127.0.0.1 while the block runs; yields their address, ``http://127.0.0.1:<port>``."""
    return serve(_answer, port=port)


def _answer(request: Request) -> Response:
    name = request.path.strip("/")
    article = articles().get(name.removesuffix(".html"))
    if name == "robots.txt":
        return Response(body=b"User-agent: *\nDisallow: /private/\n", content_type="text/plain")
    if article is None:
        return as_html("<h1>Not found</h1>", 404)
    return Response(body=page(article).encode(), content_type="text/html; charset=utf-8")
