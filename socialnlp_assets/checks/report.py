"""What a person sees of a verdict: a table of its expectations, the failed ones first, and a sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import dagster as dg

from socialnlp_assets.checks.expectation import Level
from socialnlp_assets.checks.guard import Finding, Verdict

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES, CHARACTERS = 3, 60
COLUMNS = ("result", "what is expected", "observed", "bound", "what to do", "examples", "about")
RESULTS = {Level.ERROR: "ERROR", Level.WARNING: "warning", Level.PASSED: "passed", Level.NOT_ASKED: "not asked"}

# A person's traces, in the order in which they are looked for.
_TRACES = (
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "<e-mail>"),
    (re.compile(r"(?:https?://|www\.)\S+"), "<address>"),
    (re.compile(r"(?<!\w)@\w+"), "<user>"),
    (re.compile(r"(?<![\w.])\+?\d(?:[\s./()-]{0,2}\d){6,}"), "<number>"),
)


def as_table(verdict: Verdict, frame: pd.DataFrame) -> dg.TableMetadataValue:
    """A row an expectation, failed ones first. `frame` is what was audited."""
    worst_first = sorted(verdict.findings, key=lambda finding: -finding.level)
    records = [dg.TableRecord(dict(zip(COLUMNS, _row(f, frame), strict=True))) for f in worst_first]
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(column, "string") for column in COLUMNS]))


def sentence(verdict: Verdict, rejected: int) -> str:
    """What came of the check in short: what failed, how bad it is, and what to do."""
    failed = sorted((finding for finding in verdict.findings if finding.failed), key=lambda finding: -finding.level)
    if not failed:
        return ""
    told = "; ".join(f"{f.expectation.says}: {f.observed} (bound: {f.bound})" for f in failed[:EXAMPLES])
    more = f"; and {len(failed) - EXAMPLES} more" if len(failed) > EXAMPLES else ""
    if verdict.level is Level.ERROR:
        outcome = "Nothing was published; the lake keeps what it had for this hour."
    elif rejected:
        outcome = f"The hour was published without {rejected} rows, which are in quarantine."
    else:
        outcome = "The hour was published all the same."
    return f"{told}{more}. {outcome} What to do: {failed[0].expectation.remedy}."


def pseudonymised(text: str) -> str:
    """`text` without e-mail addresses, links, user names and long numbers, on one line and cut."""
    for pattern, mark in _TRACES:
        text = pattern.sub(mark, text)
    text = " ".join(text.split())
    return text if len(text) <= CHARACTERS else text[: CHARACTERS - 1] + "…"


def _row(finding: Finding, frame: pd.DataFrame) -> tuple[Any, ...]:
    expectation = finding.expectation
    return (
        *(RESULTS[finding.level], expectation.says, finding.observed or "as expected", finding.bound),
        *(expectation.remedy if finding.failed else "", _examples(finding, frame)),
        expectation.about(),
    )


def _examples(finding: Finding, frame: pd.DataFrame) -> str:
    columns = [name for name in finding.expectation.columns() if name in frame.columns]
    rows = [frame.iloc[position] for position in finding.positions[:EXAMPLES]]
    return " | ".join(" → ".join(pseudonymised(str(row[name])) for name in columns) for row in rows)
