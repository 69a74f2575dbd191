"""The process of a run: found however it was started, and known for dead when it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest
import yaml

from socialnlp_assets.runs.processes import RunProcess, process_of

DIES = """
import os, signal, sys
import dagster as dg

@dg.op
def step():
    os.kill(os.getpid(), signal.SIGKILL)

with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    dg.GraphDefinition(name="hour", node_defs=[step]).to_job().execute_in_process(instance=instance)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    launcher = {"module": "socialnlp_assets.runs.launcher", "class": "WarmRunLauncher"}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({"run_launcher": launcher, "telemetry": {"enabled": False}}))
    return tmp_path


def test_a_process_is_known_by_its_id_and_its_time() -> None:
    me = RunProcess(os.getpid(), time.time())
    assert me.lives()
    assert me.session() == os.getsid(0)
    assert not RunProcess(os.getpid(), time.time() - 10 * 24 * 3600).lives(), "somebody else had the id then"


def test_a_process_that_has_ended_or_is_a_zombie_does_not_live() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    zombie = RunProcess(child.pid, time.time())
    assert not zombie.lives()
    child.wait()
    assert not zombie.lives()
    assert not zombie.interrupt()


def test_an_interruption_reaches_the_process() -> None:
    with subprocess.Popen(["sleep", "600"]) as child:
        assert RunProcess(child.pid, time.time()).interrupt()
        assert child.wait() == -signal.SIGINT


@pytest.mark.slow
def test_a_run_that_a_command_started_is_found_dead(home: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", DIES, str(home)], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL
    with dg.DagsterInstance.from_config(str(home)) as instance:
        (run,) = instance.get_runs()
        assert run.status is dg.DagsterRunStatus.STARTED
        health = instance.run_launcher.check_run_worker_health(run)
        assert health.status.name == "NOT_FOUND"
        assert not instance.run_launcher.terminate(run.run_id)


def test_a_run_that_lives_is_left_alone(home: Path) -> None:
    seen: list[str] = []
    with dg.DagsterInstance.from_config(str(home)) as instance:

        @dg.op
        def step() -> None:
            (run,) = instance.get_runs()
            process = process_of(instance, run)
            assert process is not None
            assert process.id == os.getpid()
            seen.append(instance.run_launcher.check_run_worker_health(run).status.name)

        assert dg.GraphDefinition(name="hour", node_defs=[step]).to_job().execute_in_process(instance=instance).success
    assert seen == ["RUNNING"]


def test_a_run_that_was_killed_before_it_named_its_process_is_found_dead(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dg.job
    def hour() -> None:
        pass

    with dg.DagsterInstance.from_config(str(home)) as instance:
        run = instance.create_run_for_job(hour)
        instance.report_dagster_event(dg.DagsterEvent("PIPELINE_START", "hour"), run.run_id)
        assert instance.run_launcher.check_run_worker_health(run).status.name == "RUNNING"
        monkeypatch.setattr("socialnlp_assets.runs.launcher.SILENT", 0.0)
        assert instance.run_launcher.check_run_worker_health(run).status.name == "NOT_FOUND"
