"""`posts`: the hour's landed messages, standardised, one row a message (`sorting.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import ClassVar

import dagster as dg
import pyarrow as pa

from socialnlp_assets.assets.profile import copied_from
from socialnlp_assets.assets.sorting import Sorter, is_erased
from socialnlp_assets.assets.step import Hour, Lineage, Result, Step
from socialnlp_assets.assets.versions import LANDED
from socialnlp_assets.checks import Expectation, Level
from socialnlp_assets.landing import Message, Reject, read_records
from socialnlp_assets.nlp.language import UNDETERMINED
from socialnlp_assets.partitions import HOUR, folder_of
from socialnlp_assets.resources.landed import Landed
from socialnlp_assets.schemas import KEY, POSTS, TIME, Column
from socialnlp_assets.sources import shapes
from socialnlp_assets.sources.source import SourceOptions

AUTHOR_KEY = "author_key"  # name of the secret that author names are hashed with


class Posts(Step):
    """The hour's messages, one row each: typed, without duplicates, in the workflow's languages."""

    name: ClassVar = "posts"
    kinds: ClassVar = frozenset({"parquet", "python"})
    resources: ClassVar = frozenset({"lake", "endpoints", "secrets"})
    late_after: ClassVar = 2 * HOUR

    source: SourceOptions
    needed: tuple[str, ...] = ()  # models that the later steps ask
    keeps_personal_data: bool = False  # of texts and permalinks; authors are hashed whatever it says

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
                "where people do say the same again, skip this in the workflow's file: `checks:`",
                least_rows=20,
            ),
            Expectation(
                "expect_column_pair_time_to_be_of_hour", {"column_A": "created_at", "column_B": "read_hour"},
                "a message is of the hour", "rows were mixed up: run the hour again", rejects=True,
            ),
            Expectation(
                "expect_column_values_to_match_regex", {"column": "author", "regex": "^[0-9a-f]{32}$"},
                "an author is a hash, which names nobody", "the step is at fault: nothing was published; mend it",
            ),
            Expectation(
                "expect_column_values_to_match_regex",
                {"column": "permalink", "regex": "^https?://", "mostly": 0.98},
                "a permalink is an address", "see what the source delivers", error_beyond=0.5,
            ),
            Expectation(
                "expect_column_texts_to_be_plain", {"column": "message", "mostly": 0.7},
                "messages have no marks of a program", "see what the source delivers: HTML, or letters decoded wrongly",
                error_beyond=0.6,
            ),
            Expectation(
                "expect_table_languages_to_be_told",
                {"column_list": ["message", "language"], "languages": list(self.source.languages), "min_share": 0.8},
                "messages are in the languages that the source tells", "see what the source delivers",
                level=Level.WARNING,
            ),
            Expectation(
                "expect_column_commonest_value_share_to_be_at_most", {"column": "message", "max_share": 0.5},
                "half of the messages do not say the same", "see what the source delivers", least_rows=20,
                level=Level.WARNING,
            ),
        )  # fmt: skip

    def compute(self, hour: Hour) -> Result:
        if is_erased(hour, hour.hour):
            raise dg.Failure(
                "nothing lies in landing for this hour, and posts has rows of it, which stay: its raw messages have "
                "been removed. Run the later steps alone; to empty the hour on purpose, land a file that holds []: "
                f"{hour.lake.landing_folder(hour.workflow, hour.hour)}/none.json",
                allow_retries=False,
            )
        hour.endpoints.warm(self.needed, hour.shapes)  # the run waits for the slowest, not for the sum
        author_key = hour.secrets.get_or_create(AUTHOR_KEY).get_secret_value().encode()
        sorter = Sorter(self.source, hour, author_key, self.keeps_personal_data)
        files = hour.lake.landed(hour.workflow, hour.hour)
        in_order = sorted(files, key=lambda file: (file.written, file.path))  # what was delivered later counts
        for record in _records(hour, [file.path for file in in_order]):
            sorter.take(record)
        table = sorter.table()
        like = copied_from(hour.lake, hour.workflow, hour.hour, table["message"].to_pylist())
        moved = {f"{when:%Y-%m-%d %H:00}": len(raws) for when, raws in sorted(sorter.moved.items())}
        for own_hour, raws in sorter.moved.items():
            _move(hour, own_hour, raws)
        return Result(
            table,
            rows_in=sorter.rows_in,
            dropped=sorter.dropped,
            rejected=sorter.rejected,
            read=table.select([KEY.name])
            .append_column("copied_from", pa.array([like] * table.num_rows, pa.string()))
            .append_column("hour", pa.array([hour.hour] * table.num_rows, TIME)),
            metadata={"landing_files": len(files), "landing_bytes": sum(file.size for file in files)}
            | {LANDED: Landed.all(files).digest}
            | ({"moved_to": moved} if moved else {})
            | {f"personal_data/{kind}": count for kind, count in sorted(sorter.replaced.items())},
        )


def _records(hour: Hour, paths: list[str]) -> Iterator[Message | Reject]:
    for path in paths:
        yield from read_records(hour.lake.chunks(path), path, shapes())


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
