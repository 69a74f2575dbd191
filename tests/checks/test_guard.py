"""The guard on small hours: what fails, how badly, and which rows it keeps back."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from socialnlp_assets.checks import Accounts, Audit, Check, Expectation, Level, audit, contract
from socialnlp_assets.checks.guard import most_rejected
from socialnlp_assets.checks.report import as_table, pseudonymised, sentence
from socialnlp_assets.schemas import KEY, TEXT, Column, Schema, score_column

pytestmark = pytest.mark.slow  # Great Expectations is imported

SCHEMA = Schema("mood", (KEY, Column("label", TEXT, "", values=("good", "bad")), score_column("score", "")))
ENGLISH = Expectation(
    "expect_column_texts_to_be_in_english", {"column": "label"}, "labels are English", "ask again", rejects=True
)
FOREIGN = "nessuno risponde al numero verde dalla settimana scorsa, purtroppo"


def hour(rows: int = 10, **changes: dict[int, Any]) -> pa.Table:
    """An hour of good rows; `changes` are by column and row."""
    columns: dict[str, list[Any]] = {
        "message_id": [f"m{n}" for n in range(rows)],
        "label": ["good"] * rows,
        "score": [0.5] * rows,
    }
    for name, by_row in changes.items():
        for row, value in by_row.items():
            columns[name][row] = value
    return pa.table(columns, schema=pa.schema([field.with_nullable(True) for field in SCHEMA.arrow]))


def of_contract(table: pa.Table, rows_in: int | None = None, **rest: Any) -> Audit:
    accounts = Accounts(table.num_rows if rows_in is None else rows_in, table.num_rows, Counter(), 0)
    return audit(table, accounts, [contract(SCHEMA)], **rest)


def failed(found: Audit) -> list[str]:
    return [finding.expectation.says for verdict in found.verdicts for finding in verdict.findings if finding.failed]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (hour(label={3: None}), "label is never null"),
        (hour(message_id={3: "m2"}), "a message is there once"),
        (hour(label={0: "GOOD"}), "label is one of its 2 values"),
        (hour(score={9: 1.2}), "score lies in its range"),
        (hour(score={9: float("nan")}), "score is never null"),
        (hour().select(["message_id", "label"]), "it has exactly the columns of its schema"),
        (hour().append_column("more", [["x"] * 10]), "it has exactly the columns of its schema"),
    ],
)
def test_what_breaks_the_contract_blocks_the_hour(table: pa.Table, says: str) -> None:
    found = of_contract(table)
    assert not found.passed
    assert says in failed(found)


def test_an_hour_that_keeps_its_contract_passes_and_so_does_an_empty_one() -> None:
    assert failed(of_contract(hour())) == []
    assert failed(of_contract(hour(0))) == []


def test_a_row_that_is_lost_or_of_no_message_is_told() -> None:
    assert failed(of_contract(hour(), rows_in=11)) == ["rows in = rows out + dropped, by reason, + quarantined"]
    read = pa.table({"message_id": [f"m{n}" for n in range(9)]})
    assert failed(of_contract(hour(), read=read)) == ["every row is of a message that the step read"]


def test_nothing_where_something_was_expected_fails() -> None:
    all_rejected = Accounts(5, 0, Counter(), 5)
    found = audit(hour(0), all_rejected, [contract(SCHEMA)])
    assert failed(found) == ["there are rows where rows were expected"]


@pytest.mark.parametrize(
    "unanswerable",
    [
        Expectation("expect_column_values_to_be_between", {"column": "no_such", "max_value": 1}, "says", "do"),
        Expectation("expect_column_values_to_be_between", {"column": "label", "max_value": 1}, "says", "do"),
        Expectation("expect_column_values_to_be_in_set", {"column": "label"}, "says", "do"),
        Expectation("expect_no_such_thing", {"column": "label"}, "says", "do", level=Level.WARNING),
    ],
)
def test_what_cannot_be_evaluated_is_an_error(unanswerable: Expectation) -> None:
    found = audit(hour(), Accounts(10, 10), [Check("plausible", "", (unanswerable,))])
    ((finding,),) = (verdict.findings for verdict in found.verdicts)
    assert finding.level is Level.ERROR
    assert finding.observed.startswith("could not be evaluated: ")


@pytest.mark.parametrize(
    ("bad", "rows", "share", "rejected"),
    [(1, 20, 0.05, 1), (2, 20, 0.05, 0), (2, 20, 0.1, 2), (1, 5, 0.05, 1), (1, 5, 0.0, 0), (1, 1, 0.5, 0)],
)
def test_bad_rows_are_rejected_while_they_are_few(bad: int, rows: int, share: float, rejected: int) -> None:
    table = hour(rows, label=dict.fromkeys(range(bad), FOREIGN))
    found = audit(table, Accounts(rows, rows), [Check("plausible", "", (ENGLISH,))], quarantine=share)
    assert list(found.rejected) == list(range(rejected))
    assert found.passed == (rejected > 0)
    assert not found.verdicts[0].passed


def test_never_all_rows_are_rejected() -> None:
    assert [most_rejected(rows, 1.0) for rows in (1, 2, 10)] == [0, 1, 9]


def test_a_share_of_rows_may_fail_and_then_warns_and_then_blocks() -> None:
    shared = replace(ENGLISH, rejects=False, error_beyond=0.5, arguments={"column": "label", "mostly": 0.8})
    levels, outcomes = [], []
    for bad in (3, 20, 21, 60):
        table = hour(100, label=dict.fromkeys(range(bad), FOREIGN))
        (verdict,) = audit(table, Accounts(100, 100), [Check("plausible", "", (shared,))]).verdicts
        told = sentence(verdict, 0)
        levels.append(verdict.level)
        outcomes.append(told.partition("). ")[2].partition(" What to do: ask again.")[0])
    assert levels == [Level.PASSED, Level.PASSED, Level.WARNING, Level.ERROR]
    assert outcomes == [
        *("", "", "The hour was published all the same."),
        "Nothing was published; the lake keeps what it had for this hour.",
    ]
    few = audit(hour(3, label=dict.fromkeys(range(3), FOREIGN)), Accounts(3, 3), [Check("plausible", "", (shared,))])
    assert few.verdicts[0].passed  # three rows are no share


def test_a_question_for_many_rows_is_not_asked_of_few() -> None:
    varied = Expectation(
        "expect_column_commonest_value_share_to_be_at_most", {"column": "score", "max_share": 0.9}, "varies", "look",
        least_rows=20,
    )  # fmt: skip
    check = Check("plausible", "", (varied,))
    assert audit(hour(19), Accounts(19, 19), [check]).verdicts[0].level is Level.NOT_ASKED
    assert audit(hour(20), Accounts(20, 20), [check]).verdicts[0].level is Level.ERROR


def test_a_verdict_tells_what_failed_first_with_examples_and_what_to_do() -> None:
    text = f"{FOREIGN} scrivi a anna.rossi@example.com oppure @anna_r al +39 333 123 4567"
    found = audit(hour(label={4: text}), Accounts(10, 10), [Check("plausible", "", (ENGLISH,))])
    (verdict,) = found.verdicts
    record = as_table(verdict, found.frame).records[0].data
    assert record["result"] == "warning"
    assert record["what is expected"] == "labels are English"
    assert record["observed"] == "1 of 10 rows do not fit"
    assert record["what to do"] == "ask again"
    assert str(record["examples"]).startswith("nessuno risponde")
    assert "without 1 rows, which are in quarantine" in sentence(verdict, len(found.rejected))


def test_examples_name_nobody() -> None:
    told = pseudonymised("anna@example.com and @anna_r at +39 333 123 4567, see https://x.example/anna")
    assert told == "<e-mail> and <user> at <number>, see <address>"
    assert len(pseudonymised("a" * 500)) == 60
