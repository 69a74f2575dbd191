"""`socialnlp query`: questions to the mart and to the output, answered as text."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from socialnlp_assets.hot_topics.record import update
from socialnlp_assets.mart.build import Mart
from socialnlp_assets.resources.output_table import OutputTable
from tests.cli.conftest import Installation
from tests.mart.conftest import HOUR, output

EXAMPLES = Path(__file__).parents[2] / "docs" / "analysts.md"
HOSTILE = "\x1b[31m[bold]=1+1[/bold] <b>x</b>"


@pytest.mark.slow
def test_questions_to_mart_and_output_are_answered(
    socialnlp: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    messages = [{"message_id": "m1", "text_enriched": HOSTILE, "sentiment": "negative"}, {"message_id": "m2"}]
    OutputTable(socialnlp.lake, "sprinklr").publish(HOUR, output("sprinklr", HOUR, messages))
    mart = Mart(socialnlp.settings.state / "mart")
    assert mart.update(socialnlp.lake, ["sprinklr"]).problems == []
    update(mart)  # what is on the rise
    capfd.readouterr()
    asked = "SELECT messages, negative, hour FROM agg_hour WHERE taxonomy = 'all'"
    assert socialnlp.here(monkeypatch, "query", "--json", asked) == 0
    assert json.loads(capfd.readouterr().out) == {"messages": 2, "negative": 1, "hour": "2026-11-20 08:00:00"}
    assert socialnlp.here(monkeypatch, "query", "--json", "SELECT count(*) AS n FROM sprinklr") == 0
    assert json.loads(capfd.readouterr().out) == {"n": 2}
    assert socialnlp.here(monkeypatch, "query", "SELECT text FROM fact_message WHERE message_id = 'm1'") == 0
    shown = capfd.readouterr().out
    assert "[31m[bold]=1+1[/bold] <b>x</b>" in shown
    assert "\x1b[31m" not in shown
    lines = [line for line in EXAMPLES.read_text(encoding="utf-8").splitlines() if line.startswith("socialnlp query")]
    assert len(lines) >= 5
    for line in lines:
        assert socialnlp.here(monkeypatch, *shlex.split(line)[1:]) == 0, f"{line}\n{capfd.readouterr().err}"


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("COPY (SELECT 1) TO 'lake/x.csv'", "ask one question"),
        ("SELECT 1; DROP TABLE fact_message", "ask one question"),
        ("FROM fact_message", "fact_message"),
        ("SELEC 1", "syntax error"),
    ],
)
def test_what_is_no_question_changes_nothing_and_is_told(
    sql: str,
    sentence: str,
    socialnlp: Installation,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert socialnlp.here(monkeypatch, "query", sql) != 0
    assert sentence in capfd.readouterr().err
    assert not list(socialnlp.folder.rglob("*.csv"))
