"""A stand-in for one Mastodon instance: its hashtag timelines, its paging, its counting of calls.

    python -m socialnlp_assets.sources.mastodon.stand_in --port 8096 --hour 2026-11-20T08

Then ``curl -d '["429", "truncated"]' http://127.0.0.1:8096/faults`` makes the next two answers go wrong.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any
from urllib.parse import unquote

import click

from socialnlp_assets.sources.loopback import Fault, Faults, Request, Response, as_json, serve

Raw = dict[str, Any]
OWN_FAULTS: dict[str, Fault] = {
    "no_timeline": lambda _: as_json({"error": "Record not found"}),
    "members": lambda _: as_json({"error": "This method requires an authenticated user"}, 422),
}


@dataclass
class FakeMastodon:
    """An instance with `statuses`, of which it shows to strangers `calls` pages in each window of so many seconds."""

    statuses: Sequence[Raw]
    calls: int = 300
    window_seconds: float = 300.0
    faults: Faults = field(default_factory=Faults)
    asked: list[Request] = field(default_factory=list)
    refused: int = 0
    _used: int = 0
    _window: int = -1
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, port: int = 0) -> AbstractContextManager[str]:
        """Serves while the block runs; yields the address of the instance."""
        return serve(self.answer, self.faults, port, OWN_FAULTS)

    def answer(self, request: Request) -> Response:
        with self._lock:
            self.asked.append(request)
            remaining, reset = self._count()
            headers = {"X-RateLimit-Limit": str(self.calls), "X-RateLimit-Remaining": str(max(0, remaining))}
            headers["X-RateLimit-Reset"] = reset.isoformat(timespec="microseconds").replace("+00:00", "Z")
            if remaining < 0:
                self.refused += 1
                return Response(429, b'{"error":"Too many requests"}', headers=headers)
            start = "/api/v1/timelines/tag/"
            if not request.path.startswith(start):
                return as_json({"error": "Not found"}, 404)
            page = self.page(unquote(request.path.removeprefix(start)).lower(), request)
            if page:
                here, ids = f"http://{request.headers['host']}{request.path}", [int(status["id"]) for status in page]
                headers["Link"] = f'<{here}?max_id={min(ids)}>; rel="next", <{here}?min_id={max(ids)}>; rel="prev"'
            found = as_json(page)
            return Response(found.status, found.body, headers=headers)

    def _count(self) -> tuple[int, datetime]:
        window = int(time.time() // self.window_seconds)
        if window != self._window:
            self._window, self._used = window, 0
        self._used += 1
        return self.calls - self._used, datetime.fromtimestamp((window + 1) * self.window_seconds, UTC)

    def page(self, hashtag: str, request: Request) -> list[Raw]:
        """Newest first; the page next to `min_id`, or else the newest below `max_id` and above `since_id`."""
        query = {name: int(request.query[name]) for name in ("min_id", "since_id", "max_id") if name in request.query}
        above, below = query.get("min_id", query.get("since_id", -1)), query.get("max_id", 1 << 80)
        found = sorted(
            (s for s in self.statuses if above < int(s["id"]) < below and hashtag in {t["name"] for t in s["tags"]}),
            key=lambda status: -int(status["id"]),
        )
        limit = min(40, int(request.query.get("limit", 20)))
        return found[-limit:] if "min_id" in query else found[:limit]


def status(
    number: int, when: datetime, *hashtags: str, text: str = "", language: str | None = "en", **changes: Any
) -> Raw:
    """A status that somebody wrote at `when` on an instance called social.example."""
    said = text or f"The power is back, says number {number}."
    tags = "".join(
        f' <a href="https://social.example/tags/{tag}" class="mention hashtag">#<span>{tag}</span></a>'
        for tag in hashtags
    )
    return {
        "id": str((round(when.timestamp() * 1000) << 16) + number % 65536),
        "created_at": when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "in_reply_to_id": None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "language": language,
        "uri": f"https://social.example/users/ada/statuses/{number}",
        "url": f"https://social.example/@ada/{number}",
        "replies_count": 0,
        "reblogs_count": 0,
        "favourites_count": 0,
        "edited_at": None,
        "content": f"<p>{escape(said, quote=False)}</p><p>{tags.strip()}</p>",
        "reblog": None,
        "account": {
            "id": "109", "username": "ada", "acct": "ada", "display_name": "Ada", "url": "https://social.example/@ada",
            "followers_count": 12, "following_count": 3, "statuses_count": 700,
        },
        "tags": [{"name": tag, "url": f"https://social.example/tags/{tag}"} for tag in hashtags],
        "mentions": [],
        "media_attachments": [],
        "emojis": [],
    } | changes  # fmt: skip


@click.command(help=__doc__)
@click.option("--port", default=8096)
@click.option("--statuses", default=100, help="how many the hour holds, under #energia")
@click.option("--hour", type=click.DateTime(["%Y-%m-%dT%H"]), default="2026-11-20T08", help="UTC")
def main(port: int, statuses: int, hour: datetime) -> None:
    step = timedelta(hours=1) / statuses
    made = [status(number, hour.replace(tzinfo=UTC) + number * step, "energia") for number in range(statuses)]
    with FakeMastodon(made).serve(port) as address:
        click.echo(f"{address} — #energia; Ctrl-C ends it")
        threading.Event().wait()


if __name__ == "__main__":
    main()
