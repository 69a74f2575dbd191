"""The demonstration in a terminal: what it shows, and that Ctrl-C ends it with nothing left."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from socialnlp_assets.workflow import load_workflows
from tests.cli.conftest import Installation
from tests.cli.terminal import Terminal

SMALL = ("demo", "--hours", "1", "--days", "1", "--workflow", "gmaps_stores")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "seconds", "interrupt"),
    [
        ("loading the platform", 0.0, Terminal.press_ctrl_c),
        ("run 1 of 1", 0.0, Terminal.press_ctrl_c),
        ("run 1 of 1", 1.0, Terminal.press_ctrl_c),  # amid its steps
        ("late files", 0.0, Terminal.terminate),
    ],
)
def test_an_interrupted_demonstration_leaves_nothing(
    socialnlp: Installation, moment: str, seconds: float, interrupt: Callable[[Terminal], None]
) -> None:
    terminal = Terminal(socialnlp, *SMALL)
    terminal.wait_for(moment)
    time.sleep(seconds)
    interrupt(terminal)
    assert terminal.end() == 130, terminal.shown
    assert terminal.shown.rstrip().endswith("socialnlp: interrupted")
    assert "Traceback" not in terminal.shown
    assert socialnlp.processes() == []
    assert socialnlp("endpoints", "list").stdout == "no endpoints\n"


@pytest.mark.slow
def test_a_demonstration_shows_runs_rows_checks_and_results(socialnlp: Installation) -> None:
    terminal = Terminal(socialnlp, "demo", "--hours", "1", "--days", "1")
    assert terminal.end() == 0, terminal.shown
    workflows = [name for name, workflow in load_workflows().items() if workflow.enabled]
    assert len(workflows) == 4
    for text in (
        "run 4 of 4",
        "messages → ",
        "checks: ",
        " 0 failed",
        "results: ",
        "are doubtful. A small stand-in",
        *workflows,
    ):
        assert text in terminal.shown
    assert socialnlp.processes() == []
    for workflow in workflows:
        assert list(socialnlp.lake.objects(f"output/{workflow}")), workflow
