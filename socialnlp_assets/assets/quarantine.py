"""Quarantine: what a step could not take, with the reason, kept an hour at a time until it can.

Every run of an hour tries all of it again, unless its tag `CHOICE` says which: what is not chosen stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import dagster as dg
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

from socialnlp_assets.landing.message import RECORD_LIMIT
from socialnlp_assets.partitions import folder_of, hour_in_path
from socialnlp_assets.resources.lake import HourMissing, Lake
from socialnlp_assets.schemas import INT, TEXT, TIME, Column, Schema

CHOICE = "socialnlp/quarantine"  # tag of a run; what retries a run keeps its tags, so that the choice stays
LONGEST_CHOICE = 2000  # bytes: Dagster's storage has an index of the values of tags

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

    @property
    def identity(self) -> str:
        """Its name in the quarantine of a step and an hour: the message's, or file:position where it has none."""
        return self.message_id or f"{self.file}:{self.position}"


class Choice(BaseModel):
    """Which records are tried again: those that fit all that it says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str = ""
    reason: str = ""  # a part of it
    only: tuple[str, ...] = ()  # identities

    def takes(self, step: str, rejected: Rejected) -> bool:
        fits = self.step in ("", step) and self.reason.lower() in rejected.reason.lower()
        return fits and (not self.only or rejected.identity in self.only)

    def tags(self) -> dict[str, str]:
        """The tag of a run that tries these again. Raises ValueError where it would be too long."""
        value = self.model_dump_json(exclude_defaults=True)
        if len(value.encode()) > LONGEST_CHOICE:
            raise ValueError(
                f"{len(self.only)} records are too many to name at once; choose fewer, or by step or reason"
            )
        return {CHOICE: value}

    @classmethod
    def of_run(cls, tags: Mapping[str, str]) -> Choice:
        """What a run with the tag tries again; raises `dagster.Failure` where nobody can tell."""
        try:
            return cls.model_validate_json(tags[CHOICE])
        except ValidationError:
            raise dg.Failure(
                f"the run's tag {CHOICE} is {tags[CHOICE]!r}; it must be such as "
                '{"step": "translations", "reason": "too long", "only": ["m5"]}',
                allow_retries=False,
            ) from None


def held_back(step: str, former: Sequence[Rejected], choice: Choice) -> dict[str, Rejected]:
    """The records that stay in the quarantine of `step`, by identity."""
    return {each.identity: each for each in former if not choice.takes(step, each)}


def quarantine_path(workflow: str, step: str, hour: datetime) -> str:
    return f"quarantine/{workflow}/{step}/{folder_of(hour)}/part.parquet"


def read_quarantine(lake: Lake, path: str) -> list[Rejected]:
    """What quarantine holds at `path`."""
    try:
        rows = lake.read_table(path, ["reason", "record", "message_id", "file", "position"]).to_pylist()
    except HourMissing:
        return []
    return [Rejected(**row) for row in rows]


def held_in_run(lake: Lake, path: str, step: str, tags: Mapping[str, str]) -> dict[str, Rejected]:
    """What stays in the quarantine of `step` at `path` in a run with these `tags`."""
    return held_back(step, read_quarantine(lake, path), Choice.of_run(tags)) if CHOICE in tags else {}


def waiting(lake: Lake, workflow: str | None = None) -> Iterator[tuple[str, datetime, str, list[Rejected]]]:
    """(workflow, hour, step, records) of everything in quarantine, or of one workflow."""
    for file in lake.objects(f"quarantine/{workflow}" if workflow else "quarantine"):
        _, name, step, *_ = file.path.split("/")
        if (hour := hour_in_path(file.path)) is not None:
            yield name, hour, step, read_quarantine(lake, file.path)


def as_table(held: Iterable[tuple[str, datetime, str, Sequence[Rejected]]]) -> pa.Table:
    """What is `waiting` as one table: workflow, hour, and the columns of `QUARANTINE`."""
    rows = [
        {"workflow": workflow, "hour": hour, "step": step, **asdict(each)}
        for workflow, hour, step, rejected in held
        for each in rejected
    ]
    return pa.Table.from_pylist(rows, pa.schema([("workflow", TEXT), ("hour", TIME), *QUARANTINE.arrow]))


def write_quarantine(lake: Lake, workflow: str, step: str, hour: datetime, rejected: list[Rejected]) -> None:
    """Replace what quarantine holds for this step and hour; nothing rejected leaves nothing there."""
    path = quarantine_path(workflow, step, hour)
    if not rejected:
        lake.delete([path])
        return
    rows = [{"step": step, **asdict(item), "record": item.record[:RECORD_LIMIT]} for item in rejected]
    lake.write_table(path, pa.Table.from_pylist(rows, schema=QUARANTINE.arrow))
