"""The section `checks:` of a workflow file."""

from __future__ import annotations

from pathlib import Path

import pytest

from socialnlp_assets.checks import Check, Checks, Level
from socialnlp_assets.checks.tuning import known
from socialnlp_assets.workflow import WorkflowError, load_workflow, load_workflows

GOOD = """\
name: mine
description: Mine.
source:
  kind: dropped
  languages: [it, en]
steps:
  translations:
checks:
  quarantine: 0.02
  expectations:
    translations:
      - {expect: expect_column_texts_to_be_in_english, mostly: 0.5, severity: warning}
      - {expect: expect_table_names_to_be_kept, skip: true}
      - {expect: expect_column_value_lengths_to_be_between, column: text_en, max_value: 500}
"""


def load(tmp_path: Path, text: str) -> Checks:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return load_workflow(path).checks


def plausible(checks: Checks) -> Check:
    step = load_workflows()["sprinklr"].steps["translations"]
    found = checks.plausible("translations", step.plausible())
    assert found
    return found


def test_a_workflow_changes_takes_out_and_adds(tmp_path: Path) -> None:
    checks = load(tmp_path, GOOD)
    ours, theirs = (
        {expectation.type: expectation for expectation in plausible(each).expectations} for each in (Checks(), checks)
    )
    assert checks.quarantine == 0.02
    assert theirs.keys() ^ ours.keys() == {
        "expect_table_names_to_be_kept",
        "expect_column_value_lengths_to_be_between",
    }
    tuned = theirs["expect_column_texts_to_be_in_english"]
    assert (tuned.arguments["mostly"], tuned.level) == (0.5, Level.WARNING)
    assert tuned.says == ours["expect_column_texts_to_be_in_english"].says
    added = theirs["expect_column_value_lengths_to_be_between"]
    assert (added.level, added.arguments) == (Level.ERROR, {"column": "text_en", "max_value": 500})
    assert added.says == "the workflow expects column value lengths to be between"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("0.02", "2"), "9: checks.quarantine: "),
        (("quarantine:", "quarantin:"), "9: checks.quarantin: there is no such field; did you mean `quarantine`?"),
        (
            ("    translations:\n      -", "    keywords:\n      -"),
            "11: checks.expectations.keywords: the workflow has no",
        ),
        (
            ("texts_to_be_in_english", "texts_to_be_english"),
            "12: checks.expectations.translations.0.expect: there is no",
        ),
        (
            ("mostly: 0.5", "mostley: 0.5"),
            "12: checks.expectations.translations.0.mostley: expect_column_texts_to_be_in",
        ),
        (("column: text_en", "column: text"), "14: checks.expectations.translations.2.column: the step has no column"),
        (
            (", column: text_en", ""),
            "14: checks.expectations.translations.2: expect_column_value_lengths_to_be_between",
        ),
        (
            ("table_names_to_be_kept", "column_to_exist"),
            "13: checks.expectations.translations.1.expect: 'expect_column",
        ),
    ],
)
def test_mistakes_are_told_with_line_and_remedy(tmp_path: Path, change: tuple[str, str], expected: str) -> None:
    with pytest.raises(WorkflowError) as error:
        load(tmp_path, GOOD.replace(*change))
    assert str(error.value).split("mine.yaml:")[1].startswith(expected)


@pytest.mark.slow  # Great Expectations is imported
def test_what_a_workflow_may_name_is_what_great_expectations_has() -> None:
    from great_expectations.expectations.registry import get_expectation_impl

    from socialnlp_assets.checks import custom

    for name, arguments in known().items():
        fields = get_expectation_impl(name).__fields__
        named = {*arguments["required"], *arguments["optional"]}
        assert named <= fields.keys(), name
        assert {field for field in named if fields[field].required} == set(arguments["required"]), name
    assert {kind.expectation_type for kind in custom.OURS} <= known().keys()


@pytest.mark.slow  # Great Expectations is imported
def test_the_page_of_checks_is_made_of_the_code() -> None:
    from socialnlp_assets.cli.checks_page import reference

    page = Path(__file__).parents[2] / "docs" / "checks.md"
    assert page.read_text(encoding="utf-8") == reference() + "\n"
