"""`WarmRunLauncher`: Dagster's launcher for one machine, whose runs do not pay for their imports.

Named by `dagster.yaml`. Runs are copies of one warm process (`warm.py`) and so known by their process ids: any program
on the machine can end one, and Dagster's monitoring sees when one has died.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import suppress
from threading import Lock
from typing import Any

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs

from socialnlp_assets.runs.processes import process_of

READY = "ready\n"
SILENT = 30.0  # seconds after a run's start: its process names itself with the next event


class WarmRunLauncher(dg.DefaultRunLauncher):
    """Starts each run as a copy of a process that has the code location imported, anew whenever that is reloaded."""

    def __init__(self, inst_data: Any = None) -> None:
        super().__init__(inst_data)
        self._lock = Lock()
        self._warm: WarmProcess | None = None
        self._code = ""  # the code server that the warm process is as new as

    def launch_run(self, context: LaunchRunContext) -> None:
        """Raises dg.DagsterLaunchFailedError where no process could be had."""
        run, workspace = context.dagster_run, context.workspace
        assert workspace is not None
        assert run.job_code_origin is not None
        assert run.remote_job_origin is not None
        location: Any = workspace.get_code_location(run.remote_job_origin.location_name)
        arguments = ExecuteRunArgs(run.job_code_origin, run.run_id, self._instance.get_ref()).get_command_args()
        module = getattr(run.job_code_origin.repository_origin.code_pointer, "module", None)
        with self._lock:
            if self._warm is None or self._warm.ended() or self._code != location.server_id:
                self.dispose()
                self._warm, self._code = WarmProcess([module] if module else []), location.server_id
            self._warm.start(list(arguments[arguments.index("api") :]))  # before it, the interpreter

    def terminate(self, run_id: str) -> bool:
        """Ask the run's process to end; from any program on this machine. Whether there was one to be asked."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        process = process_of(self._instance, run)
        return process is not None and process.interrupt()

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the run's process lives, also of a run that a command or an earlier launcher started."""
        process = process_of(self._instance, run)
        if process is None:
            record = self._instance.get_run_record_by_id(run.run_id)
            if record and record.start_time and time.time() - record.start_time > SILENT:
                return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "its process ended before it named itself")
            return CheckRunHealthResult(WorkerStatus.RUNNING, "nothing tells yet which process it has")
        if process.lives():
            return CheckRunHealthResult(WorkerStatus.RUNNING, run_worker_id=str(process.id))
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"its process {process.id} has ended")

    def dispose(self) -> None:
        """Let the warm process end; runs that it has started go on."""
        if self._warm is not None:
            self._warm.end()
            self._warm = None


class WarmProcess:
    """The program `warm`, with `modules` imported. Raises dg.DagsterLaunchFailedError where it does not answer."""

    def __init__(self, modules: list[str]) -> None:
        command = [sys.executable, "-m", "socialnlp_assets.runs.warm", *modules]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()

    def start(self, arguments: list[str]) -> None:
        """Start a copy that runs `dagster` with `arguments`."""
        with suppress(OSError):  # it has ended, which the missing answer says
            print(json.dumps(arguments), file=self._process.stdin, flush=True)
        self._answer()

    def ended(self) -> bool:
        return self._process.poll() is not None

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def _answer(self) -> None:
        assert self._process.stdout is not None
        while answer := self._process.stdout.readline():
            if answer == READY:
                return  # else it is what some module prints when it is imported
        raise dg.DagsterLaunchFailedError("the warm process has ended; what it said is in the daemon's output")
