"""The section `checks:` of a workflow: how many rows may be quarantined, and what else, or other, is expected.

Validated without Great Expectations, whose import takes seconds: `known.yaml` has the names and arguments that its
registry has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from socialnlp_assets.checks.expectation import READ, Check, Expectation, Level
from socialnlp_assets.checks.guard import QUARANTINE

PLAUSIBLE = "what the rows say can be so"
Mistake = tuple[tuple[str | int, ...], str]  # place in the workflow's file, and what to do


class Tuned(BaseModel):
    """One expectation of a workflow's own: it changes ours of the same name and columns, or is one more. Everything
    beside these fields is an argument of it in Great Expectations."""

    model_config = ConfigDict(frozen=True, extra="allow")

    expect: str
    skip: bool = False
    severity: Literal["warning", "error"] | None = None

    @property
    def arguments(self) -> Mapping[str, Any]:
        return self.model_extra or {}

    def tunes(self, ours: Expectation) -> bool:
        columns = {key: value for key, value in self.arguments.items() if key.startswith("column")}
        return self.expect == ours.type and all(ours.arguments.get(key) == value for key, value in columns.items())

    def tuned(self, ours: Expectation) -> Expectation:
        changed = replace(ours, arguments={**ours.arguments, **self.arguments})
        return replace(changed, level=self._level(), error_beyond=None) if self.severity else changed

    def added(self) -> Expectation:
        says = self.expect.removeprefix("expect_").replace("_", " ")
        remedy = "the workflow's file expects this, in its section `checks:`"
        return Expectation(self.expect, self.arguments, f"the workflow expects {says}", remedy, level=self._level())

    def _level(self) -> Level:
        return Level.WARNING if self.severity == "warning" else Level.ERROR


class Checks(BaseModel):
    """How strict a workflow is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quarantine: float = Field(default=QUARANTINE, ge=0, le=1)  # of an hour's rows
    expectations: Mapping[str, tuple[Tuned, ...]] = Field(default_factory=dict)  # by step

    def plausible(self, step: str, ours: Sequence[Expectation]) -> Check | None:
        """The check `plausible` of a step, as the workflow would have it; None where nothing is expected."""
        expected = list(ours)
        for tuned in self.expectations.get(step, ()):
            meant = [position for position, expectation in enumerate(expected) if tuned.tunes(expectation)]
            if tuned.skip:
                expected = [e for position, e in enumerate(expected) if position not in meant]
            elif meant:
                expected = [tuned.tuned(e) if position in meant else e for position, e in enumerate(expected)]
            else:
                expected.append(tuned.added())
        return Check("plausible", PLAUSIBLE, tuple(expected)) if expected else None

    def mistakes(self, steps: Mapping[str, tuple[Sequence[str], Sequence[Expectation]]]) -> Iterator[Mistake]:
        """What is well-formed but cannot work; `steps` has the columns of each step and what we expect of them."""
        for step, tuned in self.expectations.items():
            if step not in steps:
                yield ("checks", "expectations", step), f"the workflow has no such step; {_hint(step, steps)}"
                continue
            columns, ours = steps[step]
            for position, one in enumerate(tuned):
                place = ("checks", "expectations", step, position)
                yield from ((place + where, what) for where, what in _misfits(one, columns, ours))


def _misfits(tuned: Tuned, columns: Sequence[str], ours: Sequence[Expectation]) -> Iterator[Mistake]:
    if tuned.expect not in known():
        yield ("expect",), f"there is no expectation {tuned.expect!r}; {_hint(tuned.expect, known())}"
        return
    meant = [expectation for expectation in ours if tuned.tunes(expectation)]
    if tuned.skip and not meant:
        yield ("expect",), f"{tuned.expect!r} is not expected here anyway; take this out"
    required, optional = known()[tuned.expect]["required"], known()[tuned.expect]["optional"]
    for name, value in tuned.arguments.items():
        if name not in (*required, *optional):
            yield (name,), f"{tuned.expect} has no such argument; {_hint(name, [*required, *optional])}"
        for column in (value if isinstance(value, list) else [value]) if name.startswith("column") else ():
            if column not in columns and not str(column).startswith(READ):
                yield (name,), f"the step has no column {column!r}; {_hint(str(column), columns)}"
    if not meant and (missing := [name for name in required if name not in tuned.arguments]):
        yield (), f"{tuned.expect} needs {', '.join(missing)}; add `{missing[0]}:`"


def _hint(name: str, choices: Any) -> str:
    close = get_close_matches(name, list(choices), n=1)
    return f"did you mean `{close[0]}`?" if close else f"known here: {', '.join(sorted(choices))}"


@cache
def known() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Every expectation that a workflow may name: its required and its optional arguments."""
    text = Path(__file__).with_name("known.yaml").read_text(encoding="utf-8")
    found: Mapping[str, Mapping[str, Sequence[str]]] = yaml.safe_load(text)
    return found
