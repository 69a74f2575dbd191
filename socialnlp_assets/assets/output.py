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
from socialnlp_assets.resources.output_table import OutputTable
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

    def lineage(self) -> Lineage:
        assets = [*((step.name, step.table()) for step in self.steps), ("posts", POSTS)]
        return {column.name: [(asset, column.name)] for asset, schema in assets for column in schema.columns}

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
        for step in self.steps:
            table = _aligned(hour.read(step.name), posts)
            columns |= zip(table.column_names, table.columns, strict=True)
        joined = pa.table(columns).select(schema.names()).cast(schema.arrow)
        return Result(joined, rows_in=rows_in, dropped=+dropped)

    def publish(self, hour: Hour, table: pa.Table) -> Published:
        """Switch the hour over to `table`."""
        output = OutputTable(hour.lake, hour.workflow)
        done = output.publish(hour.hour, table, hour.confirm)
        return Published(output.address, done.size, {"output/partitions": done.files, "output/rows": done.rows})


def _aligned(table: pa.Table, posts: pa.Table) -> pa.Table:
    """A step's columns in the order of `posts`; null where the step left the message out."""
    positions = pc.index_in(posts["message_id"], value_set=table["message_id"].combine_chunks())
    return table.drop_columns(["message_id"]).take(positions)
