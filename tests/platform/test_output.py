"""`output` switches an hour over as a whole, wherever a run is killed, and takes any topic."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import PrivateAttr

from socialnlp_assets.partitions import HOUR as ONE_HOUR
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.output_table import OutputTable, folder_value
from socialnlp_assets.resources.output_view import duckdb_sql
from tests.platform.conftest import HOUR

Row = tuple[str, str, str | None]  # message, channel, topic
OLD = [("m1", "WEB", ["1", "2"]), ("m2", "TWITTER", ["1"])]
NEW = [("m1", "WEB", ["2", "3"]), ("m3", "REDDIT", [])]
NEWEST = [("m4", "WEB", ["2", "4"])]


class Killed(BaseException):
    """The process ends, and no `except Exception` hears of it."""


class MortalLake(Lake):
    """A lake whose process is killed at an operation, before it is done or just after."""

    dies_at: int
    done_first: bool = False
    _operations: int = PrivateAttr(default=0)

    def _operation(self, do: Callable[[], Any]) -> Any:
        self._operations += 1
        if self._operations != self.dies_at:
            return do()
        if self.done_first:
            do()
        raise Killed

    def write_table(self, *arguments: Any) -> int:
        size: int = self._operation(lambda: super(MortalLake, self).write_table(*arguments))
        return size

    def read_table(self, *arguments: Any) -> pa.Table:
        return self._operation(lambda: super(MortalLake, self).read_table(*arguments))

    def delete(self, paths: list[str]) -> None:
        for path in paths:
            self._operation(lambda: super(MortalLake, self).delete([path]))  # noqa: B023


def hour_of_messages(messages: list[tuple[str, str, list[str]]]) -> pa.Table:
    columns = zip(*messages, strict=True) if messages else ([], [], [])
    schema = pa.schema({"message_id": pa.string(), "social": pa.string(), "topic_ids": pa.list_(pa.string())})
    return pa.table(dict(zip(schema.names, map(list, columns), strict=True)), schema=schema)


def publish(lake: Lake, messages: list[tuple[str, str, list[str]]]) -> None:
    OutputTable(lake, "sprinklr").publish(HOUR, hour_of_messages(messages))


def seen(lake: Lake, source: str = "sprinklr") -> list[Row]:
    """What a reader sees of the hour; by default through the view."""
    with duckdb.connect() as connection:
        connection.execute(duckdb_sql(lake, "sprinklr"))
        found = connection.sql(f"SELECT message_id, channel, topic FROM {source} WHERE hour = '08'").fetchall()
    return sorted(found, key=str)


def expected(messages: list[tuple[str, str, list[str]]]) -> list[Row]:
    exploded = [(key, channel, topic) for key, channel, topics in messages for topic in topics or [None]]
    return sorted(exploded, key=str)


def stored(lake: Lake) -> dict[str, bytes]:
    return {file.path: lake.get(file.path) for folder in ("output", "sprinklr") for file in lake.objects(folder)}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(uri=str(tmp_path / "it's a lake"))


@pytest.mark.slow
@pytest.mark.parametrize("done_first", [False, True], ids=["before", "after"])
def test_a_reader_sees_the_old_hour_or_the_new_one_wherever_a_run_is_killed(tmp_path: Path, done_first: bool) -> None:
    """At every operation on the store, before it is done and after; and the next run leaves nothing of it behind."""
    outcomes, dies_at, died = [], 0, True
    while died:
        dies_at += 1
        lake = Lake(uri=str(tmp_path / str(dies_at)))
        publish(lake, OLD)
        mortal = MortalLake(uri=lake.uri, dies_at=dies_at, done_first=done_first)
        try:
            publish(mortal, NEW)
            died = False
        except Killed:
            pass
        found = seen(lake)
        outcomes.append("old" if found == expected(OLD) else "new" if found == expected(NEW) else str(found))
        for messages in (NEW, NEWEST) if dies_at % 2 else (NEWEST,):
            publish(lake, messages)
            assert seen(lake) == seen(lake, "sprinklr_files") == expected(messages)
    switched = outcomes.index("new")
    assert outcomes == ["old"] * switched + ["new"] * (len(outcomes) - switched)
    assert (switched, len(outcomes)) == ((6, 11) if not done_first else (5, 11))


def test_runs_killed_one_after_another_leave_nothing_behind(lake: Lake) -> None:
    publish(lake, OLD)
    for dies_at in range(2, 8):  # the eighth operation comes after the switch
        with pytest.raises(Killed):
            publish(MortalLake(uri=lake.uri, dies_at=dies_at), [*NEW, (f"m{dies_at}", "WEB", [str(dies_at)])])
        assert seen(lake) == expected(OLD)
    publish(lake, NEWEST)
    assert seen(lake, "sprinklr_files") == expected(NEWEST)
    assert len({row.generation for row in OutputTable(lake, "sprinklr").files(HOUR)}) == 1


def test_the_same_hour_again_is_the_same_bytes_however_its_table_came_about(lake: Lake) -> None:
    publish(lake, OLD)
    first = stored(lake)
    table = hour_of_messages(OLD)
    chunks = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    OutputTable(lake, "sprinklr").publish(HOUR, chunks)
    assert stored(lake) == first


def test_no_two_hours_and_no_two_workflows_share_a_generation(lake: Lake) -> None:
    """By it the view tells which files are in force."""
    table = hour_of_messages(OLD)
    places = [("sprinklr", HOUR), ("sprinklr", HOUR + ONE_HOUR), ("rwanda", HOUR)]
    for workflow, hour in places:
        OutputTable(lake, workflow).publish(hour, table)
    found = {file.generation for workflow, hour in places for file in OutputTable(lake, workflow).files(hour)}
    assert len(found) == 3


def test_who_has_lost_the_hour_while_writing_switches_nothing(lake: Lake) -> None:
    publish(lake, OLD)

    def lost() -> None:
        raise RuntimeError("another run has it")

    with pytest.raises(RuntimeError, match="another run"):
        OutputTable(lake, "sprinklr").publish(HOUR, hour_of_messages(NEW), lost)
    assert seen(lake) == expected(OLD)


def test_an_hour_may_become_empty_and_the_others_stay(lake: Lake) -> None:
    publish(lake, OLD)
    other = hour_of_messages(NEWEST)
    OutputTable(lake, "sprinklr").publish(HOUR + ONE_HOUR, other)
    publish(lake, [])
    assert seen(lake) == []
    assert [file.path.rsplit("/", 2)[1] for file in lake.objects("output")] == ["hour=09", "hour=09"]


# Names

TOPICS = st.text(st.characters(codec="utf-8"), max_size=300)
HARD = [
    "",
    "none",
    "__HIVE_DEFAULT_PARTITION__",
    "null",
    "NULL",
    "..",
    ".",
    "#1",
    "\0\n",
    "a/b=c",
    "50%",
    "%41",
    "€" * 99,
]


@settings(max_examples=30)
@given(st.sets(TOPICS, max_size=10))
@example({*HARD, "€" * 99})
def test_every_topic_has_a_folder_of_its_own_that_disks_and_s3_take(topics: set[str]) -> None:
    names = {folder_value(topic) for topic in topics} | {"none"}
    assert len(names) == len(topics) + 1
    for name in names:
        assert 0 < len(f"topic_id={name}".encode()) <= 255
        assert name.isascii()
        assert name.isprintable()
        assert "/" not in name


@settings(max_examples=15)
@given(topics=st.lists(TOPICS, max_size=3), channel=TOPICS)
@example(topics=HARD, channel="../..")
@example(topics=["€" * 99, "€" * 98], channel="è" * 130)
@example(topics=["(enervia OR enervia_it) AND (blackout OR bolletta)" * 9], channel="TWITTER")
@example(topics=[], channel="")
def test_rows_come_back_with_their_topics(
    tmp_path_factory: pytest.TempPathFactory, topics: list[str], channel: str
) -> None:
    lake = Lake(uri=str(tmp_path_factory.mktemp("lake")))
    publish(lake, [("m1", channel, topics), ("m2", channel, [])])
    assert seen(lake) == sorted(expected([("m1", channel, list(dict.fromkeys(topics))), ("m2", channel, [])]), key=str)


def test_duckdb_reads_an_odd_topic_off_its_folder(lake: Lake) -> None:
    odd = ["a b", "__HIVE_DEFAULT_PARTITION__", "none", "#1", "50%", "è/="]
    publish(lake, [("m1", "WEB", odd)])
    with duckdb.connect() as connection:
        connection.execute(duckdb_sql(lake, "sprinklr"))
        found = connection.sql("SELECT topic_id, topic FROM sprinklr").fetchall()
    assert sorted(found) == sorted((topic, topic) for topic in odd)


def test_topics_that_begin_alike_and_are_too_long_stay_apart(lake: Lake) -> None:
    long = ["topic " * 99, "topic " * 100]
    publish(lake, [("m1", "WEB", long[:1]), ("m2", "WEB", long[1:])])
    assert [(key, topic) for key, _, topic in seen(lake)] == [("m1", long[0]), ("m2", long[1])]
    with duckdb.connect() as connection:
        connection.execute(duckdb_sql(lake, "sprinklr"))
        (folder,) = connection.execute(
            "SELECT topic_id FROM sprinklr_generations WHERE topic = ?", [long[1]]
        ).fetchone() or ("",)
    assert Path(lake.uri, f"output/sprinklr/social=WEB/topic_id={folder}").is_dir()
