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
from moto.server import ThreadedMotoServer

from socialnlp_assets.definitions import build_definitions
from socialnlp_assets.partitions import floor_hour, folder_of, key_of
from socialnlp_assets.resources.build import build_lake
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.sensors.queue import LandingQueue, keys_of
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


def waiting(settings: Settings) -> int:
    sqs = boto3.client("sqs", endpoint_url=settings.aws_endpoint_url, region_name="us-east-1")
    attributes = sqs.get_queue_attributes(
        QueueUrl=settings.landing_queue.format(workflow="sprinklr"), AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(attributes["Attributes"]["ApproximateNumberOfMessages"])


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


def test_a_notification_that_comes_twice_runs_once(settings: Settings) -> None:
    first = tick(settings, None)
    key = f"{Lake.landing_folder('sprinklr', RECENT)}/a.json"
    build_lake(settings).put(key, b"[]")
    send(settings, native(f"platform/{key}"))
    second = tick(settings, first.cursor)
    send(settings, native(f"platform/{key}"))
    third = tick(settings, second.cursor)
    assert (hours(second), hours(third)) == ([key_of(RECENT)], [])


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


@pytest.mark.parametrize("body", [{"Records": 7}, {"Records": {"s3": 1}}, [[]], 7, {"detail": {"object": [1]}}])
def test_what_is_no_notification_is_told_and_set_aside(settings: Settings, body: Any) -> None:
    first = tick(settings, None)
    key = f"{Lake.landing_folder('sprinklr', RECENT)}/a.json"
    build_lake(settings).put(key, b"[]")
    send(settings, body)
    send(settings, native(f"platform/{key}"))
    told: list[str] = []
    queue = LandingQueue(settings.landing_queue.format(workflow="sprinklr"), "us-east-1", settings.aws_endpoint_url)
    queue.receive(told.append)
    assert told == [f"what came through the queue is no notification of an object: {json.dumps(body)!r}"]
    second = tick(settings, first.cursor)
    assert hours(second) == [key_of(RECENT)]
    tick(settings, second.cursor)
    assert waiting(settings) == 0


def test_an_hour_under_way_is_not_forgotten(settings: Settings) -> None:
    first = tick(settings, None)
    now = floor_hour(datetime.now(UTC))
    key = f"{Lake.landing_folder('sprinklr', now)}/a.json"
    build_lake(settings).put(key, b"[]")
    send(settings, native(f"platform/{key}"))
    second = tick(settings, first.cursor)
    assert hours(second) == []
    assert json.loads(second.cursor or "")["waiting"] == [key_of(now)]


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
