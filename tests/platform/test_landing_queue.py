"""The landing sensor on S3 with an SQS queue of notifications: moto's servers over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import boto3
import dagster as dg
import pytest
import urllib3
from botocore.httpsession import URLLib3Session
from moto.server import ThreadedMotoServer

from socialnlp_assets.definitions import build_definitions
from socialnlp_assets.partitions import floor_hour, folder_of, key_of
from socialnlp_assets.resources.build import build_lake
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.sensors import arrivals
from socialnlp_assets.sensors.arrivals import SENSOR_SECONDS
from socialnlp_assets.sensors.queue import HIDDEN_SECONDS, LandingQueue, keys_of
from socialnlp_assets.settings import Settings

pytestmark = pytest.mark.slow

RECENT = floor_hour(datetime.now(UTC)) - timedelta(hours=3)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    # moto's servers of one process share their state.
    urllib3.request("POST", f"{address}/moto-api/reset")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    boto3.client("s3", endpoint_url=address, region_name="us-east-1").create_bucket(Bucket="lake")
    sqs = boto3.client("sqs", endpoint_url=address, region_name="us-east-1")
    url = sqs.create_queue(QueueName="landing-sprinklr", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
    yield Settings(
        lake="s3://lake/platform",
        state=tmp_path,
        aws_region="us-east-1",
        aws_endpoint_url=address,
        landing_queue=url.replace("sprinklr", "{workflow}"),
    )
    server.stop()


def send(settings: Settings, body: Any) -> None:
    sqs = boto3.client("sqs", endpoint_url=settings.aws_endpoint_url, region_name="us-east-1")
    sqs.send_message(QueueUrl=settings.landing_queue.format(workflow="sprinklr"), MessageBody=json.dumps(body))


def native(key: str) -> dict[str, Any]:
    return {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"object": {"key": quote_plus(key), "eTag": "x"}}}]}


def tick(settings: Settings, cursor: str | None, instance: dg.DagsterInstance | None = None) -> dg.SensorResult:
    if instance is None:
        with dg.DagsterInstance.ephemeral() as instance:
            return tick(settings, cursor, instance)
    sensor = build_definitions(settings).resolve_sensor_def("sprinklr_landing")
    lake = build_lake(settings)
    with dg.build_sensor_context(instance=instance, cursor=cursor, resources={"lake": lake}) as context:
        result = sensor(context)
    assert isinstance(result, dg.SensorResult)
    return result


def waiting(settings: Settings, queue: str = "sprinklr") -> int:
    """Messages in the queue, those that a tick has received and not deleted, too."""
    sqs = boto3.client("sqs", endpoint_url=settings.aws_endpoint_url, region_name="us-east-1")
    attributes = sqs.get_queue_attributes(
        QueueUrl=settings.landing_queue.format(workflow=queue),
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )
    return sum(map(int, attributes["Attributes"].values()))


def hours(result: dg.SensorResult) -> list[str]:
    return [str(request.partition_key) for request in result.run_requests or []]


def test_notifications_say_which_hours_to_look_at(settings: Settings) -> None:
    lake = build_lake(settings)
    first = tick(settings, None)  # without a cursor, the whole window is listed
    assert hours(first) == []
    key = f"{Lake.landing_folder('sprinklr', RECENT)}/new file.json"
    lake.put(key, b"[]")
    lake.put(f"{Lake.landing_folder('sprinklr', RECENT - timedelta(hours=1))}/unannounced.json", b"[]")
    send(settings, {"Service": "Amazon S3", "Event": "s3:TestEvent"})
    send(settings, native(f"platform/{key}"))
    second = tick(settings, first.cursor)
    assert hours(second) == [key_of(RECENT)]
    assert waiting(settings) == 2  # deleted only by the tick that was given this one's cursor
    third = tick(settings, second.cursor)
    assert waiting(settings) == 0
    assert hours(third) == []


@pytest.mark.parametrize("contents", [[b"[1]", b"[2]", b"[1]", b"[2]", b"[1]"], [b"[1]", b"[1]"]])
def test_content_that_comes_back_runs_its_hour_again_and_a_repeat_does_not(
    settings: Settings, contents: list[bytes]
) -> None:
    """S3's entity tag is that of the content: what came first and comes again looks as it did then."""
    job = build_definitions(settings).resolve_job_def("sprinklr")
    key = f"{Lake.landing_folder('sprinklr', RECENT)}/a.json"
    runs: list[dg.RunRequest] = []
    with dg.DagsterInstance.ephemeral() as instance:
        cursor = tick(settings, None, instance).cursor
        for content in contents:
            build_lake(settings).put(key, content)
            send(settings, native(f"platform/{key}"))
            result = tick(settings, cursor, instance)
            cursor = result.cursor
            for request in result.run_requests or []:
                instance.create_run_for_job(job, tags=request.tags, status=dg.DagsterRunStatus.SUCCESS)
                runs.append(request)
        lost = tick(settings.model_copy(update={"landing_queue": ""}), None, instance)
    distinct = [content for n, content in enumerate(contents) if n == 0 or content != contents[n - 1]]
    assert len(runs) == len(distinct)
    assert len({request.run_key for request in runs}) == len(runs)  # Dagster runs each key once
    assert hours(lost) == []  # the cursor is lost, and the last run was of just this


def test_notifications_of_either_kind_in_any_order_and_twice_run_each_hour_once(settings: Settings) -> None:
    cursor = tick(settings, None).cursor
    earlier = RECENT - timedelta(hours=1)
    keys = [f"{Lake.landing_folder('sprinklr', hour)}/è +.json" for hour in (RECENT, earlier)]
    for key in keys:
        build_lake(settings).put(key, b"[]")
        send(settings, {"detail-type": "Object Created", "detail": {"object": {"key": f"platform/{key}", "etag": "x"}}})
    for key in keys:
        send(settings, native(f"platform/{key}"))
    first = tick(settings, cursor)
    assert hours(first) == [key_of(earlier), key_of(RECENT)]
    assert hours(tick(settings, first.cursor)) == []
    assert waiting(settings) == 0


def test_a_notification_is_hidden_for_longer_than_a_tick_and_comes_back_if_the_tick_was_lost(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = tick(settings, None).cursor
    key = f"{Lake.landing_folder('sprinklr', RECENT)}/a.json"
    build_lake(settings).put(key, b"[]")
    send(settings, native(f"platform/{key}"))
    assert hours(tick(settings, cursor)) == [key_of(RECENT)]  # and the daemon ends before it has stored this
    assert hours(tick(settings, cursor)) == []  # hidden, although the queue itself hides nothing
    assert waiting(settings) == 1
    assert HIDDEN_SECONDS > 2 * SENSOR_SECONDS
    monkeypatch.setattr("socialnlp_assets.sensors.queue.HIDDEN_SECONDS", 0)
    send(settings, native(f"platform/{key}"))  # as the first does when it is seen again
    assert hours(tick(settings, cursor)) == [key_of(RECENT)]


def test_what_is_no_notification_is_told_and_deleted_where_there_is_no_dead_letter_queue(settings: Settings) -> None:
    queue = LandingQueue(settings.landing_queue.format(workflow="sprinklr"), "us-east-1", settings.aws_endpoint_url)
    send(settings, {"Records": 7})
    told: list[str] = []
    _, receipts = queue.receive(told.append)
    assert told == ["what came through the queue is no notification of an object: '{\"Records\": 7}'"]
    queue.delete(receipts)
    assert waiting(settings) == 0


def test_what_is_no_notification_ends_in_the_dead_letter_queue(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socialnlp_assets.sensors.queue.HIDDEN_SECONDS", 0)
    sqs = boto3.client("sqs", endpoint_url=settings.aws_endpoint_url, region_name="us-east-1")
    dead = sqs.create_queue(QueueName="landing-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    url = settings.landing_queue.format(workflow="sprinklr")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
    cursor = tick(settings, None).cursor
    key = f"{Lake.landing_folder('sprinklr', RECENT)}/a.json"
    build_lake(settings).put(key, b"[]")
    send(settings, {"Records": 7})
    send(settings, native(f"platform/{key}"))
    asked = []
    for _ in range(4):
        result = tick(settings, cursor)
        cursor = result.cursor
        asked += hours(result)
    assert asked == [key_of(RECENT)]
    assert (waiting(settings), waiting(settings, "dead")) == (0, 1)


def test_a_listing_once_an_hour_finds_what_no_notification_told(settings: Settings) -> None:
    cursor = tick(settings, None).cursor
    build_lake(settings).put(f"{Lake.landing_folder('sprinklr', RECENT)}/untold.json", b"[]")
    second = tick(settings, cursor)
    assert hours(second) == []
    stored = json.loads(second.cursor or "")
    stored["listed"] -= 3600
    assert hours(tick(settings, json.dumps(stored))) == [key_of(RECENT)]


def test_old_keys_cost_a_tick_no_request(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = build_lake(settings)
    for number in range(1100):  # more than a page
        lake.put(f"landing/sprinklr/date=2026-01-01/hour=08/{number}.json", b"")
    lake.put(f"{Lake.landing_folder('sprinklr', RECENT)}/new.json", b"[]")
    asked: list[str] = []
    send_ = URLLib3Session.send
    monkeypatch.setattr(URLLib3Session, "send", lambda session, sent: asked.append(sent.url) or send_(session, sent))
    assert hours(tick(settings.model_copy(update={"landing_queue": ""}), None)) == [key_of(RECENT)]
    assert len([url for url in asked if "list-type=2" in url]) == 2  # the area, and the markers of moved messages


def test_all_notifications_that_wait_are_taken_at_once(settings: Settings) -> None:
    for number in range(12):  # more than SQS gives at a time
        send(settings, native(f"platform/{Lake.landing_folder('sprinklr', RECENT)}/{number}.json"))
    queue = LandingQueue(settings.landing_queue.format(workflow="sprinklr"), "us-east-1", settings.aws_endpoint_url)
    found, receipts = queue.receive()
    assert (found, len(receipts)) == ({RECENT}, 12)
    queue.delete(receipts)
    assert waiting(settings) == 0


def test_an_hour_under_way_is_not_forgotten(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    first = tick(settings, None)
    now = floor_hour(datetime.now(UTC))
    key = f"{Lake.landing_folder('sprinklr', now)}/a.json"
    build_lake(settings).put(key, b"[]")
    send(settings, native(f"platform/{key}"))
    second = tick(settings, first.cursor)
    assert hours(second) == []
    assert json.loads(second.cursor or "")["waiting"] == [key_of(now)]

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(hours=1)

    monkeypatch.setattr(arrivals, "datetime", Later)
    monkeypatch.setattr(arrivals, "RECONCILED", timedelta(days=1))  # no listing finds it
    assert hours(tick(settings, second.cursor)) == [key_of(now)]


def test_messages_moved_to_an_hour_long_ago_need_no_notification(settings: Settings) -> None:
    lake, long_ago = build_lake(settings), RECENT - timedelta(hours=200)
    first = tick(settings, None)
    lake.put(f"{Lake.landing_folder('sprinklr', long_ago)}/from-a.json", b"[]")
    lake.put(f"{Lake.moved_folder('sprinklr')}/{folder_of(long_ago)}/from-a.json", b"")
    second = tick(settings, first.cursor)
    assert hours(second) == [key_of(long_ago)]
    assert hours(tick(settings, second.cursor)) == []
    assert list(lake.objects(Lake.moved_folder("sprinklr"))) == []


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        (native("a/hour=08/x y.json"), ["a/hour=08/x y.json"]),
        ({"detail": {"object": {"key": "a/b+c.json", "etag": "x"}}}, ["a/b+c.json"]),
        ({"Message": json.dumps(native("a"))}, ["a"]),
        ({"Event": "s3:TestEvent"}, []),
        ({"Records": [{"s3": None}, 7]}, []),
        ([1], []),
        ("text", []),
        ({"Records": 7}, []),
        ({"Records": {"s3": {"object": {"key": "a"}}}}, []),
    ],
)
def test_what_notifications_name(body: Any, keys: list[str]) -> None:
    assert list(keys_of(json.dumps(body))) == keys


def test_what_is_no_json_names_nothing() -> None:
    assert list(keys_of("<xml/>")) == []
    assert list(keys_of("[" * 100_000)) == []


def test_more_notifications_than_one_receive_takes(settings: Settings) -> None:
    for number in range(23):
        send(settings, native(f"platform/landing/sprinklr/date=2026-11-20/hour={number:02}/a.json"))
    queue = LandingQueue(settings.landing_queue.format(workflow="sprinklr"), "us-east-1", settings.aws_endpoint_url)
    found, receipts = queue.receive()
    assert len(found) >= 10
    queue.delete(receipts)
