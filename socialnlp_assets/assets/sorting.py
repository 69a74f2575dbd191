"""What becomes of each record that landed in an hour.

One thing of each: a row; dropped, by reason (a duplicate, what was delivered again and changed, a language that the
workflow leaves out, another place type); moved to the landing area of its own hour; or quarantined.
Where messages of two channels have the same identity, the later one's is `<SOCIAL>:<identity>`.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import datetime
from functools import cache, partial
from hashlib import blake2b
from sys import intern
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from socialnlp_assets.assets.quarantine import Rejected
from socialnlp_assets.assets.step import Hour
from socialnlp_assets.landing import Message, Reject, author_hash
from socialnlp_assets.nlp.language import UNDETERMINED, detect
from socialnlp_assets.nlp.permalinks import clean_permalink
from socialnlp_assets.nlp.personal_data import replace_personal_data
from socialnlp_assets.partitions import floor_hour
from socialnlp_assets.resources.lake import HourMissing
from socialnlp_assets.schemas import POSTS
from socialnlp_assets.sources import standardise
from socialnlp_assets.sources.source import SourceOptions

BATCH_ROWS = 4096
CERTAIN = 0.95  # of a detected language, to drop a message for it


class Sorter:
    """Decides what becomes of each record of an hour. Memory holds finished columns, not the messages they came
    from."""

    def __init__(self, source: SourceOptions, hour: Hour, author_key: bytes, keeps_personal_data: bool = False) -> None:
        self.source = source
        self.hour = hour.hour
        self.first = hour.first
        self.held = hour.held
        self.is_erased = cache(partial(is_erased, hour))
        self.author_key = author_key
        self.keeps_personal_data = keeps_personal_data
        self.rows_in = 0
        self.dropped: Counter[str] = Counter()
        self.rejected: list[Rejected] = []
        self.moved: dict[datetime, list[bytes]] = defaultdict(list)  # messages as JSON
        self.replaced: Counter[str] = Counter()  # personal data, by kind
        self._channels: dict[str, str] = {}  # message_id → channel
        self._kept: dict[str, tuple[int, bytes]] = {}  # message_id → number and digest of its row
        self._superseded: list[int] = []  # numbers of rows of which a later delivery says something else
        self._rows: list[dict[str, Any]] = []
        self._batches: list[pa.RecordBatch] = []

    def take(self, record: Message | Reject) -> None:
        """Decide what becomes of one record."""
        self.rows_in += 1
        if held := self.held.get(f"{record.file}:{record.position}"):
            self.rejected.append(held)
            return
        row = record if isinstance(record, Reject) else standardise(record, self.source.kinds)
        if isinstance(row, Reject):
            self.rejected.append(Rejected(row.reason, row.record, file=row.file, position=row.position))
            return
        assert isinstance(record, Message)
        if self._channels.get(row["message_id"], row["social"]) != row["social"]:  # v1 numbers each channel's messages
            row["message_id"] = f"{row['social']}:{row['message_id']}"
        own_hour = floor_hour(row["created_at"])
        if own_hour != self.hour:
            self._move(record, own_hour)
        elif reason := self._unwanted(record, row):
            self.dropped[reason] += 1
        else:
            self._keep(row)

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
        if reason := self.source.unwanted(record.raw):
            return reason
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
        """One row a message: of two deliveries that say the same the earlier one, else the later."""
        self._channels[row["message_id"]] = intern(row["social"])
        if row["author"] is not None:
            row["author"] = author_hash(row["author"], self.author_key)
        said = {name: value for name, value in row.items() if not name.startswith("landing_")}
        digest = blake2b(json.dumps(said, default=str).encode("utf-8", "surrogatepass"), digest_size=8).digest()
        number, known = self._kept.get(row["message_id"], (-1, b""))
        if known == digest:
            self.dropped["duplicate"] += 1
            return
        if known:
            self.dropped["delivered again, changed"] += 1
            self._superseded.append(number)
        self._kept[row["message_id"]] = len(self._batches) * BATCH_ROWS + len(self._rows), digest
        if not self.keeps_personal_data:
            self._without_personal_data(row)
        self._rows.append(row)
        if len(self._rows) == BATCH_ROWS:
            self._flush()

    def _without_personal_data(self, row: dict[str, Any]) -> None:
        languages = [row["language"], *self.source.languages]
        for column in ("title", "message"):
            if row[column]:
                row[column], counts = replace_personal_data(row[column], languages)
                self.replaced += counts
        if row["permalink"]:
            row["permalink"] = clean_permalink(row["permalink"])

    def _flush(self) -> None:
        self._batches.append(pa.RecordBatch.from_pylist(self._rows, schema=POSTS.arrow))
        self._rows = []

    def table(self) -> pa.Table:
        """The rows that are left, in the order in which they came."""
        self._flush()
        table = pa.Table.from_batches(self._batches, schema=POSTS.arrow)
        if not self._superseded:
            return table
        rows = pa.array(range(table.num_rows))
        return table.filter(pc.invert(pc.is_in(rows, value_set=pa.array(self._superseded))))


def is_erased(hour: Hour, when: datetime) -> bool:
    """True where `posts` has rows of an hour whose raw messages are gone: to run it again would lose them."""
    lake, workflow = hour.lake, hour.workflow
    if lake.landed(workflow, when):
        return False
    try:
        return bool(lake.read_table(lake.table_path(workflow, "posts", when), ["message_id"]).num_rows)
    except HourMissing:
        return False
