"""Scores of labels: the result of three tasks, and how its numbers are checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Scores:
    """Scores of every label the catalogue knows, each from 0 to 1; `label` is the best of them."""

    scores: dict[str, float]
    label: str
    truncated: bool = False  # the model read only the first tokens of the text

    @classmethod
    def of(cls, scores: dict[str, float], truncated: bool) -> Scores:
        return cls(scores, max(scores, key=scores.__getitem__), truncated)


def best_first(scores: Mapping[str, float], most: int | None) -> list[str]:
    """The `most` best labels; all of them for None."""
    return sorted(scores, key=scores.__getitem__, reverse=True)[:most]


def number(value: Any, name: str) -> float:
    """`value`, if it is a finite number; else ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} is not a finite number")
    return float(value)


def unit(value: Any, name: str) -> float:
    """A number from 0 to 1; fastText overshoots 1 by some 1e-5."""
    if type(value) is float and 0.0 <= value <= 1.0:  # nearly always, and asked for every label of every text
        return value
    found = number(value, f"the score of {name}")
    if not -1e-4 <= found <= 1 + 1e-4:
        raise ValueError(f"the score of {name} is {found}, not from 0 to 1")
    return min(max(found, 0.0), 1.0)


def certain(label: str, labels: tuple[str, ...]) -> dict[str, float]:
    """`label` for certain; where the model has no such label all score the same: nothing speaks for any."""
    if label in labels:
        return {each: float(each == label) for each in labels}
    return dict.fromkeys(labels, 1 / len(labels))
