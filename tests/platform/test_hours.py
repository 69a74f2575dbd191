"""An hour is taken by one run at a time, from threads, processes and installations that share a lake."""

# No postponed annotations: Dagster reads that of an asset's context as it is.

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from socialnlp_assets.partitions import key_of
from socialnlp_assets.resources.endpoints.records import Record
from socialnlp_assets.resources.hours import (
    HourLease,
    HourLost,
    HourRecord,
    HourTaken,
    hour_lease,
    hour_store,
    release_hour,
    take,
)
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.leases.s3 import S3Store
from socialnlp_assets.resources.leases.sqlite import SqliteStore
from socialnlp_assets.resources.leases.store import LeaseStore
from socialnlp_assets.resources.output_table import OutputTable
from socialnlp_assets.sensors.hour_releases import hour_releases
from tests.fakes import s3
from tests.platform.conftest import HOUR

Store = LeaseStore[HourRecord]
Clock = Callable[[], datetime]
TERM = timedelta(seconds=60)
KEY = "sprinklr-2026-11-20T08"


class Now:
    """A clock that sleeping moves on."""

    def __init__(self) -> None:
        self.time = HOUR
        self.while_asleep: Callable[[], None] = lambda: None

    def __call__(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.while_asleep()


@contextmanager
def sqlite_stores() -> Iterator[Callable[[Clock], Store]]:
    with TemporaryDirectory() as folder:
        yield lambda clock: SqliteStore(Path(folder) / "hours.db", HourRecord, clock)


@contextmanager
def s3_stores() -> Iterator[Callable[[Clock], Store]]:
    with s3.serve(s3.FakeS3()) as objects, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")

        def open_store(clock: Clock) -> Store:
            objects.now = clock
            return S3Store(
                "s3://bucket/leases/hours", HourRecord, region="eu-west-1", endpoint_url=objects.url, clock=clock
            )

        yield open_store


STORES = pytest.mark.parametrize("stores", [sqlite_stores, s3_stores], ids=["sqlite", "s3"])


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def store(now: Now) -> Iterator[Store]:
    with sqlite_stores() as open_store:
        yield open_store(now)


def test_who_does_not_have_an_hour_changes_nothing_of_it() -> None:
    free = HourRecord(workflow="press", hour=HOUR)
    held = free.taken("first", "a host", HOUR, TERM)
    for other in (held.renewed("second", HOUR, TERM), held.released("second"), held.taken("second", "b", HOUR, TERM)):
        assert other == held
    assert free.renewed("first", HOUR, TERM) == free
    over = HOUR + TERM
    assert not held.is_free("second", over - timedelta(seconds=1))
    assert held.is_free("second", over)
    assert held.taken("first", "a host", over, TERM).since == HOUR  # its own, for another term


def taken(store: Store, run: str, now: Now, **options: object) -> HourLease:
    return take(store, "sprinklr", HOUR, run, sleep=now.sleep, **options)  # type: ignore[arg-type]


def test_the_second_run_waits_for_the_first_and_says_for_whom(store: Store, now: Now) -> None:
    told: list[str] = []
    taken(store, "first", now)

    def give_back() -> None:
        if now.time >= HOUR + timedelta(seconds=30):
            release_all(store, "first")

    now.while_asleep = give_back
    taken(store, "second", now, told=told.append)
    assert now.time == HOUR + timedelta(seconds=30)
    assert len(told) == 1
    assert told[0].startswith("sprinklr 2026-11-20-08:00 is taken by run first on ")
    assert told[0].endswith(", since 2026-11-20 08:00:00 UTC: waiting for it")


def release_all(store: Store, run: str) -> None:
    entry = store.read(KEY)
    assert entry
    store.write(entry.record.released(run), entry.version)


def test_who_has_waited_long_enough_is_told_who_has_the_hour_and_what_to_do(store: Store, now: Now) -> None:
    first = taken(store, "first", now)
    now.while_asleep = first.confirm  # its heartbeat
    said = r"is taken by run first on .* since .*waited for 2 minutes\. Let that run end"
    with pytest.raises(HourTaken, match=said):
        taken(store, "second", now, patience=timedelta(minutes=2))
    assert now.time == HOUR + timedelta(minutes=2)
    first.confirm()


def test_the_steps_of_a_run_share_its_hour(store: Store, now: Now) -> None:
    steps = [taken(store, "first", now) for _ in range(3)]
    assert now.time == HOUR
    for step in steps:
        step.confirm()


def test_a_pause_between_steps_is_survived_even_past_the_term_if_nobody_came(store: Store, now: Now) -> None:
    step = taken(store, "first", now)
    now.time += TERM * 2
    step.confirm()
    taken(store, "first", now)
    with pytest.raises(HourTaken):
        taken(store, "second", now, patience=timedelta(seconds=5))


def test_a_run_whose_process_died_keeps_nobody_waiting_beyond_the_term(store: Store, now: Now) -> None:
    taken(store, "dead", now)
    taken(store, "retry", now)
    assert now.time - HOUR == TERM


def test_a_run_that_is_known_to_be_over_keeps_nobody_waiting(store: Store, now: Now) -> None:
    taken(store, "over", now)
    taken(store, "next", now, is_over=lambda run: run == "over")
    assert now.time == HOUR


def test_who_stood_still_while_another_run_took_the_hour_must_not_publish(store: Store, now: Now) -> None:
    first = taken(store, "first", now)
    now.time += TERM
    taken(store, "second", now)
    with pytest.raises(HourLost, match=r"taken by run second on .*stood still for over 60 s\. It publishes nothing"):
        first.confirm()
    release_all(store, "second")  # it has published, and nobody has the hour now
    with pytest.raises(HourLost, match="given back"):
        first.confirm()


def test_hours_and_workflows_do_not_wait_for_each_other(store: Store, now: Now) -> None:
    taken(store, "first", now)
    take(store, "rwanda", HOUR, "second", sleep=now.sleep)
    take(store, "sprinklr", HOUR + timedelta(hours=1), "third", sleep=now.sleep)
    assert now.time == HOUR


@STORES
def test_runs_that_race_for_an_hour_have_it_one_after_another(
    stores: Callable[[], Iterator[Callable[[Clock], Store]]],
) -> None:
    inside, most, done = [0], [0], []
    lock = threading.Lock()

    def run(name: str, open_store: Callable[[Clock], Store]) -> None:
        store = open_store(lambda: HOUR)
        lease = take(store, "sprinklr", HOUR, name, sleep=lambda _: time.sleep(0.005))
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        lease.confirm()
        time.sleep(0.01)
        with lock:
            inside[0] -= 1
            done.append(name)
        release_all(store, name)

    names = [f"run-{number}" for number in range(6)]
    with stores() as open_store, ThreadPoolExecutor(len(names)) as pool:  # type: ignore[attr-defined]
        list(pool.map(lambda name: run(name, open_store), names))
    assert sorted(done) == names
    assert most == [1]


# Against a model: who has the hour, until when


class TwoRuns(RuleBasedStateMachine):
    """Runs take, confirm, end and stand still in any order. Nobody publishes after another run has had the hour."""

    stores: Callable[[Clock], Store]
    opened = 0
    runs = st.sampled_from(["a", "b", "c"])

    @initialize()
    def begin(self) -> None:
        self.now = Now()
        type(self).opened += 1
        self.hour = HOUR + timedelta(hours=self.opened)  # of its own: the store is shared by all examples
        self.store = type(self).stores(self.now)
        self.store.read("nothing")  # S3 tells its time
        self.leases: dict[str, HourLease] = {}  # of runs that took it and have not been told otherwise
        self.holder, self.until = "", HOUR

    @rule(run=runs)
    def takes(self, run: str) -> None:
        options = {"sleep": lambda _: None, "patience": timedelta(0)}
        if self.holder not in ("", run) and self.until > self.now():
            with pytest.raises(HourTaken, match=f"run {self.holder} on"):
                take(self.store, "sprinklr", self.hour, run, **options)  # type: ignore[arg-type]
            return
        self.leases[run] = take(self.store, "sprinklr", self.hour, run, **options)  # type: ignore[arg-type]
        self.holder, self.until = run, self.now() + TERM

    @rule(run=runs)
    def publishes(self, run: str) -> None:
        if run not in self.leases:
            return
        if self.holder != run:
            with pytest.raises(HourLost):
                self.leases.pop(run).confirm()
            return
        self.leases[run].confirm()
        self.until = self.now() + TERM

    @rule(run=runs)
    def ends(self, run: str) -> None:
        first = HourRecord(workflow="sprinklr", hour=self.hour)
        entry = self.store.read(first.key)
        if entry:
            self.store.write(entry.record.released(run), entry.version)
        if self.holder == run:
            self.holder = ""

    @rule(seconds=st.sampled_from([1, 30, 59, 60, 61]))
    def time_passes(self, seconds: int) -> None:
        self.now.sleep(seconds)

    @invariant()
    def the_store_says_who(self) -> None:
        entry = self.store.read(HourRecord(workflow="sprinklr", hour=self.hour).key)
        assert (entry.record.run if entry else "") == self.holder


@STORES
def test_nobody_publishes_after_another_run_has_had_the_hour(
    stores: Callable[[], Iterator[Callable[[Clock], Store]]],
) -> None:
    with stores() as open_store:  # type: ignore[attr-defined]
        machine = type("Machine", (TwoRuns,), {"stores": staticmethod(open_store)})
        run_state_machine_as_test(machine, settings=hypothesis_settings(max_examples=15, stateful_step_count=20))


# In a lake, and in Dagster


def test_the_leases_lie_in_the_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(uri=str(tmp_path))
    take(hour_store(lake), "sprinklr", HOUR, "run")
    assert [record.run for record in hour_store(Lake(uri=f"file://{tmp_path}")).records()] == ["run"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with s3.serve(s3.FakeS3()) as objects:
        far = Lake(uri="s3://bucket/lake", region="eu-west-1", endpoint_url=objects.url)
        take(hour_store(far), "sprinklr", HOUR, "run")
        assert list(objects.objects) == [f"/bucket/lake/leases/hours/{KEY}.json"]
        endpoints = S3Store("s3://bucket/lake/leases", Record, region="eu-west-1", endpoint_url=objects.url)
        assert endpoints.records() == []  # beside those of endpoints, and not among them


def definitions(lake: Lake, ran: list[str]) -> dg.Definitions:
    @dg.asset(
        key=["sprinklr", "translations"],
        partitions_def=dg.HourlyPartitionsDefinition("2026-11-20-00:00"),
        required_resource_keys={"lake"},
    )
    def translations(context: dg.AssetExecutionContext) -> None:
        with hour_lease(context, context.resources.lake, "sprinklr") as lease:
            lease.confirm()
            ran.append(context.run.run_id)

    job = dg.define_asset_job("sprinklr", selection=[translations])
    return dg.Definitions([translations], jobs=[job], sensors=hour_releases(), resources={"lake": lake})


def test_a_run_of_one_step_keeps_its_hour_to_its_end_and_the_next_one_comes_at_once(tmp_path: Path) -> None:
    lake, ran = Lake(uri=str(tmp_path)), list[str]()
    job = definitions(lake, ran).resolve_job_def("sprinklr")
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            assert job.execute_in_process(partition_key=key_of(HOUR), instance=instance).success
    assert [record.run for record in hour_store(lake).records()] == [ran[1]]


@pytest.mark.parametrize("status", ["success", "failure", "cancellation"])
def test_the_end_of_a_run_gives_its_hour_back_to_other_installations(tmp_path: Path, status: str) -> None:
    lake = Lake(uri=str(tmp_path))
    store = hour_store(lake)
    wired = definitions(lake, [])
    repository = wired.get_repository_def()
    with dg.instance_for_test() as instance:
        sensor = repository.get_sensor_def(f"hour_after_{status}")

        def tick(cursor: str | None) -> str | None:
            with dg.build_sensor_context(
                instance=instance, cursor=cursor, repository_def=repository, resources=wired.resources
            ) as context:
                return sensor.evaluate_tick(context).cursor

        cursor = tick(None)
        run = instance.create_run_for_job(repository.get_job("sprinklr"), tags={"dagster/partition": key_of(HOUR)})
        take(store, "sprinklr", HOUR, run.run_id)
        take(store, "rwanda", HOUR, "another")
        kind = {"success": "RUN_SUCCESS", "failure": "RUN_FAILURE", "cancellation": "RUN_CANCELED"}[status]
        event = dg.DagsterEvent(dg.DagsterEventType[kind].value, "sprinklr")
        instance.report_dagster_event(event, run.run_id)
        tick(cursor)
    assert [(record.workflow, record.run) for record in store.records()] == [("rwanda", "another"), ("sprinklr", "")]


def test_a_run_of_no_hour_gives_nothing_back(tmp_path: Path) -> None:
    lake = Lake(uri=str(tmp_path))
    with dg.DagsterInstance.ephemeral() as instance:
        run = instance.create_run_for_job(definitions(lake, []).resolve_job_def("sprinklr"))
    release_hour(lake, run)
    assert hour_store(lake).records() == []


# Two processes, each with a Dagster instance of its own, as two installations that share a lake have them.

PROGRAM = """\
import sys
import time
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa

from socialnlp_assets.partitions import hour_of
from socialnlp_assets.resources import hours
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.output_table import OutputTable

lake, name, dies = Lake(uri=sys.argv[1]), sys.argv[2], "dies" in sys.argv
hours.TERM = timedelta(seconds=4)
flags = Path(sys.argv[1], "flags")


@dg.asset(key=["sprinklr", "output"], partitions_def=dg.HourlyPartitionsDefinition("2026-11-20-00:00"))
def output(context: dg.AssetExecutionContext) -> None:
    \"\"\"Adds a row to what is there: of two that did so side by side, one row would be lost.\"\"\"
    with hours.hour_lease(context, lake, "sprinklr") as lease:
        table, hour = OutputTable(lake, "sprinklr"), hour_of(context.partition_key)
        messages = [m for file in table.files(hour) for m in lake.read_table(file.path)["message_id"].to_pylist()]
        (flags / name).touch()
        if dies:
            time.sleep(600)
        while name == "first" and not (flags / "second is coming").exists():
            time.sleep(0.05)
        time.sleep(1.5)  # with the other one there
        rows = {"message_id": [*messages, name], "social": ["WEB"] * (len(messages) + 1)}
        table.publish(hour, pa.table({**rows, "topic_ids": [["1"]] * (len(messages) + 1)}), lease.confirm)


if name == "second":
    (flags / "second is coming").touch()
with dg.DagsterInstance.local_temp() as instance:
    result = dg.materialize([output], partition_key="2026-11-20-08:00", instance=instance)
    hours.release_hour(lake, result.dagster_run)  # as the sensor does after a run
"""


def start(lake: Lake, name: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, lake.uri, name, *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("first", ["ends", "dies"])
def test_two_installations_run_an_hour_one_after_the_other(tmp_path: Path, first: str) -> None:
    """The first works until the second waits for it, and a while longer; or it is killed, and its lease expires."""
    lake, flags = Lake(uri=str(tmp_path)), tmp_path / "flags"
    flags.mkdir()
    began = start(lake, "first", first)
    try:
        wait_for(flags / "first")
        came = start(lake, "second")
        if first == "dies":
            wait_for(flags / "second is coming")
            began.kill()
        said = came.communicate(timeout=120)[1]
        began.communicate(timeout=120)
    finally:
        began.kill()
        came.kill()
    assert came.returncode == 0, said
    assert re.search(r"sprinklr 2026-11-20-08:00 is taken by run .*: waiting for it", said)
    (file,) = OutputTable(lake, "sprinklr").files(HOUR)
    messages = lake.read_table(file.path)["message_id"].to_pylist()
    assert messages == (["first", "second"] if first == "ends" else ["second"])
    assert len(list(lake.objects("output"))) == 1
