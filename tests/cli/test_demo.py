"""The demonstration in a terminal: what it shows, and that Ctrl-C ends it with nothing left."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import termios
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.cli.conftest import SCRIPT, Installation

SMALL = ("demo", "--hours", "1", "--workflow", "gmaps_stores")
CTRL_C = b"\x03"
PATIENCE = 120.0


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A program in a terminal of its own, 80 columns wide."""

    def __init__(self, installation: Installation, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        self.shown = ""
        self.process = subprocess.Popen(
            [SCRIPT, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=installation.environment | {"COLUMNS": "80", "TERM": "xterm"},
            start_new_session=True,
            preexec_fn=_take_terminal,  # so that Ctrl-C reaches the program and its children, as in a shell
        )
        os.close(slave)

    def wait_for(self, text: str) -> None:
        """Read until `text` has been shown or the program has ended."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            if not self._read():
                return

    def end(self) -> int:
        """Read on until the program ends; its exit code."""
        while self._read():
            pass
        os.close(self.master)
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        with suppress(OSError):  # the other side is closed
            if data := os.read(self.master, 4096):
                self.shown += data.decode(errors="replace")
                return True
        return False


def _press_ctrl_c(terminal: Terminal) -> None:
    os.write(terminal.master, CTRL_C)


def _terminate(terminal: Terminal) -> None:
    terminal.process.send_signal(signal.SIGTERM)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "interrupt"),
    [
        ("loading the platform", _press_ctrl_c),
        ("run 1 of 1", _press_ctrl_c),
        ("run 1 of 1", _terminate),
        ("late files", _press_ctrl_c),
    ],
)
def test_an_interrupted_demonstration_leaves_nothing(
    socialnlp: Installation, moment: str, interrupt: Callable[[Terminal], None]
) -> None:
    terminal = Terminal(socialnlp, *SMALL)
    terminal.wait_for(moment)
    interrupt(terminal)
    assert terminal.end() == 130, terminal.shown
    assert terminal.shown.rstrip().endswith("socialnlp: interrupted")
    assert "Traceback" not in terminal.shown
    assert socialnlp.processes() == []
    assert socialnlp("endpoints", "list").stdout == "no endpoints\n"


@pytest.mark.slow
def test_a_demonstration_shows_runs_rows_checks_and_results(socialnlp: Installation) -> None:
    terminal = Terminal(socialnlp, *SMALL)
    assert terminal.end() == 0, terminal.shown
    for text in ("run 1 of 1", "messages → ", "checks: ", " 0 failed", "results: ", "aspects-stores"):
        assert text in terminal.shown
    assert socialnlp.processes() == []
    assert socialnlp.lake.objects("output/gmaps_stores")
