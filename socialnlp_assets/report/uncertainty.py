"""How sure a figure is: 95 % intervals of shares, of their differences, and of ratios of counts."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt

Z = 1.959964  # standard deviations on either side, of 95 %


@dataclass(frozen=True)
class Interval:
    """What was measured, and the 95 % interval that it lies in."""

    value: float
    low: float
    high: float


def share(part: int, whole: int) -> Interval | None:
    """A share (Wilson, J. Am. Stat. Assoc. 22, 1927); None of nothing."""
    if whole <= 0:
        return None
    p, z2 = part / whole, Z * Z / whole
    middle = (p + z2 / 2) / (1 + z2)
    reach = Z * sqrt(p * (1 - p) / whole + z2 / (4 * whole)) / (1 + z2)
    return Interval(p, max(0.0, middle - reach), min(1.0, middle + reach))


def change_of_share(part: int, whole: int, part_before: int, whole_before: int) -> Interval | None:
    """The difference of two shares, method 10 of Newcombe (Stat. Med. 17, 1998); None where one is of nothing."""
    now, before = share(part, whole), share(part_before, whole_before)
    if now is None or before is None:
        return None
    change = now.value - before.value
    down = sqrt((now.value - now.low) ** 2 + (before.high - before.value) ** 2)
    up = sqrt((now.high - now.value) ** 2 + (before.value - before.low) ** 2)
    return Interval(change, change - down, change + up)


def change_of_rate(count: int, hours: int, count_before: int, hours_before: int, dispersion: float) -> Interval | None:
    """The change of messages an hour, as a share of those before; None where there were none.

    Counts vary `dispersion` times as much as if messages came independently of one another.
    """
    if not (count and count_before and hours and hours_before):
        return None
    ratio = (count / hours) / (count_before / hours_before)
    reach = Z * sqrt(max(1.0, dispersion) * (1 / count + 1 / count_before))
    return Interval(ratio - 1, exp(log(ratio) - reach) - 1, exp(log(ratio) + reach) - 1)
