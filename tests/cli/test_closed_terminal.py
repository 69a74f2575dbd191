"""A terminal that is closed, and processes that come first together: nothing is left running, nobody collides."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cli.conftest import SCRIPT, Installation
from tests.cli.terminal import PATIENCE, Terminal
from tests.cli.test_ui import free_port

READING = """
import time
from socialnlp_assets.resources.articles.reader import Reader
reader = Reader(seconds=60)
reader.extract("<p>The process is started by the first page.</p>", "http://news.example/")
print("reading", flush=True)
try:
    while True:
        reader.extract("<a href=x>word</a>" * 1000, "http://news.example/")
except KeyboardInterrupt:
    time.sleep(1)  # as a run does, which ends what it is at
    reader.close()
"""


@contextmanager
def hangups_ignored() -> Iterator[None]:
    """As some programs leave it to the shells that they start."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def all_end(installation: Installation) -> bool:
    deadline = time.monotonic() + PATIENCE
    while installation.processes():
        assert time.monotonic() < deadline, installation.processes()
        time.sleep(0.5)
    return True


@pytest.mark.slow
@pytest.mark.parametrize("ignored", [False, True], ids=["as usual", "hangups ignored"])
def test_closing_the_terminal_of_the_ui_ends_it(socialnlp: Installation, ignored: bool) -> None:
    arguments = ("ui", "--port", str(free_port()))
    if ignored:
        with hangups_ignored():
            terminal = Terminal(socialnlp, *arguments)
    else:
        terminal = Terminal(socialnlp, *arguments)
    terminal.wait_for("Ctrl-C ends it")
    os.close(terminal.master)
    terminal.process.wait(PATIENCE)
    assert all_end(socialnlp)


@pytest.mark.slow
def test_closing_the_terminal_after_ctrl_c_leaves_no_server_of_the_demo(socialnlp: Installation) -> None:
    terminal = Terminal(socialnlp, "demo", "--hours", "1", "--workflow", "gmaps_stores")
    terminal.wait_for("the sensors ask for")
    while not any("socialnlp_assets.serving" in command for command in socialnlp.processes()):
        time.sleep(0.05)
    terminal.press_ctrl_c()
    time.sleep(0.2)  # it is removing them now, most likely; whatever it does, they must go
    os.close(terminal.master)
    terminal.process.wait(PATIENCE)
    assert all_end(socialnlp)


@pytest.mark.slow
def test_ctrl_c_is_not_for_the_process_that_reads_articles() -> None:
    command = [sys.executable, "-c", READING]
    reading = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0)
    try:
        assert reading.stdout
        assert reading.stdout.readline() == "reading\n"
        time.sleep(0.2)
        os.killpg(reading.pid, signal.SIGINT)  # as the terminal sends it: to all of the group
        assert reading.communicate(timeout=PATIENCE)[1] == ""
        assert reading.returncode == 0
    finally:
        reading.kill()  # the process that it started ends when its input does


@pytest.mark.slow
def test_processes_that_are_the_first_to_use_a_home_do_not_collide(socialnlp: Installation) -> None:
    command = [SCRIPT, "hours", "list"]
    started = [
        subprocess.Popen(command, env=socialnlp.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    for process in started:
        assert process.communicate(timeout=PATIENCE) == ("no hour waits\n", "")
