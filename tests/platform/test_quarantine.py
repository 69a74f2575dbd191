"""Which records stay in quarantine, and what an hour's run makes of bad rows, few and many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from socialnlp_assets.assets.asset import without_held
from socialnlp_assets.assets.quarantine import CHOICE, Choice, Rejected, held_back
from socialnlp_assets.assets.step import Result
from socialnlp_assets.settings import Settings
from tests.checks.scripted import ScriptedEndpoints, plain
from tests.platform.conftest import HOUR, Platform, message

LOOP = "again and again and again and again and again and again"
FORMER = [
    Rejected("has no time; add it", "{}", file="a.json", position=3),
    Rejected("has no channel", "{}", file="a.json", position=5),
    Rejected("not so: a translation does not repeat itself", "{}", message_id="m7"),
]


@pytest.mark.parametrize(
    ("choice", "held"),
    [
        (Choice(), set()),
        (Choice(step="posts"), set()),
        (Choice(step="translations"), {"a.json:3", "a.json:5", "m7"}),
        (Choice(reason="NO TIME"), {"a.json:5", "m7"}),
        (Choice(only=("m7", "a.json:5")), {"a.json:3"}),
        (Choice(step="posts", reason="has no", only=("a.json:3", "m7")), {"a.json:5", "m7"}),
    ],
)
def test_what_does_not_fit_all_of_a_choice_stays(choice: Choice, held: set[str]) -> None:
    found = held_back("posts", FORMER, choice)
    assert set(found) == held
    assert all(found[each.identity] == each for each in FORMER if each.identity in held)


def test_what_stays_keeps_its_former_reason_and_is_told_once() -> None:
    """`m7` would have a row now, `m8` another reason; `m9` is new and `m6` a row that nobody held."""
    m8 = Rejected("too long", "{}", message_id="m8")
    held = {each.identity: each for each in (*FORMER, m8)}
    again = [Rejected("too strange", "{}", message_id=key) for key in ("m8", "m9")]
    left = without_held(Result(pa.table({"message_id": ["m6", "m7"]}), rows_in=4, rejected=again), held)
    assert left.table["message_id"].to_pylist() == ["m6"]
    assert left.rejected == [m8, again[1], FORMER[2]]
    assert (left.accounts().rows_out, left.accounts().quarantined) == (1, 3)


def test_a_choice_travels_as_a_tag() -> None:
    choice = Choice(step="posts", reason="È", only=("m1",))
    assert Choice.of_run(choice.tags()) == choice
    with pytest.raises(ValueError, match="300 records are too many to name"):
        Choice(only=tuple(f"message-{n}" for n in range(300))).tags()
    with pytest.raises(dg.Failure) as error:
        Choice.of_run({CHOICE: "m1, m2"})
    assert "it must be such as" in str(error.value.description)


@pytest.fixture
def endpoints() -> ScriptedEndpoints:
    return ScriptedEndpoints()


@pytest.fixture
def hour(settings: Settings, endpoints: ScriptedEndpoints) -> Iterator[Platform]:
    """A platform that has landed 40 Italian messages; its models say what a test tells them to."""
    with dg.DagsterInstance.ephemeral() as instance:
        platform = Platform(settings, instance, {"endpoints": endpoints})
        texts = [f"La bolletta numero {100 + n} è arrivata due volte" for n in range(40)]
        platform.land([message(n, text, language="it") for n, text in enumerate(texts)])
        yield platform


def translate(platform: Platform, **arguments: Any) -> dg.ExecuteInProcessResult:
    keys = [dg.AssetKey(["sprinklr", name]) for name in ("posts", "translations")]
    return platform.run(asset_selection=keys, **arguments)


def loops(numbers: range) -> dict[str, Any]:
    """A translator that repeats itself in the messages of these numbers."""
    right, wrong = plain("translator"), {f"numero {100 + n} " for n in numbers}
    return {"translator": lambda text: LOOP if any(each in text for each in wrong) else right(text)}


@pytest.mark.slow
def test_bad_rows_up_to_the_share_wait_while_the_hour_goes_on_and_more_fail_it(
    hour: Platform, endpoints: ScriptedEndpoints
) -> None:
    endpoints.answers = loops(range(2))  # of 40 rows: the share of the workflow, 5 %
    assert translate(hour).success
    assert {row["message_id"] for row in hour.rows("translations")} == {f"m{n}" for n in range(2, 40)}
    waiting = hour.quarantined()
    assert {row["message_id"] for row in waiting} == {"m0", "m1"}
    assert all("does not repeat itself" in row["reason"] for row in waiting)

    endpoints.answers = loops(range(3, 6))
    before = hour.rows("translations")
    result = translate(hour)
    assert not result.success
    (check,) = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert (check.check_name, check.severity) == ("plausible", dg.AssetCheckSeverity.ERROR)
    assert "3 of 40 rows do not fit" in str(check.description)
    assert (hour.rows("translations"), hour.quarantined()) == (before, waiting)


@pytest.mark.slow
def test_a_run_tries_again_what_its_tag_chooses(hour: Platform, endpoints: ScriptedEndpoints) -> None:
    endpoints.answers = loops(range(2))
    assert translate(hour).success
    (kept,) = [row for row in hour.quarantined() if row["message_id"] == "m0"]
    endpoints.answers = {}
    assert translate(hour, tags=Choice(only=("m1",)).tags()).success
    assert hour.quarantined() == [kept]
    assert {row["message_id"] for row in hour.rows("translations")} == {f"m{n}" for n in range(1, 40)}
    assert translate(hour).success  # without the tag, all of it
    assert hour.quarantined() == []
    assert len(hour.rows("translations")) == 40


@pytest.mark.slow
def test_an_expectation_that_cannot_be_evaluated_fails_the_hour(hour: Platform, tmp_path: Path) -> None:
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "mine.yaml").write_text(
        "name: mine\ndescription: Mine.\nsource:\n  kind: dropped\n  languages: [it, en]\nsteps:\n  translations:\n"
        "checks:\n  expectations:\n    translations:\n"
        "      - {expect: expect_column_values_to_be_between, column: text_en, max_value: 5, severity: warning}\n"
    )
    hour.settings = hour.settings.model_copy(update={"workflows": tmp_path / "workflows"})
    hour.land([message(1, "La bolletta è arrivata due volte", language="it")], workflow="mine")
    keys = [dg.AssetKey(["mine", name]) for name in ("posts", "translations")]
    result = hour.run("mine", asset_selection=keys)
    assert not result.success
    (check,) = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert "could not be evaluated" in str(check.description)
    assert not hour.lake.exists(hour.lake.table_path("mine", "translations", HOUR))
