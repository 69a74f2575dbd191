"""What is expected of an asset, as data: Great Expectations' own names and arguments, or those of `custom/`.

Importing Great Expectations takes seconds, so nothing here imports it: names of checks are needed when the code
location loads, expectations only when a step has rows to audit (`guard.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

READ = "read_"  # before the name of a column that the step read, not wrote
DIGEST = "digest_"  # before the name of a column that was made for a check
FEW = 3  # rows that are too few to speak of a share


class Level(IntEnum):
    """How bad what an expectation found is; the worst of its expectations decides a check."""

    NOT_ASKED = -1  # the hour has too few rows for the question
    PASSED = 0
    WARNING = 1
    ERROR = 2


@dataclass(frozen=True, eq=False)
class Expectation:
    """One expectation. It looks at the rows about to be published, beside what the step read of the same message
    (``read_<column>``).

    What fails is an error, unless it is said otherwise: `rejects` sends the rows that fail to quarantine, and the hour
    goes on with a warning while they are few; `error_beyond` makes a warning of a share of failing rows up to it (the
    argument `mostly` says from which share on); `level` makes a warning of the whole. `digests` are columns that are
    made for it: a number for each row of the columns that it names.
    """

    type: str  # its name in Great Expectations' registry
    arguments: Mapping[str, Any]
    says: str  # what is expected, in a sentence
    remedy: str  # what to do when it is not so
    rejects: bool = False
    error_beyond: float | None = None
    level: Level = Level.ERROR
    least_rows: int = 0  # with fewer rows it is not asked
    digests: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def about(self) -> str:
        """The columns that it looks at."""
        columns = self.columns()
        return ", ".join(columns) if len(columns) <= 4 else f"{columns[0]}, {columns[1]} and {len(columns) - 2} more"

    def columns(self) -> list[str]:
        single = [self.arguments[key] for key in ("column", "column_A", "column_B") if key in self.arguments]
        return [*single, *self.arguments.get("column_list", ())]

    def bound(self, rows: int) -> str:
        """What its arguments ask of an hour of so many `rows`."""
        if self.rejects:
            return "every row"
        if "mostly" in self.arguments:
            bound = f"{self.arguments['mostly']:.0%} of rows"
            return bound if rows > FEW else f"more than {FEW} rows to ask it of"
        told = {key: value for key, value in self.arguments.items() if not key.startswith("column")}
        return ", ".join(f"{key} {value}" for key, value in told.items()) or "every row"


@dataclass(frozen=True)
class Check:
    """One check of an asset. One that blocks lets nothing be published when it finds an error."""

    name: str
    description: str
    expectations: tuple[Expectation, ...] = field(default=())
