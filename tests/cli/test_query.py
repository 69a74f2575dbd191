"""`socialnlp query`: questions to the mart and to the output, answered as text."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from socialnlp_assets.hot_topics.record import update
from socialnlp_assets.mart import asset
from socialnlp_assets.mart.build import Mart
from socialnlp_assets.resources.output_table import OutputTable
from tests.cli.conftest import Installation
from tests.cli.terminal import Terminal
from tests.mart.conftest import HOUR, output

EXAMPLES = Path(__file__).parents[2] / "docs" / "analysts.md"
NOTEBOOK = Path(asset.__file__).with_name("notebook.txt")
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
    _explore(socialnlp, mart)


def _explore(socialnlp: Installation, mart: Mart) -> None:
    """The cells of the notebook can be answered; the command serves it on a copy of which nothing is left."""
    cells = [sys.executable, str(NOTEBOOK)]
    ran = subprocess.run(
        cells, env=os.environ | {"SOCIALNLP_MART_COPY": str(mart.file)}, capture_output=True, text=True, timeout=120
    )
    assert (ran.returncode, "Error" in ran.stderr) == (0, False), ran.stderr
    terminal = Terminal(socialnlp, "explore", "--no-browser", "--port", "0")
    terminal.wait_for("access_token=")
    assert "http://localhost:" in terminal.shown
    terminal.press_ctrl_c()
    terminal.end()
    assert socialnlp.processes() == []
    assert [path.name for path in (socialnlp.settings.state / "explore").iterdir()] == ["mart.py"]


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
