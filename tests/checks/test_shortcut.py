"""The shortcut beside Great Expectations: it says yes where that would, and leaves to it what it does not know."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialnlp_assets.assets.asset import checks_of
from socialnlp_assets.assets.step import Step
from socialnlp_assets.checks import Accounts, Checks, Level, audit, guard
from socialnlp_assets.checks.expectation import READ
from socialnlp_assets.checks.shortcut import Rows, plainly_holds
from socialnlp_assets.schemas import Column
from socialnlp_assets.workflow import load_workflows

STEPS = {
    (workflow.name, step.name): step
    for workflow in load_workflows().values()
    for step in workflow.all_steps()
    if workflow.name in ("sprinklr", "gmaps_stores")
}
TEXTS = (
    "The new meters of Enervia in Modena were not read in March, 120 euros more",
    "The new meters of Enervia in Modena were read in March",
    "I contatori di Enervia a Modena non sono stati letti a marzo, 120 euro in più",
    "nessuno risponde al numero verde dalla settimana scorsa, purtroppo",
    "a good day", "", "@enel see https://x.example &amp; more", "no no no no no no", "a\ufffdb",
)  # fmt: skip


def value(column: Column, chance: random.Random, faults: float) -> Any:
    """One that the column may have; now and then none, or one that it may not have."""
    fault = chance.random() < faults
    if fault and chance.random() < 0.5:
        return None
    if pa.types.is_list(column.type):
        item = Column("", column.type.value_type, "")
        return [value(item, chance, 0) for _ in range(chance.randrange(3))]
    if pa.types.is_timestamp(column.type):
        return datetime(2026, 1, 5, 8, tzinfo=UTC) + timedelta(minutes=chance.randrange(600 if fault else 60))
    if pa.types.is_boolean(column.type):
        return chance.random() < 0.5
    if pa.types.is_integer(column.type):
        return chance.randrange(1, 9 if fault else 6)
    if pa.types.is_floating(column.type):
        return float("nan") if fault and chance.random() < 0.3 else round(chance.random() * (2 if fault else 1), 2)
    if column.values and not fault:
        return chance.choice(list(column.values))
    return chance.choice(TEXTS)


def hour(step: Step, rows: int, faults: float, chance: random.Random) -> tuple[pa.Table, pa.Table]:
    """Random rows of a step, and what it read of the same messages."""
    columns = step.table().columns
    made = [{c.name: value(c, chance, faults) for c in columns} for _ in range(rows)]
    asked = {name for check in checks_of(step, Checks()) for e in check.expectations for name in e.columns()}
    read = {name.removeprefix(READ) for name in asked if name.startswith(READ)} | {"message_id"}
    known = {c.name: c for each in STEPS.values() for c in each.table().columns}
    beside = [{name: value(known[name], chance, faults) for name in read if name in known} for _ in range(rows)]
    for number, (row, other) in enumerate(zip(made, beside, strict=True)):
        other["message_id"] = row[step.table().key] = f"m{number if chance.random() >= faults / 9 else 0}"
    schema = pa.schema([field.with_nullable(True) for field in step.table().arrow])
    types = pa.schema([(name, known[name].type) for name in sorted(read) if name in known])
    return pa.Table.from_pylist(made, schema), pa.Table.from_pylist(beside, types)


@pytest.mark.slow  # Great Expectations is imported
@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(STEPS)), st.integers(0, 130), st.sampled_from([0.0, 0.01, 0.2]), st.randoms())
def test_what_plainly_holds_is_what_great_expectations_says(
    which: tuple[str, str], count: int, faults: float, chance: random.Random
) -> None:
    step = STEPS[which]
    table, read = hour(step, count, faults, chance)
    checks = checks_of(step, Checks())
    answers: list[bool] = []

    def noted(rows: Rows, expectation: str, arguments: Mapping[str, Any]) -> bool:
        answers.append(plainly_holds(rows, expectation, arguments))
        return False  # so that Great Expectations is asked, too

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guard, "plainly_holds", noted)
        found = audit(table, Accounts(count, count), checks, read)
    asked = [each for verdict in found.verdicts for each in verdict.findings if each.level is not Level.NOT_ASKED]
    assert len(asked) == len(answers)
    for each, answer in zip(asked, answers, strict=True):
        assert answer == (each.level is Level.PASSED), (each.expectation.says, each.observed)


@pytest.mark.parametrize(
    ("expectation", "arguments"),
    [
        ("expect_column_values_to_be_between", {"column": "n", "min_value": 0, "strict_min": True}),
        ("expect_column_values_to_be_between", {"column": "n"}),
        ("expect_column_values_to_be_between", {"column": "text", "min_value": "a"}),
        ("expect_column_values_to_not_be_null", {"column": "n", "row_condition": "n > 1"}),
        ("expect_column_values_to_not_be_null", {"column": "no_such"}),
        ("expect_column_pair_text_to_be_answered", {"column_A": "text", "column_B": "text", "more": 1}),
        ("expect_table_names_to_be_kept", {"column_list": ["text", "text"]}),
        ("expect_column_mean_to_be_between", {"column": "n", "min_value": 0}),
    ],
)
def test_what_it_does_not_know_is_left_to_great_expectations(expectation: str, arguments: dict[str, Any]) -> None:
    import pandas as pd

    rows = Rows(pd.DataFrame({"n": [1, 2], "text": ["a", "b"]}))
    assert not plainly_holds(rows, expectation, arguments)


def test_an_hour_in_order_imports_no_great_expectations() -> None:
    import subprocess
    import sys

    program = """
import sys, pyarrow as pa
from socialnlp_assets.checks import Accounts, audit, contract
from socialnlp_assets.schemas import KEY, Schema
found = audit(pa.table({"message_id": ["a"]}), Accounts(1, 1), [contract(Schema("mood", (KEY,)))])
assert found.passed and "great_expectations" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
