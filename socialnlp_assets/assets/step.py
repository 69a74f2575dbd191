"""What a step kind is. One module in this folder has one: its options, what its models must do, its columns, what it
reads, what it computes, and what must be plausible of its rows.

A `Step` is a step of a workflow: the fields of its class are the options that the workflow's file may set. What makes
an hourly asset of it, write, audit and publish, is in `asset.py`, once for all.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, PrivateAttr

from socialnlp_assets.assets.made_by import versions_of
from socialnlp_assets.assets.quarantine import Rejected
from socialnlp_assets.checks import Accounts, Check, Expectation, Verdict
from socialnlp_assets.models.catalogue import Catalogue, load_catalogue
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.schemas import KEY, Column, Schema
from socialnlp_assets.settings import Profile

if TYPE_CHECKING:  # they are there when a step runs; loading the code location need not wait for them
    from socialnlp_assets.resources.articles.articles import Articles
    from socialnlp_assets.resources.endpoints.metering import Usage
    from socialnlp_assets.resources.endpoints.resource import Endpoints
    from socialnlp_assets.resources.secrets import Secrets

Lineage = Mapping[str, Sequence[tuple[str, str]]]  # new column → (asset, column) it derives from
Mistake = tuple[tuple[str | int, ...], str]  # place in the workflow's file, and what to do

DELIVERED = ("posts", "message")  # the text that a workflow without any step would read


class Does:
    """Says of an option that it names a model, and which tasks that model may do (`tasks/`)."""

    def __init__(self, *tasks: str) -> None:
        self.tasks = tasks


@dataclass
class Result:
    """What a step made of an hour. `read` is what it read of each message, by `message_id`: its expectations find
    those columns as ``read_<column>`` beside its own, and nobody publishes them."""

    table: pa.Table
    rows_in: int
    dropped: Counter[str] = field(default_factory=Counter)  # by reason
    rejected: list[Rejected] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    read: pa.Table | None = None
    verdicts: tuple[Verdict, ...] = ()  # of its own checks

    def accounts(self) -> Accounts:
        return Accounts(self.rows_in, self.table.num_rows, self.dropped, len(self.rejected))


@dataclass(frozen=True)
class Published:
    """Where an hour went, and how many bytes it took."""

    address: str
    size: int
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Hour:
    """One hour of one workflow, as a step sees it."""

    workflow: str
    step: str
    hour: datetime
    first: datetime  # the first hour of the partitions
    lake: Lake
    log: logging.Logger
    confirm: Callable[[], None]  # raises where the run has lost the hour to another one; before anything is published
    resources: Any  # Dagster's, those that the step asks for by name
    used: Callable[[], Sequence[Usage]] = tuple  # what the run has used of its endpoints so far
    made_by: dict[str, str] = field(default_factory=dict)  # model → version that made what this step has read
    shapes: Mapping[str, str] = field(default_factory=dict)  # of endpoints, by model, that the workflow has otherwise
    held: Mapping[str, Rejected] = field(default_factory=dict)  # what stays in its quarantine, by identity

    @property
    def endpoints(self) -> Endpoints:
        return self.resources.endpoints  # type: ignore[no-any-return]

    @property
    def articles(self) -> Articles:
        return self.resources.articles  # type: ignore[no-any-return]

    @property
    def secrets(self) -> Secrets:
        return self.resources.secrets  # type: ignore[no-any-return]

    def read(self, asset: str, columns: list[str] | None = None) -> pa.Table:
        """What another step published for this hour."""
        table = self.lake.read_table(self.lake.table_path(self.workflow, asset, self.hour), columns)
        self.made_by.update(versions_of(table.schema))
        return table


class Step(BaseModel, ABC):
    """One step of a workflow; a subclass is a step kind, and its docstring what the UI says of the asset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    kinds: ClassVar[frozenset[str]]  # badges in the UI
    resources: ClassVar[frozenset[str]] = frozenset({"lake", "endpoints"})
    writes_text: ClassVar[str] = ""  # the column of English text that later steps read in place of what it read
    makes_english: ClassVar[bool] = False  # messages in other languages need such a step
    ends_run: ClassVar[bool] = False  # its metadata tells what the run used of its endpoints
    late_after: ClassVar[timedelta | None] = None  # without a new hour it is late; twice as long, and it is overdue
    after: ClassVar[str] = ""  # for a kind of another package: the step that it follows in data order; "": the last

    _texts: Mapping[str, str] = PrivateAttr(default_factory=lambda: dict([DELIVERED]))
    _as_written: str = PrivateAttr(default=DELIVERED[0])
    _catalogue: Catalogue = PrivateAttr(default_factory=load_catalogue)

    @property
    def text(self) -> tuple[str, str]:
        """The asset and the column of the text that it reads: that of the last step before it that writes text."""
        return list(self._texts.items())[-1]

    @property
    def catalogue(self) -> Catalogue:
        """The models of the installation."""
        return self._catalogue

    def take_place(self, texts: Mapping[str, str], as_written: str, catalogue: Catalogue) -> None:
        """Its workflow tells it which assets before it have a text, in data order, each with the column of its text;
        which of them has the English text as people wrote it; and which models there are."""
        self._texts, self._as_written, self._catalogue = texts, as_written, catalogue

    @classmethod
    def description(cls) -> str:
        return cleandoc(cls.__doc__ or "")

    @classmethod
    def model_options(cls) -> dict[str, Does]:
        """The options that name a model, and what that model must do."""
        found = {name: [m for m in field.metadata if isinstance(m, Does)] for name, field in cls.model_fields.items()}
        return {name: does[0] for name, does in found.items() if does}

    def models(self) -> list[str]:
        """The logical names of the models that it asks."""
        return [getattr(self, option) for option in self.model_options()]

    def mistakes(self, languages: Sequence[str], profile: Profile | None) -> Iterator[Mistake]:  # noqa: ARG002
        """What is well-formed but cannot work in a workflow whose messages are in `languages`."""
        yield from ()

    @abstractmethod
    def columns(self) -> tuple[Column, ...]:
        """The columns that it adds."""

    def table(self) -> Schema:
        """The columns of its asset: the message's key, and its own."""
        return Schema(self.name, (KEY, *self.columns()))

    def inputs(self) -> list[str]:
        """The assets that it reads."""
        return [self.text[0]]

    def lineage(self) -> Lineage:
        """What each of its columns derives from."""
        return {KEY.name: [(self.text[0], KEY.name)], **{column.name: [self.text] for column in self.columns()}}

    def texts(self, hour: Hour) -> tuple[pa.Table, list[str]]:
        """The keys and the text that it reads, as a table of two columns, and the texts."""
        asset, column = self.text
        table = hour.read(asset, ["message_id", column])
        return table, table[column].to_pylist()

    @abstractmethod
    def compute(self, hour: Hour) -> Result:
        """The rows of an hour. An exception fails the step, and the lake keeps what it had."""

    def plausible(self) -> tuple[Expectation, ...]:
        """What its rows must mean, beside what they were made of (`Result.read`)."""
        return ()

    def own_checks(self) -> tuple[Check, ...]:
        """Checks beside `contract` and `plausible`, whose verdicts are in its result."""
        return ()

    def publish(self, hour: Hour, table: pa.Table) -> Published:
        """Replace what the lake had: one object, as every asset but `output`."""
        path = hour.lake.table_path(hour.workflow, hour.step, hour.hour)
        hour.confirm()
        return Published(hour.lake.address(path), hour.lake.write_table(path, table))


class Analysis(Step):
    """A step that says something of a text, and may read another one than that of the last step that writes text."""

    as_written: ClassVar[bool] = False  # its models know emoji, hashtags and slang, which the noise filter takes away

    reads: str | None = None  # the asset whose text it reads; else the English text `as_written`, or the last

    @property
    def text(self) -> tuple[str, str]:
        asset = self.reads or (self._as_written if self.as_written else "")
        return (asset, self._texts[asset]) if asset in self._texts else super().text

    def mistakes(self, languages: Sequence[str], profile: Profile | None) -> Iterator[Mistake]:
        yield from super().mistakes(languages, profile)
        if self.reads and self.reads not in self._texts:
            yield (
                ("steps", self.name, "reads"),
                f"no step before it writes a text called {self.reads!r}; choose one of {', '.join(self._texts)}",
            )
