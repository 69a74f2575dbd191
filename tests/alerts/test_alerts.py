"""Alerts as receivers get them: a webhook and Slack's over HTTP, SNS by moto's server; and when they are told."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from moto.server import ThreadedMotoServer

from socialnlp_assets.alerts import Alert, AlertNotSent, Memory, State, Trouble, tell
from socialnlp_assets.alerts.channels import Channel, ChannelBusy, ChannelError, Webhook
from socialnlp_assets.alerts.resource import build_alerts
from socialnlp_assets.settings import Settings, SettingsError
from socialnlp_assets.sources.loopback import Faults, Request, Response, serve

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ALERT = Alert("failure", "failure: sprinklr 08:00 <!channel>", ("why & how", "x" * 1000), State.NEW)


@contextmanager
def receiver(*faults: str) -> Iterator[tuple[str, list[Request]]]:
    """A receiver of webhooks, its address, and what it has got; the first answers go wrong by `faults`."""
    got: list[Request] = []

    def answer(request: Request) -> Response:
        got.append(request)
        return Response(200, b"ok", "text/plain")

    script = Faults()
    script.script(faults)
    with serve(answer, script) as address:
        yield address, got


def test_a_webhook_and_slack_get_the_alert_each_in_its_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as (address, got):
        monkeypatch.setenv("SOCIALNLP_SECRET_OPS_SLACK", f"{address}/services/T0/SECRET")
        settings = Settings(state=tmp_path, alerts=f"webhook:{address}/hook, slack:ops_slack")
        alerts = build_alerts(settings)
        alerts.send(ALERT)
    plain, slack = (request.json() for request in got)
    assert [request.path for request in got] == ["/hook", "/services/T0/SECRET"]
    assert (plain["kind"], plain["state"], plain["title"]) == ("failure", "new", ALERT.title)
    assert plain["lines"][0] == "why & how"
    assert len(plain["lines"][1]) == 300
    assert got[0].headers["idempotency-key"] == plain["id"]
    assert slack["text"].splitlines()[:2] == ["*failure: sprinklr 08:00 &lt;!channel&gt;*", "• why &amp; how"]
    assert "SECRET" not in repr(alerts)


def test_a_channel_that_is_busy_is_asked_again_and_one_that_refuses_is_told_without_its_address() -> None:
    with receiver("503", "429", "reset") as (address, got):
        Webhook(f"{address}/SECRET").send(ALERT)
    assert len(got) == 4
    with serve(lambda _: Response(404)) as address, pytest.raises(ChannelError, match="answered 404") as told:
        Webhook(f"{address}/SECRET").send(ALERT)
    assert "SECRET" not in str(told.value)
    deaf = socket.create_server(("127.0.0.1", 0))
    port = deaf.getsockname()[1]
    deaf.close()
    with pytest.raises(ChannelBusy, match="connection failed") as told:
        Webhook(f"http://127.0.0.1:{port}/SECRET", patience=0).send(ALERT)
    assert "SECRET" not in str(told.value)


def test_one_channel_that_fails_keeps_no_other_from_its_alert(tmp_path: Path) -> None:
    with receiver() as (address, got):
        alerts = build_alerts(Settings(state=tmp_path, alerts=f"slack:missing,webhook:{address}/hook"))
        with pytest.raises(AlertNotSent, match="slack:missing: the secret 'missing' is not set; export SOCIALNLP_SECR"):
            alerts.send(ALERT)
    assert len(got) == 1


def test_a_topic_of_sns_gets_subject_text_and_attributes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server = ThreadedMotoServer(port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        aws: dict[str, Any] = {"endpoint_url": f"http://{host}:{port}", "region_name": "eu-west-1"}
        urllib3.request("POST", f"{aws['endpoint_url']}/moto-api/reset")
        topic = boto3.client("sns", **aws).create_topic(Name="ops")["TopicArn"]
        sqs = boto3.client("sqs", **aws)
        queue = sqs.create_queue(QueueName="ops")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        boto3.client("sns", **aws).subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        settings = Settings(state=tmp_path, alerts=f"sns:{topic}", aws_endpoint_url=aws["endpoint_url"])
        build_alerts(settings).send(Alert("drift", "drift: è\n" + "x" * 200, ("why",)))
        (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
        with pytest.raises(AlertNotSent, match="SNS answered NotFound"):
            build_alerts(settings.model_copy(update={"alerts": (f"sns:{topic}2",)})).send(ALERT)
    finally:
        server.stop()
    got = json.loads(message["Body"])
    assert got["Subject"].startswith("drift: ? xxx")
    assert len(got["Subject"]) <= 100
    assert got["Message"].splitlines()[-1] == "why"
    assert got["MessageAttributes"]["kind"]["Value"] == "drift"


@pytest.mark.parametrize(
    "value",
    ["pigeon:x", "slack:https://hooks.slack.com/services/T0/SECRET", "sns:ops", "webhook:https://me:SECRET@x", "ops"],
)
def test_a_channel_that_is_none_is_told_without_what_may_be_a_secret(value: str) -> None:
    with pytest.raises(SettingsError, match="SOCIALNLP_ALERTS=…: must be webhook:https://…") as told:
        Settings(alerts=value)
    assert "SECRET" not in str(told.value)


class Recorder(Channel):
    """A channel in this process; while `down`, it takes nothing."""

    def __init__(self) -> None:
        self.got: list[Alert] = []
        self.down = False

    def send(self, alert: Alert) -> None:
        if self.down:
            raise ChannelError("down")
        self.got.append(alert)

    def take(self) -> list[tuple[State, int]]:
        """State, and how many troubles, of each alert since the last call."""
        got, self.got = self.got, []
        return [(alert.state, len(alert.lines)) for alert in got]


def hours(*names: str) -> dict[str, list[Trouble]]:
    return {"failure": [Trouble("failure", name, "no", "run it") for name in names]}


class Day:
    """One channel's day, with its memory written and read between ticks."""

    def __init__(self) -> None:
        self.channel, self.stored, self.now = Recorder(), "", NOON

    def tick(self, minutes: int, found: dict[str, list[Trouble]], **more: Any) -> list[tuple[State, int]]:
        self.now += timedelta(minutes=minutes)
        memory = Memory.read(self.stored)
        try:
            tell(self.channel, found, memory, self.now, **more)
        finally:
            self.stored = memory.write()
        return self.channel.take()


def test_troubles_that_begin_together_are_one_alert_and_are_told_again_in_growing_pauses() -> None:
    day = Day()
    assert day.tick(0, hours("a", "b")) == [(State.NEW, 2)]
    told = [minute for minute in range(1, 49 * 60) if day.tick(1, hours("a", "b"))]
    assert told == [60, 180, 420, 900, 1860]  # after 1, 2, 4, 8 and 16 hours; then once a day


def test_what_is_over_is_told_once_and_what_flickers_is_not() -> None:
    day = Day()
    day.tick(0, hours("a"))
    assert day.tick(1, hours()) == []
    assert day.tick(1, hours("a")) == []
    assert day.tick(1, hours()) == []
    assert day.tick(4, hours()) == []
    assert day.tick(1, hours()) == [(State.OVER, 1)]
    assert day.tick(60, hours()) == []
    assert day.tick(1, hours("a")) == [(State.NEW, 1)]


def test_what_was_not_looked_at_or_is_being_mended_is_not_over() -> None:
    day = Day()
    day.tick(0, hours("a"))
    assert day.tick(30, {}) == []
    assert day.tick(30, hours(), undecided=[("failure", "a")]) == []
    assert day.tick(30, hours(), undecided=[("failure", "a")]) == []
    assert day.tick(1, hours()) == []


def test_a_channel_that_was_down_is_told_later() -> None:
    day = Day()
    day.channel.down = True
    with pytest.raises(ChannelError):
        day.tick(0, hours("a"))
    day.channel.down = False
    assert day.tick(1, hours("a")) == [(State.NEW, 1)]
    assert day.tick(1, hours("a")) == []
