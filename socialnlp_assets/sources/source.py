"""What a source of messages is: one class whose fields are its section of the sources file.

A subclass says how its section of a workflow file looks (`Options`), how its messages look (`shape`), and how an hour
of them is pulled. It knows neither workflows nor assets: a pull takes the options of those that it feeds, by name.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

import dagster as dg
from pydantic import BaseModel, ConfigDict, Field

from socialnlp_assets.landing import Shape
from socialnlp_assets.resources.lake import Lake

HOUR = timedelta(hours=1)
DROPPED = "dropped"  # the kind of a workflow whose files somebody else puts into the landing area
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]


class SourceOptions(BaseModel):
    """The section `source:` of a workflow: where its messages come from, and in which languages it wants them.

    `kind` is one source, several, or `dropped`. A source that has options of its own subclasses this.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str | tuple[str, ...] = Field(description="a source, a list of sources, or dropped")
    languages: tuple[Language, ...] = Field(min_length=1, description="ISO 639-1 codes; other messages are dropped")

    @property
    def kinds(self) -> tuple[str, ...]:
        """The sources that feed the workflow; none where its files are dropped by somebody else."""
        named = (self.kind,) if isinstance(self.kind, str) else self.kind
        return tuple(kind for kind in named if kind != DROPPED)

    def unwanted(self, raw: Mapping[str, Any]) -> str | None:
        """Why the workflow leaves out a message, by what its source says of it; None where it takes it."""
        del raw
        return None


@dataclass(frozen=True)
class LandedHour:
    """What a pull left in the landing area of one workflow."""

    workflow: str
    path: str  # in the lake
    size: int  # bytes
    messages: int
    changed: bool  # False where just this had been pulled before
    problems: tuple[str, ...] = ()  # what did not answer, where the rest was worth landing


class Source(dg.ConfigurableResource[Any], ABC):
    """One source of messages, as an installation configures it."""

    name: ClassVar[str]  # its kind in a workflow, its section of the sources file, its resource
    shape: ClassVar[Shape]
    Options: ClassVar[type[SourceOptions]] = SourceOptions

    @abstractmethod
    def pull(self, lake: Lake, hour: datetime, fed: Mapping[str, SourceOptions]) -> Iterator[LandedHour]:
        """Land an hour's messages for each workflow of `fed`: one file each, an empty list where there are none.

        Pulled again, the file is the same for as long as the source says the same. Raises `SourceUnavailable` when
        running the hour again later may help, `SourceRefused` when it will not.
        """

    @staticmethod
    @abstractmethod
    def order(message: Any) -> Any:
        """What the messages of a landing file are sorted by: when they were written, and their identity."""

    def landing_path(self, workflow: str, hour: datetime) -> str:
        """Where the file of an hour lies in the lake."""
        return f"{Lake.landing_folder(workflow, hour)}/{self.name.replace('_', '-')}.json"

    def land(
        self, lake: Lake, workflow: str, hour: datetime, messages: Sequence[Any], problems: Sequence[str] = ()
    ) -> LandedHour:
        """Put the hour's file as a whole; one that holds just this stays as it is."""
        path, data = self.landing_path(workflow, hour), landing_file(sorted(messages, key=self.order))
        changed = lake.put_if_changed(path, data)
        return LandedHour(workflow, path, len(data), len(messages), changed, tuple(problems))


class HourlySource(Source):
    """A source that can be asked for the messages of any hour, as often as one likes."""

    @abstractmethod
    def messages(self, hour: datetime, fed: Mapping[str, SourceOptions]) -> Mapping[str, Iterable[Any]]:
        """The raw messages of an hour for each workflow of `fed`, as delivered, each once. Raises as `pull` does."""

    def pull(self, lake: Lake, hour: datetime, fed: Mapping[str, SourceOptions]) -> Iterator[LandedHour]:
        """No file is written before the source has answered for all workflows."""
        shares = {workflow: list(found) for workflow, found in self.messages(hour, fed).items()}
        for workflow, share in shares.items():
            yield self.land(lake, workflow, hour, share)


def landing_file(messages: Sequence[Any]) -> bytes:
    """Messages as a landing file. Equal messages give equal bytes, in whatever order their fields came."""
    return b"[" + b",".join(map(_as_delivered, messages)) + b"]"


def _as_delivered(message: Any) -> bytes:
    """A message as JSON that people can read; half an emoji has no UTF-8, so that its message gets escapes."""
    try:
        return json.dumps(message, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(message, sort_keys=True, separators=(",", ":")).encode()
