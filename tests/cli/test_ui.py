"""`socialnlp ui`: the address, the platform behind it, and an end that leaves nothing."""

from __future__ import annotations

import socket
import time

import pytest
import urllib3

from tests.cli.conftest import Installation
from tests.cli.terminal import PATIENCE, Terminal

QUERY = "{workspaceOrError {... on Workspace {locationEntries {name locationOrLoadError {__typename}}}}}"


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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    terminal = Terminal(socialnlp, "ui", "--port", str(port))
    assert _ask(port) == {"socialnlp_assets": "RepositoryLocation"}
    terminal.press_ctrl_c()
    assert terminal.end() == 130, terminal.shown
    assert f"http://127.0.0.1:{port}" in terminal.shown
    assert terminal.shown.rstrip().endswith("socialnlp: interrupted")
    assert "Warning" not in terminal.shown
    assert "Traceback" not in terminal.shown
    assert socialnlp.processes() == []


def test_a_taken_port_is_told(
    socialnlp: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert socialnlp.here(monkeypatch, "ui", "--port", str(port)) == 1
    told = capfd.readouterr().err
    assert told.startswith(f"socialnlp: cannot listen on 127.0.0.1:{port}: Address already in use")
    assert "another --port" in told
