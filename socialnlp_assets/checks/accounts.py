"""Where the rows of a step went."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Accounts:
    """The accounts of one step of one hour: every row that came in went somewhere.

    `dropped` counts rows by the reason that the workflow leaves them out on purpose; `quarantined` counts
    those that could not be taken and wait for a replay.
    """

    rows_in: int = 0
    rows_out: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    quarantined: int = 0

    @property
    def rows_dropped(self) -> int:
        return self.dropped.total()

    @property
    def rows_expected(self) -> bool:
        """True when an empty result would mean a loss: something came in that nobody meant to drop."""
        return self.rows_in > self.rows_dropped

    def as_row(self) -> dict[str, int]:
        """One row of numbers, which the check `contract` compares: as many rows must come out as are left of those
        that came in, and some where some were expected."""
        return {
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "rows_dropped": self.rows_dropped,
            "rows_quarantined": self.quarantined,
            "rows_left": self.rows_in - self.rows_dropped - self.quarantined,
            "rows_least": int(self.rows_expected),
        }
