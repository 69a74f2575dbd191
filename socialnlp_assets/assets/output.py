"""`output`: every message with a usable English text, joined from all steps, exploded over its topics.

(Web, [1, 2, 3]) and (Twitter, [4, 5]) give five partitions. Parquet at
``output/<workflow>/social=<SOURCE>/topic_id=<ID>/date=<YYYY-MM-DD>/hour=<HH>/``: one Hive-partitioned table, whose
hours are switched over as wholes (`resources/output_table.py`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from socialnlp_assets.assets.step import Hour, Lineage, Published, Result, Step
from socialnlp_assets.checks import Expectation
from socialnlp_assets.checks.digests import digests
from socialnlp_assets.checks.expectation import DIGEST
from socialnlp_assets.resources.output_table import NO_TOPIC, OutputTable, partitions_of
from socialnlp_assets.schemas import POSTS, Column


class Output(Step):
    """Every message with a usable English text, joined from all steps, exploded over its topics."""

    name: ClassVar = "output"
    kinds: ClassVar = frozenset({"parquet", "athena"})
    resources: ClassVar = frozenset({"lake"})
    ends_run: ClassVar = True

    steps: tuple[Step, ...]  # those of the workflow, in data order

    def columns(self) -> tuple[Column, ...]:
        """Every column of `posts` and, null where a step left the message out, of every step. Their values were
        audited when they were written."""
        found = (column for step in self.steps for column in step.columns())
        return (*POSTS.columns[1:], *(replace(c, required=False, values=(), between=(None, None)) for c in found))

    def inputs(self) -> list[str]:
        return ["posts", *(step.name for step in self.steps)]

    def _columns_by_asset(self) -> dict[str, list[str]]:
        own = {step.name: [column.name for column in step.columns()] for step in self.steps}
        return {"posts": [column.name for column in POSTS.columns[1:]], **own}

    def lineage(self) -> Lineage:
        assets = [*((step.name, step.table()) for step in self.steps), ("posts", POSTS)]
        return {column.name: [(asset, column.name)] for asset, schema in assets for column in schema.columns}

    def plausible(self) -> tuple[Expectation, ...]:
        again = "rows were joined wrongly: run the hour again"
        return (
            Expectation(
                "expect_multicolumn_partitions_to_agree_with_topics",
                {"column_list": ["social", "topic_ids", "read_social", "read_topic_ids", "read_partitions"]},
                "a message lies in the partitions of its topics, and in no others", again,
            ),
            *(
                Expectation(
                    "expect_column_pair_values_to_be_equal",
                    {"column_A": DIGEST + asset, "column_B": f"read_{asset}"},
                    f"the columns of {asset} are those of the same message", again, digests={DIGEST + asset: columns},
                )
                for asset, columns in self._columns_by_asset().items()
            ),
        )  # fmt: skip

    def compute(self, hour: Hour) -> Result:
        """One row a message with a usable text, in the order of `posts`."""
        schema = self.table()
        posts = hour.read("posts")
        rows_in = posts.num_rows
        text_asset, text_column = self.text
        text = _aligned(hour.read(text_asset, ["message_id", text_column]), posts)[text_column]
        reached = pc.sum(pc.is_valid(text)).as_py() or 0
        posts = posts.filter(pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(text)), 0))
        dropped = Counter({
            f"did not reach {text_asset}": rows_in - reached,
            "no usable English text": reached - posts.num_rows,
        })  # fmt: skip
        columns = dict(zip(posts.column_names, posts.columns, strict=True))
        read = posts.select(["message_id", "social", "topic_ids"])
        for asset, own in self._columns_by_asset().items():
            table = posts if asset == "posts" else hour.read(asset)
            read = read.append_column(asset, _digests_by_key(table, own, posts["message_id"].to_pylist()))
            if asset != "posts":
                table = _aligned(table, posts)
                columns |= zip(table.column_names, table.columns, strict=True)
        joined = pa.table(columns).select(schema.names()).cast(schema.arrow)
        read = read.append_column("partitions", _goes_to(joined))
        return Result(joined, rows_in=rows_in, dropped=+dropped, read=read)

    def publish(self, hour: Hour, table: pa.Table) -> Published:
        """Switch the hour over to `table`."""
        output = OutputTable(hour.lake, hour.workflow)
        done = output.publish(hour.hour, table, hour.confirm)
        return Published(output.address, done.size, {"output/partitions": done.files, "output/rows": done.rows})


def _aligned(table: pa.Table, posts: pa.Table) -> pa.Table:
    """A step's columns in the order of `posts`; null where the step left the message out."""
    positions = pc.index_in(posts["message_id"], value_set=table["message_id"].combine_chunks())
    return table.drop_columns(["message_id"]).take(positions)


def _digests_by_key(table: pa.Table, columns: list[str], keys: list[str]) -> pa.Array:
    """Of each message its digest of `columns`, looked up and not joined; where there is none, that of nulls."""
    found = dict(zip(table["message_id"].to_pylist(), digests(table.select(columns)), strict=True))
    nulls = digests(pa.table({name: pa.nulls(1, table.schema.field(name).type) for name in columns}))[0]
    return pa.array([found.get(key, nulls) for key in keys], pa.uint64())


def _goes_to(table: pa.Table) -> pa.Array:
    """The partitions of each row, as ``<channel>/<topic>``."""
    found: list[list[str]] = [[] for _ in range(table.num_rows)]
    for (channel, topic), rows in partitions_of(table).items():
        for row in rows:
            found[row].append(f"{channel}/{NO_TOPIC if topic is None else topic}")
    return pa.array(found, pa.list_(pa.string()))
