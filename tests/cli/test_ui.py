"""`socialnlp ui`: the address, the platform behind it, and an end that leaves nothing."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import dagster as dg
import pytest
import urllib3

from socialnlp_assets.fakes.samples import sample_hours
from socialnlp_assets.partitions import HOUR, floor_hour
from socialnlp_assets.runs.processes import process_of
from tests.cli.conftest import Installation
from tests.cli.terminal import PATIENCE, Terminal

QUERY = "{workspaceOrError {... on Workspace {locationEntries {name locationOrLoadError {__typename}}}}}"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _ask(port: int) -> dict[str, str]:
    """The code locations of the Dagster at `port`, by name, once it answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            reply = urllib3.request("POST", f"http://127.0.0.1:{port}/graphql", json={"query": QUERY}, retries=False)
        except urllib3.exceptions.HTTPError:
            assert time.monotonic() < deadline
            time.sleep(0.5)
            continue
        entries = reply.json()["data"]["workspaceOrError"]["locationEntries"]
        return {entry["name"]: entry["locationOrLoadError"]["__typename"] for entry in entries}


@pytest.mark.slow
def test_the_ui_shows_the_platform_and_ends_on_ctrl_c(socialnlp: Installation) -> None:
    port = free_port()
    terminal = Terminal(socialnlp, "ui", "--port", str(port))
    assert _ask(port) == {"socialnlp_assets": "RepositoryLocation"}
    terminal.press_ctrl_c()
    assert terminal.end() == 130, terminal.shown
    assert f"http://127.0.0.1:{port}" in terminal.shown
    assert terminal.shown.rstrip().endswith("socialnlp: interrupted")
    assert "Warning" not in terminal.shown
    assert "Traceback" not in terminal.shown
    assert socialnlp.processes() == []


@contextmanager
def _run_under_way(socialnlp: Installation) -> Iterator[Terminal]:
    """A UI whose sensor has started a run, which waits for an article as long as this is open."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE)
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        for path, data in sample_hours(floor_hour(datetime.now(UTC)) - HOUR, 1, articles_at=f"http://{host}").items():
            socialnlp.lake.put_if_changed(path, data)
        terminal = Terminal(socialnlp, "ui", "--port", str(free_port()), SOCIALNLP_ARTICLE_ALLOWED_HOSTS=host)
        silent.accept()
        yield terminal


def _statuses(socialnlp: Installation) -> list[dg.DagsterRunStatus]:
    """Of all runs of hours, the newest first. What a schedule builds when it is due is not meant."""
    with socialnlp.instance() as instance:
        return [run.status for run in instance.get_runs(dg.RunsFilter(job_name="sprinklr"))]


@pytest.mark.slow
def test_ctrl_c_cancels_the_run_under_way_and_removes_its_endpoints(socialnlp: Installation) -> None:
    with _run_under_way(socialnlp) as terminal:
        terminal.press_ctrl_c()
        assert terminal.end() == 130, terminal.shown
    assert "cancelling sprinklr" in terminal.shown
    assert re.search(r"nlp-translator-\w+-e1: removed", terminal.shown)
    assert len(terminal.shown.splitlines()) < 20, terminal.shown
    assert socialnlp.processes() == []
    assert socialnlp("endpoints", "list").stdout == "no endpoints\n"
    assert _statuses(socialnlp) == [dg.DagsterRunStatus.CANCELED]


@pytest.mark.slow
def test_a_run_that_died_with_its_machine_goes_on_when_the_ui_is_back(socialnlp: Installation) -> None:
    with _run_under_way(socialnlp) as terminal:
        socialnlp.kill()
        terminal.end()
    assert _statuses(socialnlp) == [dg.DagsterRunStatus.STARTED]
    terminal = Terminal(socialnlp, "ui", "--port", str(free_port()))
    deadline = time.monotonic() + 2 * PATIENCE
    while _statuses(socialnlp)[0] is not dg.DagsterRunStatus.SUCCESS:
        assert time.monotonic() < deadline, _statuses(socialnlp)
        time.sleep(1)
    terminal.press_ctrl_c()
    terminal.end()
    assert "had ended with an earlier UI" in terminal.shown
    assert _statuses(socialnlp) == [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
    assert socialnlp.processes() == []


@pytest.mark.slow
def test_a_run_whose_process_was_killed_loses_its_place_and_goes_on(socialnlp: Installation) -> None:
    with _run_under_way(socialnlp) as terminal:
        with socialnlp.instance() as instance:
            process = process_of(instance, instance.get_runs()[0])
        assert process is not None
        os.kill(process.id, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE
        while _statuses(socialnlp)[-1] is not dg.DagsterRunStatus.FAILURE:
            assert time.monotonic() < deadline, _statuses(socialnlp)
            time.sleep(1)
        while len(_statuses(socialnlp)) < 2:  # the same hour, retried
            assert time.monotonic() < deadline
            time.sleep(1)
        terminal.press_ctrl_c()
        terminal.end()


def test_two_uis_on_one_home_refuse_each_other(
    socialnlp: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    home = socialnlp.folder / "dagster"
    home.mkdir()
    with (home / "ui.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("http://127.0.0.1:3000\nprocess 4711\n")
        lock.flush()
        assert socialnlp.here(monkeypatch, "ui", "--port", str(free_port())) == 1
    assert capfd.readouterr().err == (
        f"socialnlp: a UI serves {home} already (http://127.0.0.1:3000 process 4711);"
        " end it, or set another DAGSTER_HOME\n"
    )


def test_a_taken_port_is_told(
    socialnlp: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert socialnlp.here(monkeypatch, "ui", "--port", str(port)) == 1
    told = capfd.readouterr().err
    assert told.startswith(f"socialnlp: cannot listen on 127.0.0.1:{port}: Address already in use")
    assert "another --port" in told


@pytest.mark.parametrize("text", ["not: [yaml", "nonsuch: 1"])
def test_an_unusable_configuration_of_dagster_is_told(
    socialnlp: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], text: str
) -> None:
    home = socialnlp.folder / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text(text)
    assert socialnlp.here(monkeypatch, "ui", "--port", str(free_port())) == 1
    told = capfd.readouterr().err
    assert told.startswith("socialnlp: a file cannot be used as it is: ")
    assert "dagster.yaml" in told
