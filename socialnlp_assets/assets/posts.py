"""`posts`: the hour's landed messages, standardised, one row a message.

Of each record that landed, one thing becomes: a row; dropped, by reason (a duplicate, a language that the
workflow leaves out, another place type); moved to the landing area of its own hour; or quarantined. Where
messages of two channels have the same identity, the later one's is `<SOCIAL>:<identity>`.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import cache, partial
from hashlib import blake2b
from sys import intern
from typing import Any, ClassVar

import dagster as dg
import pyarrow as pa

from socialnlp_assets.assets.profile import SKETCH, alike, read_profiles, sketch
from socialnlp_assets.assets.quarantine import Rejected
from socialnlp_assets.assets.step import Hour, Lineage, Result, Step
from socialnlp_assets.checks import Expectation, Level
from socialnlp_assets.landing import Message, Reject, author_hash, read_records, standardise
from socialnlp_assets.nlp.language import UNDETERMINED, detect
from socialnlp_assets.partitions import HOUR, floor_hour, folder_of, key_of
from socialnlp_assets.resources.lake import HourMissing, Lake
from socialnlp_assets.schemas import KEY, POSTS, Column
from socialnlp_assets.source import Source

BATCH_ROWS = 4096
AUTHOR_KEY = "author_key"  # name of the secret that author names are hashed with
REVIEW_FIELDS = {"reviewId", "publishTime", "starRating", "authorAttribution"}  # only Google's reviews have these
COPIED = 0.8  # of an hour's texts, to say that it is a copy of another
CERTAIN = 0.95  # of a detected language, to drop a message for it


class Sorter:
    """Decides what becomes of each record of an hour. Memory holds finished columns, not the messages they came
    from."""

    def __init__(self, source: Source, hour: Hour, author_key: bytes) -> None:
        self.source = source
        self.hour = hour.hour
        self.first = hour.first
        self.is_erased = cache(partial(_is_erased, hour))
        self.author_key = author_key
        self.rows_in = 0
        self.dropped: Counter[str] = Counter()
        self.rejected: list[Rejected] = []
        self.moved: dict[datetime, list[bytes]] = defaultdict(list)  # messages as JSON
        self._seen: dict[str, str] = {}  # message_id → channel
        self._rows: list[dict[str, Any]] = []
        self._batches: list[pa.RecordBatch] = []

    def take(self, record: Message | Reject) -> None:
        """Decide what becomes of one record."""
        self.rows_in += 1
        row = record if isinstance(record, Reject) else standardise(record, self._kind(record))
        if isinstance(row, Reject):
            self.rejected.append(Rejected(row.reason, row.record, file=row.file, position=row.position))
            return
        assert isinstance(record, Message)
        if self._seen.get(row["message_id"], row["social"]) != row["social"]:  # v1 numbers each channel's messages
            row["message_id"] = f"{row['social']}:{row['message_id']}"
        own_hour = floor_hour(row["created_at"])
        if own_hour != self.hour:
            self._move(record, own_hour)
        elif row["message_id"] in self._seen:
            self.dropped["duplicate"] += 1
        elif reason := self._unwanted(record, row):
            self.dropped[reason] += 1
        else:
            self._keep(row)

    def _kind(self, record: Message) -> str:
        """Whose shape the message has: the workflow's source says it, or a dropped message itself."""
        kind = self.source.kind
        if kind != "dropped":
            return kind
        return "google_maps" if REVIEW_FIELDS & record.raw.keys() else "sprinklr"

    def _move(self, record: Message, own_hour: datetime) -> None:
        when = f"{own_hour:%Y-%m-%d %H:00}"
        if own_hour < self.first:
            problem = (
                f"its hour, {when} UTC, is outside the partitions, which start at {self.first:%Y-%m-%d %H:00}; "
                "correct its time, or set SOCIALNLP_START earlier"
            )
        elif self.is_erased(own_hour):
            problem = (
                f"the raw messages of its hour, {when} UTC, have been removed, and running it for this one would "
                "lose its rows; land all messages of that hour again to add it"
            )
        else:
            raw = json.dumps(record.raw, ensure_ascii=False, default=str)
            self.moved[own_hour].append(raw.encode("utf-8", "surrogatepass"))
            self.dropped["moved to its own hour"] += 1
            return
        reason = f"{record.file}, record {record.position}: {problem}"
        raw = json.dumps(record.raw, ensure_ascii=True, default=str)
        self.rejected.append(Rejected(reason, raw, file=record.file, position=record.position))

    def _unwanted(self, record: Message, row: dict[str, Any]) -> str | None:
        """Why the workflow leaves this message out; detects the language where the source names none."""
        wanted = self.source.place_type
        if wanted and record.raw.get("placeType", wanted) != wanted:
            return "another place type"
        row["language_detected"] = row["language"] is None
        if row["language"] is None:
            row["language"] = self._detect(row["message"])
        if row["language"] not in (*self.source.languages, UNDETERMINED):
            return f"language {row['language']}"
        return None

    def _detect(self, text: str) -> str:
        """The language of `text`; in doubt one of the workflow's, whose messages these are meant to be."""
        code, probability = detect(text)
        if code == UNDETERMINED or code in self.source.languages or probability >= CERTAIN:
            return code
        return detect(text, self.source.languages)[0]

    def _keep(self, row: dict[str, Any]) -> None:
        self._seen[row["message_id"]] = intern(row["social"])
        if row["author"] is not None:
            row["author"] = author_hash(row["author"], self.author_key)
        self._rows.append(row)
        if len(self._rows) == BATCH_ROWS:
            self._flush()

    def _flush(self) -> None:
        self._batches.append(pa.RecordBatch.from_pylist(self._rows, schema=POSTS.arrow))
        self._rows = []

    def table(self) -> pa.Table:
        self._flush()
        return pa.Table.from_batches(self._batches, schema=POSTS.arrow)


class Posts(Step):
    """The hour's messages, one row each: typed, without duplicates, in the workflow's languages."""

    name: ClassVar = "posts"
    kinds: ClassVar = frozenset({"parquet", "python"})
    resources: ClassVar = frozenset({"lake", "endpoints", "secrets"})

    source: Source
    needed: tuple[str, ...]  # models that the later steps ask

    def columns(self) -> tuple[Column, ...]:
        languages = (*self.source.languages, UNDETERMINED)  # a text without words has no language
        return tuple(replace(c, values=languages) if c.name == "language" else c for c in POSTS.columns if c != KEY)

    def inputs(self) -> list[str]:
        return ["landing"]

    def lineage(self) -> Lineage:
        return {}

    def plausible(self) -> tuple[Expectation, ...]:
        return (
            Expectation(
                "expect_column_values_to_be_null", {"column": "read_copied_from"},
                "the hour's texts are not those of another hour",
                "see whether the source delivered that hour again, take its files out of landing, and run this one; "
                "where people do say the same again, switch this off in the workflow's file: `checks:`",
                least_rows=20,
            ),
            Expectation(
                "expect_column_commonest_value_share_to_be_at_most", {"column": "message", "max_share": 0.5},
                "half of the messages do not say the same", "see what the source delivers", least_rows=20,
                level=Level.WARNING,
            ),
        )  # fmt: skip

    def compute(self, hour: Hour) -> Result:
        if _is_erased(hour, hour.hour):
            raise dg.Failure(
                "nothing lies in landing for this hour, and posts has rows of it, which stay: its raw messages have "
                "been removed. Run the later steps alone; to empty the hour on purpose, land a file that holds []: "
                f"{hour.lake.landing_folder(hour.workflow, hour.hour)}/none.json",
                allow_retries=False,
            )
        hour.endpoints.warm(self.needed)  # the run waits for the slowest, not for the sum
        sorter = Sorter(self.source, hour, hour.secrets.get_or_create(AUTHOR_KEY).get_secret_value().encode())
        files = hour.lake.landed(hour.workflow, hour.hour)
        for record in _records(hour, [file.path for file in files]):
            sorter.take(record)
        table = sorter.table()
        like = copied_from(hour.lake, hour.workflow, hour.hour, table)
        moved = {f"{when:%Y-%m-%d %H:00}": len(raws) for when, raws in sorted(sorter.moved.items())}
        for own_hour, raws in sorter.moved.items():
            _move(hour, own_hour, raws)
        return Result(
            table,
            rows_in=sorter.rows_in,
            dropped=sorter.dropped,
            rejected=sorter.rejected,
            read=table.select([KEY.name]).append_column("copied_from", pa.array([like] * table.num_rows, pa.string())),
            metadata={"landing_files": len(files), "landing_bytes": sum(file.size for file in files)}
            | ({"moved_to": moved} if moved else {}),
        )


def copied_from(lake: Lake, workflow: str, when: datetime, table: pa.Table) -> str | None:
    """Another hour that has four fifths of this one's texts: one of the day before, or the same hour of one of the
    seven days before."""
    texts = sketch(table["message"].to_pylist())
    others = dict.fromkeys(when - HOUR * back for back in (*range(1, 25), *range(24, 24 * 8, 24)))
    shares = {
        other: alike(texts, sorted(profile.get(SKETCH, ())))
        for other, profile in read_profiles(lake, workflow, list(others)).items()
    }
    most = max(shares, key=shares.__getitem__, default=None)
    return f"{key_of(most)}: {shares[most]:.0%} of its texts" if most and shares[most] >= COPIED else None


def _is_erased(hour: Hour, when: datetime) -> bool:
    """True where `posts` has rows of an hour whose raw messages are gone: to run it again would lose them."""
    lake, workflow = hour.lake, hour.workflow
    if lake.landed(workflow, when):
        return False
    try:
        return bool(lake.read_table(lake.table_path(workflow, "posts", when), ["message_id"]).num_rows)
    except HourMissing:
        return False


def _records(hour: Hour, paths: list[str]) -> Iterator[Message | Reject]:
    for path in paths:
        yield from read_records(hour.lake.chunks(path), path)


def _move(hour: Hour, own_hour: datetime, raws: list[bytes]) -> None:
    """Land messages again in their own hour. The name says what it holds, so moving them twice changes nothing.

    The marker, put last, has the sensor look at that hour however long ago it was.
    """
    data = b"[" + b",\n".join(raws) + b"]"
    name = f"from-{hour.hour:%Y%m%dT%H}-{blake2b(data, digest_size=8).hexdigest()}.json"
    lake, workflow = hour.lake, hour.workflow
    if lake.put_if_changed(f"{lake.landing_folder(workflow, own_hour)}/{name}", data):
        hour.log.info(f"{len(raws)} messages moved to {folder_of(own_hour)}")
    lake.put(f"{lake.moved_folder(workflow)}/{folder_of(own_hour)}/{name}", b"")
