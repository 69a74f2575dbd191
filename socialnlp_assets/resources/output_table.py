"""The output of a workflow: one Hive-partitioned table, whose hours are switched over as wholes.

An hour is many files, one a (social, topic), and a store replaces one object at a time. So each publication is a
*generation*: its files carry its name, ``output/<workflow>/social=<S>/topic_id=<T>/date=<D>/hour=<H>/
part-<generation>.parquet``, and so does each of their rows. The hour's one object, ``<workflow>/output/date=<D>/
hour=<H>/part.parquet``, lists the files and says which generation is in force; replacing it is the switch. Who reads
through the view (`view_sql`) sees the old hour or the new one, wherever a run was killed.

Files of other generations are on record before they are written and until they are deleted: once a run has finished,
each hour has the files of one generation and a plain glob reads it, too.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from socialnlp_assets.partitions import folder_of, key_of
from socialnlp_assets.resources.lake import HourMissing, Lake, write_parquet
from socialnlp_assets.schemas import BOOL, INT, TEXT, Column

NO_TOPIC = "none"  # a partition needs a value, and a message without a topic must not be lost
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"  # what Hive, DuckDB and Athena read as no value
LONGEST = 240  # bytes of a folder's value: with `topic_id=` before it, a name may have 255
DIGEST = 8  # bytes

# What the files hold besides the rows of the hour. The path names `social` and `topic_id`, which Athena refuses to
# be told twice; but not always as they were.
FILE_COLUMNS = (
    Column("channel", TEXT, "the whole of the channel; the partition social may be cut"),
    Column("topic", TEXT, "the whole of the topic; the partition topic_id may be cut", required=False),
    Column("generation", TEXT, "the publication of the hour that the row belongs to"),
)
LEDGER_COLUMNS = (
    Column("generation", TEXT, "a publication of the hour: a digest of what it holds"),
    Column("in_force", BOOL, "true of the one that counts; others are being written or removed"),
    Column("social", TEXT, "the channel as the file's folder spells it"),
    Column("topic_id", TEXT, "the topic as the file's folder spells it"),
    Column("channel", TEXT, "the whole of the channel"),
    Column("topic", TEXT, "the whole of the topic; null where the messages have none", required=False),
    Column("rows", INT, "how many the file holds"),
    Column("path", TEXT, "the file, within the lake"),
)
LEDGER = pa.schema([pa.field(column.name, column.type, not column.required) for column in LEDGER_COLUMNS])


@dataclass(frozen=True)
class OutputFile:
    """One file of one generation, as the ledger of its hour has it."""

    generation: str
    in_force: bool
    social: str
    topic_id: str
    channel: str
    topic: str | None
    rows: int
    path: str


@dataclass(frozen=True)
class OutputTable:
    """The output of one workflow in the lake."""

    lake: Lake
    workflow: str

    @property
    def address(self) -> str:
        return self.lake.address(f"output/{self.workflow}")

    def publish(self, hour: datetime, table: pa.Table, confirm: Callable[[], None] = lambda: None) -> Publication:
        """Make `table` the hour's output, exploded over `topic_ids`; `confirm` is asked just before it comes into
        force, and raises where it must not. The same table gives the same files, and switches nothing."""
        generation = self._generation(hour, table)
        partitions = partitions_of(table)
        mine = [self._file(hour, generation, *partition, len(rows)) for partition, rows in partitions.items()]
        paths = {file.path for file in mine}
        before = self.files(hour)
        others = [file for file in before if file.path not in paths]
        in_force = any(file.in_force for file in before if file.path in paths)
        self._record(hour, [*others, *(replace(file, in_force=in_force) for file in mine)])
        columns = table.drop_columns(["social"])
        size = 0
        for file, rows in zip(mine, partitions.values(), strict=True):
            values = {"channel": file.channel, "topic": file.topic, "generation": generation}
            size += self.lake.write_table(file.path, columns, rows, values)
        confirm()
        self._record(hour, [*(replace(file, in_force=False) for file in others), *mine])  # the switch
        self.lake.delete([file.path for file in others])
        self._record(hour, mine)
        return Publication(len(mine), sum(file.rows for file in mine), size)

    def files(self, hour: datetime) -> list[OutputFile]:
        """The files of an hour, of every generation that is on record."""
        try:
            ledger = self.lake.read_table(self._ledger(hour))
        except HourMissing:
            return []
        return [OutputFile(**row) for row in ledger.to_pylist()]

    def _record(self, hour: datetime, files: list[OutputFile]) -> None:
        self.lake.write_table(self._ledger(hour), pa.Table.from_pylist(list(map(asdict, files)), LEDGER))

    def _ledger(self, hour: datetime) -> str:
        return self.lake.table_path(self.workflow, "output", hour)

    def _generation(self, hour: datetime, table: pa.Table) -> str:
        """What names a publication: its content, so that a run again changes nothing; and its hour, so that no two
        hours share one. Parquet is hashed, because Arrow tables of the same rows differ by how they came about."""
        digest = blake2b(f"{self.workflow} {key_of(hour)} ".encode(), digest_size=DIGEST)
        write_parquet(table, _Hashing(digest))
        return digest.hexdigest()

    def _file(self, hour: datetime, generation: str, channel: str, topic: str | None, rows: int) -> OutputFile:
        social, topic_id = folder_value(channel), NO_TOPIC if topic is None else folder_value(topic)
        folder = f"output/{self.workflow}/social={social}/topic_id={topic_id}/{folder_of(hour)}"
        path = f"{folder}/part-{generation}.parquet"
        return OutputFile(generation, True, social, topic_id, channel, topic, rows, path)


@dataclass(frozen=True)
class Publication:
    """How much of an hour was published."""

    files: int
    rows: int
    size: int  # bytes


def partitions_of(table: pa.Table) -> dict[tuple[str, str | None], list[int]]:
    """The rows of each (channel, topic), in the order of the files' paths."""
    found: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    columns = table["social"].to_pylist(), table["topic_ids"].to_pylist()
    for row, (channel, topics) in enumerate(zip(*columns, strict=True)):
        for topic in dict.fromkeys(topics or [None]):
            found[channel, topic].append(row)
    return dict(sorted(found.items(), key=lambda item: (item[0][0], item[0][1] or "")))


def folder_value(value: str) -> str:
    """`value` as a partition's folder spells it: another one for each, legal on a disk and in a key.

    Percent-encoded as Hive does it, which DuckDB undoes. What would be read as no value is encoded, too. A name that
    is too long, or empty, is cut, and ends in ``!`` and a digest of the whole.
    """
    encoded = quote(value, safe="")
    if value in (NO_TOPIC, HIVE_NULL):
        return f"%{ord(value[0]):02X}{value[1:]}"
    if 0 < len(encoded) <= LONGEST:
        return encoded
    ending = f"!{blake2b(value.encode(), digest_size=DIGEST).hexdigest()}"
    cut = value[:LONGEST]
    while len(quote(cut, safe="")) > LONGEST - len(ending):
        cut = cut[:-1]  # a character at a time: half an encoded one is none
    return quote(cut, safe="") + ending


class _Hashing(io.RawIOBase):
    """A file that only updates a digest."""

    def __init__(self, digest: blake2b) -> None:
        self._digest = digest

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._digest.update(data)
        return len(data)
