"""`output`: every message with a usable English text, joined from all steps, exploded over its topics.

(Web, [1, 2, 3]) and (Twitter, [4, 5]) give five partitions. Parquet at
``output/<workflow>/social=<SOURCE>/topic_id=<ID>/date=<YYYY-MM-DD>/hour=<HH>/``: one Hive-partitioned table, whose
hours are switched over as wholes (`resources/output_table.py`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from socialnlp_assets.assets.step import Hour, Published, Result, Step, text_of
from socialnlp_assets.resources.output_table import OutputTable
from socialnlp_assets.schemas import POSTS, Schema
from socialnlp_assets.workflow import Workflow


def output_schema(steps: dict[str, Step], workflow: Workflow) -> Schema:
    """Every column of `posts` and, null where a step left the message out, of every step."""
    columns = list(POSTS.columns)
    for name in workflow.steps.named():
        schema = steps[name].schema(workflow)
        columns += [replace(column, required=False) for column in schema.columns if column.name != "message_id"]
    return Schema("output", tuple(columns))


def join(schema: Schema, hour: Hour) -> Result:
    """One row a message with a usable text, in the order of `posts`."""
    posts = hour.read("posts")
    rows_in = posts.num_rows
    text_asset, text_column = text_of(hour.workflow)
    text = _aligned(hour.read(text_asset, ["message_id", text_column]), posts)[text_column]
    reached = pc.sum(pc.is_valid(text)).as_py() or 0
    posts = posts.filter(pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(text)), 0))
    dropped = Counter({
        f"did not reach {text_asset}": rows_in - reached,
        "no usable English text": reached - posts.num_rows,
    })  # fmt: skip
    columns = dict(zip(posts.column_names, posts.columns, strict=True))
    for step in hour.workflow.steps.named():
        table = _aligned(hour.read(step), posts)
        columns |= zip(table.column_names, table.columns, strict=True)
    joined = pa.table(columns).select(schema.names()).cast(schema.arrow)
    return Result(joined, rows_in=rows_in, dropped=+dropped)


def _aligned(table: pa.Table, posts: pa.Table) -> pa.Table:
    """A step's columns in the order of `posts`; null where the step left the message out."""
    positions = pc.index_in(posts["message_id"], value_set=table["message_id"].combine_chunks())
    return table.drop_columns(["message_id"]).take(positions)


def publish(hour: Hour, table: pa.Table) -> Published:
    """Switch the hour over to `table`."""
    output = OutputTable(hour.lake, hour.workflow.name)
    done = output.publish(hour.hour, table)
    return Published(output.address, done.size, {"output/partitions": done.files, "output/rows": done.rows})


def output_step(steps: dict[str, Step]) -> Step:
    """The step that joins `steps`."""
    return Step(
        name="output",
        description="Every message with a usable English text, joined from all steps, exploded over its topics.",
        kinds=frozenset({"parquet", "athena"}),
        schema=lambda workflow: output_schema(steps, workflow),
        inputs=lambda workflow: ["posts", *workflow.steps.named()],
        lineage=lambda workflow: {
            column.name: [(asset, column.name)]
            for asset, schema in [
                *((name, steps[name].schema(workflow)) for name in workflow.steps.named()),
                ("posts", POSTS),
            ]
            for column in schema.columns
        },
        compute=lambda hour: join(output_schema(steps, hour.workflow), hour),
        publish=publish,
        resources=frozenset({"lake"}),
        ends_run=True,
    )
