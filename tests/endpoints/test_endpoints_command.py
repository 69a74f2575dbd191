"""`socialnlp endpoints` as a person types it, on a machine with a real local server."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from socialnlp_assets.cli.endpoints import endpoints
from socialnlp_assets.resources.endpoints import local
from socialnlp_assets.resources.endpoints.leases import Terms
from tests.endpoints.machine import Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setenv("SOCIALNLP_STATE", str(tmp_path))
    machine = Machine(tmp_path)
    yield machine
    for pid in machine.processes():
        os.kill(pid, signal.SIGKILL)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(endpoints, arguments)


@pytest.mark.usefixtures("machine")
def test_a_machine_without_endpoints_says_so() -> None:
    assert run("list").output == "no endpoints\n"
    assert run("reap").output == "nothing to reap\n"
    missing = run("stop", "translator")
    assert missing.exit_code == 1
    assert missing.output == "Error: no endpoint of 'translator' exists; running: none\n"


def test_list_stop_and_force(machine: Machine) -> None:
    with machine.endpoints("run-1") as mine, mine.lease("translator", step="translations"):
        name = mine.records()[0].endpoint
        (line,) = (line for line in run("list").output.splitlines() if line.startswith(name))
        assert "in service" in line
        assert "run-1 translations" in line
        assert "0.0000" in line
        refused = run("stop", "translator")
        assert refused.exit_code == 1
        assert f"{name} is held by run-1" in refused.output
        assert "--force" in refused.output
        assert len(machine.processes()) == 1
        assert run("stop", "translator", "--force").output == f"{name}: removed\n"
        assert machine.processes() == []


def test_reap_spares_what_is_warm_and_removes_what_no_record_knows(machine: Machine) -> None:
    with machine.endpoints() as mine:
        with mine.lease("translator"):
            name = mine.records()[0].endpoint
        assert run("reap").output == "nothing to reap\n"
        with sqlite3.connect(machine.directory / "leases.db") as store:
            store.execute("DELETE FROM leases")  # nobody knows of it any more
    assert run("reap").output == f"{name}: removed (no record accounts for it)\n"
    assert machine.processes() == []


def test_what_cannot_be_removed_is_told_and_fails_the_command(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with machine.endpoints(terms=Terms(warm=timedelta(0))) as mine:
        with mine.lease("translator"):
            name = mine.records()[0].endpoint
        with monkeypatch.context() as patch:
            patch.setattr(local, "TERM_SECONDS", 0.05)
            patch.setattr(os, "killpg", lambda *_: None)  # signals do not reach it
            failed = run("reap")
    assert failed.exit_code == 1
    assert f"{name}: not removed (nobody holds it): {name} does not end" in failed.output
    assert run("reap").exit_code == 0
    assert machine.processes() == []


@pytest.mark.usefixtures("machine")
def test_settings_that_do_not_fit_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIALNLP_LEASES", "gs://bucket/leases")
    wrong = run("list")
    assert wrong.exit_code == 1
    assert "a lease store is a path or s3://bucket/prefix" in wrong.output


def test_the_commands_do_not_wait_for_the_libraries_of_steps_or_of_aws() -> None:
    program = """
import sys
import socialnlp_assets.cli.endpoints
print(sorted({"pandas", "boto3", "great_expectations", "trafilatura"} & set(sys.modules)))
"""
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout == "[]\n"
