"""A stand-in for Sprinklr: its listening streams v2 and v1, its tokens, its gateway with its limits.

    python -m socialnlp_assets.sources.sprinklr.stand_in --port 8098 --messages 500 --hour 2026-11-20T08

Then, from another terminal, ``curl -d '["truncated", "over_rate"]' http://127.0.0.1:8098/faults``
makes the next two answers go wrong.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal

import click

from socialnlp_assets.sources.invented.messages import Raw, sprinklr_v1, sprinklr_v2
from socialnlp_assets.sources.invented.phrases import phrases, post
from socialnlp_assets.sources.loopback import Fault, Faults, Request, Response, as_html, as_json, serve

KEY, SECRET, REFRESH_TOKEN = "sample-api-key-0001", "sample-api-secret-0001", "sample-refresh-token-0001"
MOST_OF_A_WINDOW = 10_000


def _over(what: str) -> Response:
    return as_html(
        f"<h1>Developer Over {what}</h1>", 403, X_Mashery_Error_Code=f"ERR_403_DEVELOPER_OVER_{what.upper()}"
    )


OWN_FAULTS: dict[str, Fault] = {
    "over_rate": lambda _: _over("Rate"),
    "echo": lambda response: Response(500, response.body),  # an error that repeats what it had made
}


@dataclass
class FakeSprinklr:
    """An account with `messages`, served newest first, as both streams do.

    An access token is good for `token_uses` requests, a refresh token for one. Each page also repeats the last
    `overlap` messages of the page before, as happens when messages arrive while one reads.
    """

    messages: Sequence[Raw]
    start_counts: Literal["pages", "rows"] = "pages"
    inclusive_ends: bool = True
    overlap: int = 0
    token_uses: int = 1_000_000
    calls_per_second: int = 1_000_000
    calls_per_hour: int = 1_000_000
    active: bool = True
    enabled: bool = True
    client_credentials: bool = True
    faults: Faults = field(default_factory=Faults)
    refresh_token: str = REFRESH_TOKEN
    access_token: str = ""
    calls: int = 0
    renewals: int = 0
    _uses: int = 0
    _times: deque[float] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, port: int = 0) -> AbstractContextManager[str]:
        """Serves while the block runs; yields the address to use as `Sprinklr.url`."""
        return serve(self._answer, self.faults, port, OWN_FAULTS)

    def _answer(self, request: Request) -> Response:
        with self._lock:
            self.calls += 1
            if self._over_limits():
                return _over("Rate")
            if request.path == "/oauth/token":
                return self._token(request)
            if request.headers.get("key") != KEY:
                return as_html("<h1>Developer Inactive</h1>", 403)
            if not self.active:
                return as_html("<h1>Developer Inactive</h1>", 403)
            self._uses += 1
            valid = self.access_token and self._uses <= self.token_uses
            if not valid or request.headers.get("authorization") != f"Bearer {self.access_token}":
                return as_json({"error": "Unauthorized", "token": request.headers.get("authorization")}, 401)
            if not self.enabled:
                return as_json({"message": "Streaming in listening is not enabled for you.", "data": {}})
            if request.path == "/api/v2/listening/query/stream":
                return self._stream(request.json(), "channelCreatedTime", self._v2)
            if request.path == "/api/v1/listening/query/stream":
                return self._stream(request.json(), "snCreatedTime", self._v1)
            return as_json({"error": "Resource Not Found"}, 404)

    def _over_limits(self) -> bool:
        now = time.monotonic()
        while self._times and self._times[0] < now - 3600:
            self._times.popleft()
        last_second = sum(1 for moment in self._times if moment > now - 1)
        if last_second >= self.calls_per_second or len(self._times) >= self.calls_per_hour:
            return True
        self._times.append(now)
        return False

    def _token(self, request: Request) -> Response:
        form = request.form()
        if (form.get("client_id"), form.get("client_secret")) != (KEY, SECRET):
            return as_json({"error": "invalid_client"}, 401)
        if form.get("grant_type") == "client_credentials" and not self.client_credentials:
            return as_json({"error": "unauthorized_client"}, 401)
        if form.get("grant_type") == "refresh_token" and form.get("refresh_token") != self.refresh_token:
            return as_json({"error": "invalid_grant", "refresh_token": form.get("refresh_token")}, 400)
        self.renewals += 1
        self._uses = 0
        self.access_token = f"sample-access-token-{self.renewals:04d}-{len(self.messages)}"
        self.refresh_token = f"sample-refresh-token-{self.renewals + 1:04d}"
        tokens = {"access_token": self.access_token, "refresh_token": self.refresh_token}
        return as_json({**tokens, "token_type": "Bearer", "expires_in": 28799})

    def _stream(self, query: dict[str, Any], time_name: str, shape: Any) -> Response:
        start, rows = int(query.get("start", 0)), int(query.get("rows", 20))
        first = start * rows if self.start_counts == "pages" else start
        if rows > 1000 or first >= MOST_OF_A_WINDOW:
            return as_json({"errors": [{"message": "rows and start are limited"}]}, 400)
        begin, end = int(query["sinceTime"]), int(query["untilTime"]) + self.inclusive_ends
        topics = {str(t) for f in query.get("filters", []) if f["dimension"] == "TOPIC" for t in f["filterValues"]}
        found = [
            m
            for m in self.messages
            if begin + (not self.inclusive_ends) <= m[time_name] < end
            and (not topics or topics & {str(t) for t in m["topicIds"]})
        ]
        found.sort(key=lambda m: -m[time_name])
        repeated = found[max(0, first - self.overlap) : first]
        return as_json(shape([*repeated, *found[first : first + rows]], first + rows < len(found)))

    @staticmethod
    def _v2(messages: list[Raw], more: bool) -> Raw:
        return {"data": {"result": messages, "hasMore": more}, "errors": []}

    @staticmethod
    def _v1(messages: list[Raw], more: bool) -> Raw:
        return {"status": "SUCCESS", "response": {"data": messages, "hasMore": more}}


def many_messages(count: int, hour: datetime, api: str = "v2", seed: int = 1) -> list[Raw]:
    """So many messages of `hour`: the first at its first millisecond, the second at its last, the rest between;
    one more at the first millisecond of the next hour and one at the last of the hour before."""
    rng, shape = Random(seed), sprinklr_v2 if api == "v2" else sprinklr_v1
    last = 3_600_000 - 1
    offsets = [0, last, *(rng.randint(0, last) for _ in range(count - 2)), last + 1, -1]
    made = []
    for number, offset in enumerate(offsets):
        name = ("it", "en", "fr", "sw")[number % 4]
        phrase = phrases(name)[number % len(phrases(name))]
        when = hour + timedelta(milliseconds=offset)
        made.append(shape(post(phrase, name, rng), name, phrase.section, when, rng))
    return made


@click.command(help=__doc__)
@click.option("--port", default=8098)
@click.option("--messages", default=500, help="how many messages the hour holds")
@click.option("--hour", type=click.DateTime(["%Y-%m-%dT%H"]), default="2026-11-20T08", help="UTC")
@click.option("--api", type=click.Choice(["v2", "v1"]), default="v2")
@click.option("--fault-rate", default=0.0, help="share of the answers that go wrong at random")
def main(port: int, messages: int, hour: datetime, api: str, fault_rate: float) -> None:
    account = FakeSprinklr(many_messages(messages, hour.replace(tzinfo=UTC), api), faults=Faults(fault_rate))
    with account.serve(port) as address:
        click.echo(f"{address} — key {KEY}, secret {SECRET}, refresh token {REFRESH_TOKEN}; Ctrl-C ends it")
        threading.Event().wait()


if __name__ == "__main__":
    main()
