"""`docs/checks.md`, made of the code: `python -m socialnlp_assets.cli.checks_page > docs/checks.md`."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc

from socialnlp_assets.checks.contract import contract
from socialnlp_assets.checks.drift import CHANCE, LEAST_HOURS, TRAILING, drift
from socialnlp_assets.checks.expectation import FEW, Expectation, Level
from socialnlp_assets.checks.guard import QUARANTINE
from socialnlp_assets.schemas import Schema

INTRODUCTION = f"""\
# What is checked of each asset

Made of the code by `python -m socialnlp_assets.cli.checks_page`; edit the steps, not this page.

An hour is checked before it is published. Each check has a table on the asset's page in Dagster, a row an expectation,
the failed ones first: what is expected, what was observed and of how many rows, the bound, what to do, examples without
personal data, and of which columns. What holds is told by the platform itself, for Great Expectations takes ten times
as long for one expectation as the rows do (`checks/shortcut.py`); what fails, or is not known there, Great Expectations
evaluates. That both say the same is tested on random tables.

![A failed check: 6 of 40 translations repeat themselves, 2 may; what to do](images/failed-check.png)

- `contract`: columns, key, counts, ranges and sets. What fails is an error: nothing is published, the lake keeps the
  hour as it was, and nothing downstream runs. So is an expectation that cannot be evaluated.
- `plausible`: what the rows say can be so. A *row* that fails goes to quarantine with its reason, and the hour goes on
  with a warning, up to the share of rows that the workflow sets ({QUARANTINE:.0%} by default; one row always, unless it
  is 0); beyond it the hour fails. A *share* of rows may fail, {FEW} rows always: beyond the first bound the hour is
  published with a warning, beyond the second it fails. What is said of the *hour* as a whole is an error, or a warning.
- `drift`, of the asset `profile`: the hour is like those of the {TRAILING.days} days before it. A warning; it needs
  {LEAST_HOURS} hours, and warns where chance alone makes such a difference in fewer than {CHANCE:.1%} of hours.

## Hours that do not arrive, arrive late, or bring little

- The asset `posts` has a freshness policy: after 2 hours without a new hour Dagster shows a warning at it, after 4 a
  failure, until an hour arrives, however late. The daemon of `socialnlp ui` judges it once a minute. Alerts tell of it
  after 4 hours ([automation](automation.md#alerts)).
- `socialnlp hours list` names each hour whose files have landed and that no run has taken, or that failed.
- An hour with far more or fewer messages than that hour of the week brings fails `drift` with the measure `volume`.

## To tune them

A workflow's file may change what is expected, or expect more, by the names of Great Expectations' registry:

```yaml
checks:
  quarantine: 0.02                # of an hour's rows
  expectations:
    translations:
      - {{expect: expect_column_texts_to_be_in_english, mostly: 0.8}}
      - {{expect: expect_table_names_to_be_kept, skip: true}}
      - {{expect: expect_column_value_lengths_to_be_between, column: text_en, max_value: 5000, severity: warning}}
```

One of the same name and columns changes ours; another is added. What the step read of the same message are the columns
`read_<column>`. Mistakes are told with file, line and remedy: `socialnlp workflows check`.
"""


def reference() -> str:
    """The page."""
    return "\n".join([INTRODUCTION, *_contract(), *_steps(), *_drift(), *_custom()])


def _contract() -> Iterator[str]:
    yield "## `contract`, of every asset\n"
    yield "| expectation | of | |\n|---|---|---|"
    for expectation in contract(Schema("", ())).expectations:
        yield f"| `{expectation.type}` | {expectation.about() or 'the table'} | {expectation.says} |"
    yield "\nBesides, of each column: not null where it is required, in its set, in its range.\n"


def _steps() -> Iterator[str]:
    from socialnlp_assets.workflow import load_workflows

    steps = {step.name: step for workflow in load_workflows().values() for step in workflow.all_steps()}
    for name, step in steps.items():
        if expected := step.plausible():
            yield f"## `plausible`, of `{name}`\n\n| what is expected | of | fails | expectation |\n|---|---|---|---|"
            yield from (f"| {e.says} | {e.about()} | {_fails(e)} | `{e.type}` |" for e in expected)
            yield ""


def _fails(expectation: Expectation) -> str:
    if expectation.rejects:
        return "row"
    if expectation.error_beyond is not None:
        beyond = 1 - expectation.arguments["mostly"]
        return f"share: warning beyond {beyond:.0%}, error beyond {expectation.error_beyond:.0%}"
    level = "warning" if expectation.level is Level.WARNING else "error"
    return f"hour: {level}" + (f", from {expectation.least_rows} rows on" if expectation.least_rows else "")


def _drift() -> Iterator[str]:
    module = cleandoc(__import__(drift.__module__, fromlist=["drift"]).__doc__ or "")
    yield f"## `drift`, of `profile`\n\n{module.split(chr(10), 2)[2]}\n"


def _custom() -> Iterator[str]:
    from great_expectations.expectations.registry import get_expectation_impl

    from socialnlp_assets.checks import custom

    yield "## Expectations of ours\n\nRegistered with Great Expectations by `checks/custom/`.\n"
    yield "| name | what it expects |\n|---|---|"
    for kind in sorted(custom.OURS, key=lambda kind: kind.expectation_type):
        assert get_expectation_impl(kind.expectation_type) is kind
        yield f"| `{kind.expectation_type}` | {' '.join(cleandoc(kind.__doc__ or '').split())} |"


if __name__ == "__main__":
    print(reference())
