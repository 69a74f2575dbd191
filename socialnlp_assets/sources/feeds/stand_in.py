"""A stand-in for a publisher's feeds: RSS, Atom and JSON Feed, conditional requests, feeds that move or break.

    python -m socialnlp_assets.sources.feeds.stand_in --port 8095 --hour 2026-11-20T08

Then ``curl -d '["broken", "503"]' http://127.0.0.1:8095/faults`` makes the next two answers go wrong.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256
from html import escape

import click

from socialnlp_assets.sources.loopback import Fault, Faults, Request, Response, as_html, serve

OWN_FAULTS: dict[str, Fault] = {
    "broken": lambda response: Response(200, response.body[: len(response.body) * 2 // 3], response.content_type),
    "410": lambda _: as_html("<h1>Gone</h1>", 410),
}
TYPES = {"rss": "application/rss+xml", "atom": "application/atom+xml", "json": "application/feed+json"}


@dataclass
class Item:
    """One article; `identity` is a number in RSS, and part of a URI in the other two."""

    identity: str
    title: str
    html: str
    published: datetime | None
    language: str | None = None
    categories: tuple[str, ...] = ()


@dataclass
class FakeFeeds:
    """A site whose feed is at ``/rss``, ``/atom`` and ``/json``, each showing the last `shown` items.

    `moved` are paths that redirect, to a path or to another site; `conditional` is False for a site that sends
    everything every time.
    """

    items: list[Item] = field(default_factory=list)
    shown: int = 20
    language: str | None = "en"
    moved: dict[str, str] = field(default_factory=dict)
    conditional: bool = True
    robots: str = "User-agent: *\nDisallow: /private/\n"
    faults: Faults = field(default_factory=Faults)
    answered: list[tuple[str, int]] = field(default_factory=list)  # path and status

    def serve(self, port: int = 0) -> AbstractContextManager[str]:
        """Serves while the block runs; yields the address of the site."""
        return serve(self._count, self.faults, port, OWN_FAULTS)

    def _count(self, request: Request) -> Response:
        response = self._answer(request)
        self.answered.append((request.path, response.status))
        return response

    def _answer(self, request: Request) -> Response:
        if request.path == "/robots.txt":
            return Response(200, self.robots.encode(), "text/plain")
        if request.path in self.moved:
            return Response(301, headers={"Location": self.moved[request.path]})
        kind = request.path.strip("/")
        if kind not in TYPES:
            return as_html("<h1>Not Found</h1>", 404)
        body = self.document(kind)
        validators = {"ETag": f'"{sha256(body).hexdigest()[:16]}"', "Last-Modified": self._changed()}
        if self.conditional and request.headers.get("if-none-match") == validators["ETag"]:
            return Response(304, headers=validators)
        return Response(200, body, TYPES[kind], validators if self.conditional else {})

    def document(self, kind: str) -> bytes:
        """The feed as it is now, newest item first."""
        newest = self.items[::-1][: self.shown]
        return {"rss": self._rss, "atom": self._atom, "json": self._json}[kind](newest).encode()

    def _changed(self) -> str:
        times = [item.published for item in self.items if item.published]
        return format_datetime(max(times, default=datetime(2026, 1, 1, tzinfo=UTC)).astimezone(UTC), usegmt=True)

    def _rss(self, items: Iterable[Item]) -> str:
        entries = "".join(
            f'<item><guid isPermaLink="false">{item.identity}</guid><title>{escape(item.title)}</title>'
            f"<link>/articles/{item.identity}.html</link><description>{escape(item.html)}</description>"
            + "".join(f"<category>{escape(name)}</category>" for name in item.categories)
            + (f"<pubDate>{format_datetime(item.published)}</pubDate>" if item.published else "")
            + "</item>"
            for item in items
        )
        language = f"<language>{self.language}</language>" if self.language else ""
        return (
            f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>The Sample Courier</title>'
            f"<link>/</link>{language}{entries}</channel></rss>"
        )

    def _atom(self, items: Iterable[Item]) -> str:
        entries = "".join(
            f"<entry{_lang(item.language)}><id>tag:courier.example,2026:{item.identity}</id>"
            f'<title>{escape(item.title)}</title><link href="/articles/{item.identity}.html"/>'
            f'<content type="html">{escape(item.html)}</content><author><name>Ada Conti</name></author>'
            + (f"<published>{item.published.isoformat()}</published>" if item.published else "")
            + "</entry>"
            for item in items
        )
        return (
            f'<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"{_lang(self.language)}>'
            f"<title>The Sample Courier</title>{entries}</feed>"
        )

    def _json(self, items: Iterable[Item]) -> str:
        entries = [
            {
                "id": f"https://courier.example/{item.identity}",
                "url": f"https://courier.example/articles/{item.identity}.html",
                "title": item.title,
                "content_html": item.html,
                "authors": [{"name": "Ada Conti"}],
                **({"date_published": item.published.isoformat()} if item.published else {}),
                **({"language": item.language} if item.language else {}),
            }
            for item in items
        ]
        about = {"version": "https://jsonfeed.org/version/1.1", "title": "The Sample Courier"}
        return json.dumps({**about, **({"language": self.language} if self.language else {}), "items": entries})


def item(number: int, published: datetime | None, **changes: object) -> Item:
    """An article about electricity."""
    made = Item(
        str(number),
        f"Power is back in district {number}",
        f"<p>The grid operator said on Friday that <b>district {number}</b> has power again.</p><p>Bills stay.</p>",
        published,
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def _lang(language: str | None) -> str:
    return f' xml:lang="{language}"' if language else ""


@click.command(help=__doc__)
@click.option("--port", default=8095)
@click.option("--items", default=12, help="how many there are, one every ten minutes until the hour's end")
@click.option("--hour", type=click.DateTime(["%Y-%m-%dT%H"]), default="2026-11-20T08", help="UTC")
def main(port: int, items: int, hour: datetime) -> None:
    first = hour.replace(tzinfo=UTC) + timedelta(hours=1) - items * timedelta(minutes=10)
    site = FakeFeeds([item(number, first + number * timedelta(minutes=10)) for number in range(items)])
    with site.serve(port) as address:
        click.echo(f"{address}/rss, {address}/atom, {address}/json; Ctrl-C ends it")
        threading.Event().wait()


if __name__ == "__main__":
    main()
