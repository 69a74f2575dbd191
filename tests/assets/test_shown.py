"""What Dagster's UI is told of an hour, and what makes an hour another one."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest

from socialnlp_assets.assets.metadata import description, of_definition, of_failure, of_hour, of_labels, of_quarantine
from socialnlp_assets.assets.stale import following
from socialnlp_assets.assets.versions import code_version
from socialnlp_assets.checks import Accounts, Checks
from socialnlp_assets.schemas import BOOL, TEXT, Column
from socialnlp_assets.workflow import load_workflows

STEPS = {step.name: step for step in load_workflows()["sprinklr"].all_steps()}


def test_the_accounts_of_an_hour_are_shown_number_by_number() -> None:
    accounts = Accounts(10, 6, Counter({"duplicate": 2, "another": 1}), 1)
    shown = of_hour(pa.table({"message_id": ["m1"] * 6}), accounts, "s3://lake/there", 321, 1.23456)
    preview = shown.pop("preview")
    dropped = shown.pop("dropped")
    assert shown == {
        "dagster/partition_row_count": 6,
        "dagster/uri": "s3://lake/there",
        "rows_in": 10,
        "rows_out": 6,
        "rows_dropped": 3,
        "rows_quarantined": 1,
        "bytes": 321,
        "seconds": 1.235,
    }
    assert list(dropped.value.items()) == [("another", 1), ("duplicate", 2)]
    assert preview.value.count("m1") == 3


def test_the_share_of_each_label_is_of_all_rows() -> None:
    columns = [
        Column("mood", TEXT, "", values=("good", "bad", "none")),
        Column("products", BOOL, ""),
        Column("maybe", BOOL, "", required=False),
        Column("text", TEXT, ""),
    ]
    table = pa.table(
        {"mood": ["good", "bad", "good"], "products": [True, False, False], "maybe": [None] * 3, "text": ["a"] * 3}
    )
    assert of_labels(table, columns) == {
        "share/mood/good": 0.6667, "share/mood/bad": 0.3333, "share/mood/none": 0.0, "share/products": 0.3333,
    }  # fmt: skip
    assert of_labels(table.slice(0, 0), columns) == {}


@pytest.mark.parametrize(("reasons", "lines"), [(5, 5), (6, 6), (60, 6)])
def test_a_glance_at_quarantine_has_five_reasons_and_says_how_many_more(reasons: int, lines: int) -> None:
    shown = of_quarantine("lake/quarantine", [f"reason {number}" for number in range(reasons)])
    told = shown["quarantined"].value.splitlines()
    assert (len(told), told[0], shown["quarantine"].value) == (lines, "- reason 0", "lake/quarantine")
    assert (told[-1] == f"- and {reasons - 5} more: `socialnlp quarantine list`") == (reasons > 5)


def test_a_failure_tells_how_many_records_could_not_be_taken_and_fifty_reasons() -> None:
    shown = of_failure([f"reason {number}" for number in range(60)])
    assert shown["rows_not_taken"] == 60
    told = shown["not_taken"].value.splitlines()
    assert told[49:] == ["- reason 49", "- and 10 more: run the hour again when these are mended"]
    assert of_failure([]) == of_quarantine("", []) == {}


def test_the_page_of_an_asset_says_what_it_is_made_of() -> None:
    assert description(STEPS["summaries"]).endswith(
        "Made from `text_enriched` of `enrichments` by the model `summarizer`."
    )
    assert description(STEPS["sentiments"]).endswith("by the models `sentiment`, `emotion`.")
    assert "Made" not in description(STEPS["posts"])


def test_the_columns_of_an_asset_say_which_is_unique_and_which_may_be_null() -> None:
    step = STEPS["enrichments"]
    shown = of_definition("sprinklr", step.name, step.table(), step.lineage())
    found = {column.name: column.constraints for column in shown["dagster/column_schema"].columns}
    assert [name for name, constraints in found.items() if constraints.unique] == ["message_id"]
    assert [name for name, constraints in found.items() if constraints.nullable] == ["article_title", "article_url"]
    assert shown["dagster/table_name"] == "sprinklr.enrichments"


@pytest.mark.parametrize("workflow", sorted(load_workflows()))
def test_a_column_derives_from_columns_that_are_there(workflow: str) -> None:
    steps = {step.name: step for step in load_workflows()[workflow].all_steps()}
    for step in steps.values():
        derived = step.lineage()
        assert set(derived) <= set(step.table().names())
        for asset, name in {source for sources in derived.values() for source in sources}:
            assert asset in step.inputs()
            assert name in steps[asset].table().names(), f"{step.name} from {asset}.{name}"


def test_another_option_or_another_strictness_is_another_code() -> None:
    step = STEPS["keywords"]
    other = step.model_copy(update={"top": 3})
    versions = [code_version(each, checks) for each, checks in ((step, Checks()), (other, Checks()),
                                                               (step, Checks(quarantine=0.5)))]  # fmt: skip
    assert len(set(versions)) == 3
    assert versions[0] == code_version(step.model_copy(), Checks())


def test_what_reads_a_changed_asset_changes_too_and_nothing_else() -> None:
    steps = list(STEPS.values())
    assert list(following(steps, {"sentiments"})) == ["sentiments", "output", "profile"]
    assert "sentiments" not in list(following(steps, {"filtered_text"}))
    assert list(following(steps, {"filtered_text"}))[:3] == ["filtered_text", "enrichments", "classifications"]
