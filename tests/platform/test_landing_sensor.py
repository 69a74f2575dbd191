"""The landing sensor: what it asks for when files arrive, and what it says when it asks for nothing."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import dagster as dg
import pytest
from pydantic import PrivateAttr

from socialnlp_assets.partitions import floor_hour, key_of
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.landed import Landed
from socialnlp_assets.resources.objects import LandedFile
from socialnlp_assets.sensors.arrivals import Cursor, LandingArea
from socialnlp_assets.sensors.walk import MOST_FILES_A_TICK, Hours, Walk, walk_on
from tests.platform.conftest import HOUR, Platform, message

logger = logging.getLogger(__name__)

NOW = HOUR + timedelta(hours=2, minutes=20)
LATER = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def seen() -> Cursor:
    return Cursor()


def tick(platform: Platform, seen: Cursor, now: datetime = NOW, lookback: int = 72) -> tuple[list[str], str]:
    """The hours that a tick asks for, and what it says; `seen` is written and read, as between ticks."""
    cursor = Cursor.read(seen.write())
    found = LandingArea(platform.lake, "sprinklr", platform.settings.start, lookback).look(cursor, now)
    seen.__dict__.update(cursor.__dict__)
    return [str(request.partition_key) for request in found.requests], found.message()


def test_one_run_an_hour_however_many_files(platform: Platform, seen: Cursor) -> None:
    for name in ("a.json", "b.json", "c.csv"):
        platform.land([], name)
    platform.land([], hour=LATER)
    assert tick(platform, seen)[0] == [key_of(HOUR), key_of(LATER)]


def test_repeats_do_nothing_and_say_so(platform: Platform, seen: Cursor) -> None:
    platform.land([message(1)])
    tick(platform, seen)
    assert tick(platform, seen) == ([], "nothing new has landed")


def test_a_late_file_runs_its_hour_again(platform: Platform, seen: Cursor) -> None:
    platform.land([message(1)])
    platform.land([message(1)], hour=LATER)
    tick(platform, seen)
    platform.land([message(2)], "late.json")
    assert tick(platform, seen)[0] == [key_of(HOUR)]


def test_a_rewritten_file_runs_its_hour_again(platform: Platform, seen: Cursor) -> None:
    platform.land([message(1)])
    tick(platform, seen)
    platform.land([message(1), message(2)])
    assert tick(platform, seen)[0] == [key_of(HOUR)]


def test_a_deleted_file_runs_nothing(platform: Platform, seen: Cursor) -> None:
    path = platform.land([message(1)], "a.json")
    platform.land([message(2)], "b.json")
    tick(platform, seen)
    platform.lake.delete([path])
    assert tick(platform, seen)[0] == []


def test_other_files_are_no_arrivals(platform: Platform, seen: Cursor) -> None:
    platform.land(b"", "_SUCCESS")
    platform.land(b"", "batch.json.tmp")
    platform.lake.put("landing/sprinklr/date=2026-11-20/notes.txt", b"")
    platform.lake.put("landing/sprinklr/date=2026-11-20/hour=99/a.json", b"[]")
    platform.land([message(1)], workflow="rwanda")
    assert tick(platform, seen) == ([], "nothing new has landed")


def test_a_name_that_cannot_be_read_is_told_and_stops_nothing(platform: Platform, seen: Cursor) -> None:
    platform.land([message(1)])
    folder = Path(platform.settings.lake_uri) / "landing/sprinklr/date=2026-11-20/hour=08"
    (folder / "a\nb.json").write_bytes(b"[]")
    (folder / os.fsdecode(b"\xff.json")).write_bytes(b"[]")
    hours, said = tick(platform, seen)
    assert hours == [key_of(HOUR)]
    assert "hour=08/a\\nb.json' is skipped: its name holds a control character; give it another one" in said
    assert "hour=08/\\udcff.json' is skipped: its name is not UTF-8" in said
    result = platform.ingest()
    assert result.success
    assert [row["message_id"] for row in platform.rows("posts")] == ["m1"]


def test_an_hour_of_one_digit_is_that_hour(platform: Platform, seen: Cursor) -> None:
    platform.lake.put("landing/sprinklr/date=2026-11-20/hour=8/a.json", json.dumps([message(1)]).encode())
    assert tick(platform, seen)[0] == [key_of(HOUR)]
    assert platform.ingest().success
    assert [row["message_id"] for row in platform.rows("posts")] == ["m1"]


def test_the_hour_under_way_waits_with_a_reason(platform: Platform, seen: Cursor) -> None:
    platform.land([message(1)], hour=floor_hour(NOW))
    assert tick(platform, seen) == ([], f"{key_of(floor_hour(NOW))} is not over yet: 1 files wait")
    assert tick(platform, seen, now=NOW + timedelta(hours=1))[0] == [key_of(floor_hour(NOW))]


def test_an_hour_before_the_first_partition_is_skipped_with_a_reason(platform: Platform, seen: Cursor) -> None:
    early = platform.settings.start - timedelta(hours=1)
    platform.land([message(1)], hour=early)
    hours, said = tick(platform, seen, now=platform.settings.start + timedelta(hours=3))
    assert hours == []
    assert "lies before the first partition" in said


def test_the_ledger_forgets_what_the_window_has_left(platform: Platform, seen: Cursor) -> None:
    platform.land([message(1)])
    tick(platform, seen)
    assert set(seen.ledger) == {HOUR}
    tick(platform, seen, now=NOW + timedelta(hours=100))
    assert seen.ledger == {}


def test_a_flood_of_hours_is_spread_over_ticks_and_none_is_lost(platform: Platform) -> None:
    hours = [HOUR - timedelta(hours=n) for n in range(60)]
    for hour in hours:
        platform.land([], hour=hour)
    seen = Cursor()
    first, said = tick(platform, seen)
    second, _ = tick(platform, seen)
    assert len(first) == 48
    assert "waits for the next tick" in said
    assert sorted(first + second) == sorted(map(key_of, hours))


class CountedKeys(Lake):
    """A landing area of any number of keys, made as they are read, as S3 lists them: in order, after a key."""

    _read: int = PrivateAttr(default=0)

    @property
    def read(self) -> int:
        return self._read

    def objects(
        self, prefix: str, skipped: Callable[[str], None] = logger.warning, after: str = ""
    ) -> Iterator[LandedFile]:
        del skipped
        for day in range(-21, 1):
            for hour in range(24):
                folder = f"{prefix}/date={HOUR + timedelta(days=day):%Y-%m-%d}/hour={hour:02}/"
                if f"{folder}~" <= after:  # S3 passes over these at no cost
                    continue
                for number in range(2000):
                    path = f"{folder}{number:04}.json"
                    if path > after:
                        self._read += 1
                        yield LandedFile(path, "e", 1, 0.0)


def test_a_million_old_keys_cost_nothing_and_a_full_window_is_read_in_pieces() -> None:
    lake = CountedKeys(uri="/none")
    area = LandingArea(lake, "sprinklr", HOUR - timedelta(days=30), lookback=24)
    cursor, asked, ticks = Cursor(), [], 0
    while not cursor.listed:
        before = lake.read
        found = area.look(cursor, NOW)
        asked += [str(request.partition_key) for request in found.requests]
        cursor = Cursor.read(cursor.write())
        assert lake.read - before <= MOST_FILES_A_TICK + 1  # one more tells that there are more
        assert len(cursor.write()) < 10_000
        ticks += 1
    assert sorted(asked) == [key_of(NOW.replace(minute=0) - timedelta(hours=n)) for n in range(24, 0, -1)]
    assert lake.read < 100_000  # of more than a million
    assert ticks == 10


def test_a_file_that_lands_behind_the_listing_is_found_by_the_next(platform: Platform) -> None:
    for name in ("b", "c", "d"):
        platform.land([], f"{name}.json")
    seen: Hours = {}
    found, walk = walk_on(platform.lake, "sprinklr", HOUR, Walk(), seen.get, most=2)
    assert (found, walk.hours[HOUR].files) == ({}, 2)
    platform.land([], "a.json")
    found, walk = walk_on(platform.lake, "sprinklr", HOUR, walk, seen.get, most=2)
    assert (found[HOUR].files, walk) == (3, Walk())
    again, _ = walk_on(platform.lake, "sprinklr", HOUR, walk, seen.get)
    assert again[HOUR].adds_to(found[HOUR])


def test_a_cursor_of_an_earlier_version_is_read(platform: Platform) -> None:
    paths = [platform.land([message(n)], f"{n}.json") for n in (1, 2)]
    files = {file.path: file for file in platform.lake.landed("sprinklr", HOUR)}
    fingerprints = [blake2b(f"{p}\0{files[p].etag}".encode(), digest_size=6).hexdigest() for p in paths]
    stored = {"ledger": {key_of(HOUR): fingerprints}, "waiting": [], "receipts": [], "moved": []}
    cursor = Cursor.read(json.dumps(stored))
    assert tick(platform, cursor)[0] == []
    platform.land([message(3)], "3.json")
    assert tick(platform, cursor)[0] == [key_of(HOUR)]


def test_what_is_new_in_an_hour() -> None:
    before = Landed(3, 30, total=7, newest=100.0)
    assert not before.adds_to(before)
    assert not Landed(2, 20, total=5, newest=100.0).adds_to(before)  # one is gone
    assert Landed(3, 30, total=8, newest=90.0).adds_to(before)  # another file, though of an older date
    assert Landed(2, 20, total=5, newest=101.0).adds_to(before)  # two are gone, and one came


def at(hour: datetime) -> int:
    """An hour as a message's `channelCreatedTime`."""
    return int(hour.timestamp() * 1000)


def evaluate(platform: Platform, cursor: str | None = None) -> dg.SensorResult:
    """One tick of the sensor as Dagster evaluates it."""
    sensor = platform.definitions.resolve_sensor_def("sprinklr_landing")
    with dg.build_sensor_context(
        instance=platform.instance, cursor=cursor, resources={"lake": platform.lake}
    ) as context:
        result = sensor(context)
    assert isinstance(result, dg.SensorResult)
    return result


@pytest.mark.slow
def test_a_lost_cursor_runs_nothing_twice(platform: Platform) -> None:
    recent = floor_hour(datetime.now(UTC)) - timedelta(hours=2)
    platform.land([message(1, channelCreatedTime=at(recent))], hour=recent)
    (request,) = evaluate(platform).run_requests or []
    assert request.run_key
    assert request.run_key.startswith(f"sprinklr:{key_of(recent)}:")
    posts = [dg.AssetKey(["sprinklr", "posts"])]
    assert platform.run(hour=recent, tags=request.tags, asset_selection=posts).success
    again = evaluate(platform, cursor=None)
    assert not again.run_requests
    assert "has run with just these files" in str(again.skip_reason)
    platform.land([message(2)], "late.json", hour=recent)
    assert len(evaluate(platform, cursor=None).run_requests or []) == 1


@pytest.mark.parametrize(
    "status", [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.CANCELING]
)
def test_an_hour_whose_last_run_did_not_succeed_is_asked_for_again_with_the_cursor(
    platform: Platform, status: dg.DagsterRunStatus
) -> None:
    recent = floor_hour(datetime.now(UTC)) - timedelta(hours=2)
    platform.land([message(1)], hour=recent)
    (request,) = evaluate(platform).run_requests or []
    job = platform.definitions.resolve_job_def("sprinklr")
    platform.instance.create_run_for_job(job, tags=request.tags, status=status)
    (again,) = evaluate(platform, cursor=None).run_requests or []
    assert again.run_key != request.run_key  # which Dagster would not run twice


@pytest.mark.slow
def test_a_message_moved_to_an_hour_long_ago_runs_it_again_once(platform: Platform) -> None:
    recent = floor_hour(datetime.now(UTC)) - timedelta(hours=2)
    long_ago = recent - timedelta(hours=200)
    platform.land([message(n, channelCreatedTime=at(hour)) for n, hour in ((1, recent), (2, long_ago))], hour=recent)
    first = evaluate(platform)
    assert [request.partition_key for request in first.run_requests or []] == [key_of(recent)]
    assert platform.ingest(hour=recent).success

    second = evaluate(platform, first.cursor)
    (request,) = second.run_requests or []
    assert request.partition_key == key_of(long_ago)
    moved = Lake.moved_folder("sprinklr")
    assert len(list(platform.lake.objects(moved))) == 1  # deleted only by the tick that is given this one's cursor
    again = evaluate(platform, first.cursor)  # as when the daemon ends before the cursor is stored
    assert [other.run_key for other in again.run_requests or []] == [request.run_key]
    assert platform.ingest(hour=long_ago).success
    assert [row["message_id"] for row in platform.rows("posts", hour=long_ago)] == ["m2"]

    third = evaluate(platform, second.cursor)
    assert not third.run_requests
    assert list(platform.lake.objects(moved)) == []


def test_markers_of_moved_messages_wait_while_other_hours_run(platform: Platform) -> None:
    now = floor_hour(datetime.now(UTC))
    hours = [now - timedelta(hours=200 + n) for n in range(60)]
    rows = [message(n, channelCreatedTime=at(hour)) for n, hour in enumerate([*hours, now])]
    platform.land(rows, hour=now - timedelta(hours=1))
    assert platform.ingest(hour=now - timedelta(hours=1)).success
    cursor, asked = None, []
    for _ in range(3):
        result = evaluate(platform, cursor)
        cursor = result.cursor
        asked += [request.partition_key for request in result.run_requests or []]
    assert sorted(asked) == sorted(map(key_of, [*hours, now - timedelta(hours=1)]))
    assert len(list(platform.lake.objects(Lake.moved_folder("sprinklr")))) == 1  # of the hour that is not over


@pytest.mark.slow
def test_dagster_is_told_what_has_landed(platform: Platform) -> None:
    recent = floor_hour(datetime.now(UTC)) - timedelta(hours=2)
    sizes = [len(platform.lake.get(platform.land([message(n)], f"{n}.json", hour=recent))) for n in (1, 2)]
    (event,) = evaluate(platform).asset_events
    assert isinstance(event, dg.AssetMaterialization)
    platform.instance.report_runless_asset_event(event)  # what the daemon does with it
    landing = dg.AssetKey(["sprinklr", "landing"])
    assert platform.instance.get_materialized_partitions(landing) == {key_of(recent)}
    assert (event.metadata["files"].value, event.metadata["bytes"].value) == (2, sum(sizes))
    folder = platform.lake.address(Lake.landing_folder("sprinklr", recent))
    assert event.metadata["dagster/uri"].value == folder
    again = evaluate(platform, cursor=evaluate(platform).cursor)
    assert again.asset_events == []


def test_the_landing_area_may_be_missing(platform: Platform) -> None:
    assert "nothing new has landed" in str(evaluate(platform).skip_reason)


def test_a_lake_of_another_workflow_is_left_alone(platform: Platform, seen: Cursor) -> None:
    Lake(uri=platform.settings.lake_uri).put("landing/sprinklr2/date=2026-11-20/hour=08/a.json", b"[]")
    assert tick(platform, seen)[0] == []
