"""Quarantine: what a step could not take, with the reason, kept an hour at a time until it can."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from socialnlp_assets.landing.message import RECORD_LIMIT
from socialnlp_assets.partitions import folder_of
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.schemas import INT, TEXT, Column, Schema

QUARANTINE = Schema(
    "quarantine",
    (
        Column("step", TEXT, "asset that could not take the record"),
        Column("message_id", TEXT, "identity of the message, where known", required=False),
        Column("file", TEXT, "landed file it came from"),
        Column("position", INT, "0-based position in that file; -1 for the file as a whole"),
        Column("reason", TEXT, "why, and what to do"),
        Column("record", TEXT, "the record as it came, cut at 64 kB"),
    ),
    key="position",
)


@dataclass(frozen=True)
class Rejected:
    """One record that a step could not take. `position` is -1 for a whole file."""

    reason: str
    record: str
    message_id: str | None = None
    file: str = ""
    position: int = -1


def quarantine_path(workflow: str, step: str, hour: datetime) -> str:
    return f"quarantine/{workflow}/{step}/{folder_of(hour)}/part.parquet"


def write_quarantine(lake: Lake, workflow: str, step: str, hour: datetime, rejected: list[Rejected]) -> None:
    """Replace what quarantine holds for this step and hour; nothing rejected leaves nothing there."""
    path = quarantine_path(workflow, step, hour)
    if not rejected:
        lake.delete([path])
        return
    rows: list[dict[str, Any]] = [
        {
            "step": step,
            "message_id": item.message_id,
            "file": item.file,
            "position": item.position,
            "reason": item.reason,
            "record": item.record[:RECORD_LIMIT],
        }
        for item in rejected
    ]
    lake.write_table(path, pa.Table.from_pylist(rows, schema=QUARANTINE.arrow))
