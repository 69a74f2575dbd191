"""Dagster's web server, daemon and code server: started as one, and ended with all that they have under way."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO

import click
import dagster as dg
from dagster import DagsterRunStatus as Status

from socialnlp_assets.cli.home import dagster_home, dagster_instance
from socialnlp_assets.resources.build import build_endpoints
from socialnlp_assets.resources.endpoints.backend import EndpointError
from socialnlp_assets.resources.endpoints.reaper import EndpointHeld
from socialnlp_assets.resources.endpoints.records import Record
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.resources.leases.store import StoreError
from socialnlp_assets.runs.launcher import WarmRunLauncher
from socialnlp_assets.runs.processes import process_of
from socialnlp_assets.sensors.second_tries import ENDED_TAG
from socialnlp_assets.settings import Settings

ENDING_SECONDS = 20  # for each of the steps in which Dagster is ended
LAST_LINES = 20  # of the log, where Dagster ended by itself
WORKSPACE = Path(__file__).with_name("workspace.yaml")


def run_services(port: int) -> None:
    """Serve the UI on `port` of 127.0.0.1 and run the daemon until an interruption, which cancels the runs under way
    and removes the endpoints that nobody else holds. Raises click.ClickException where another one serves the same
    home, or Dagster ends by itself."""
    home = dagster_home()
    log = home / "ui.log"
    command = [sys.executable, "-m", "dagster_dg_cli.cli", "dev", "--host", "127.0.0.1", "--port", str(port)]
    command += ["-w", str(WORKSPACE), "--log-level", "warning"]
    # In the home's folder, for Dagster warns of any other dagster.yaml; in a session of its own, for the terminal's
    # Ctrl-C to reach us alone; into a file, for a sensor that fails prints a page every half minute.
    with _alone(home, port) as lock, dagster_instance() as instance, log.open("wb") as output:
        _fail_dead_runs(instance)
        dagster = subprocess.Popen(
            command, cwd=home, stdout=output, stderr=output, start_new_session=True, pass_fds=[lock.fileno()]
        )
        lock.write(f"process {dagster.pid}\n")
        lock.flush()
        died = False
        try:
            click.echo(f"Dagster on http://127.0.0.1:{port} (some seconds until it answers; Ctrl-C ends it)")
            click.echo(f"state and ui.log: {home}")
            code = dagster.wait()
            died = True
        finally:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # to close the window, too, is no wish to leave anything
            _remove_endpoints(_end(dagster, instance, died))
    last = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:])
    raise click.ClickException(f"Dagster ended by itself (exit {code}); the end of {log} says why:\n{last}")


@contextmanager
def _alone(home: Path, port: int) -> Iterator[IO[str]]:
    """The open file `ui.lock` in `home`, which no other UI has locked. Two daemons on one home would each launch the
    queue's runs and cancel the other's. Dagster is to inherit it, for it would outlive us if we were killed."""
    with (home / "ui.lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            other = " ".join(lock.read().split()) or "starting"
            raise click.ClickException(
                f"a UI serves {home} already ({other}); end it, or set another DAGSTER_HOME"
            ) from None
        lock.truncate(0)
        lock.write(f"http://127.0.0.1:{port}\n")
        lock.flush()
        yield lock


def _fail_dead_runs(instance: dg.DagsterInstance) -> None:
    """Report as failed what was under way when an earlier UI was killed or its machine went down, sooner than Dagster's
    monitoring would. Dagster retries it (`run_retries` in dagster.yaml), because a process failed and not a step."""
    if not isinstance(instance.run_launcher, WarmRunLauncher):
        return  # its runs may be on other machines
    for run in _runs(instance, Status.STARTING, Status.STARTED, Status.CANCELING):
        if (process := process_of(instance, run)) and not process.lives():
            click.echo(f"{run.job_name}, run {run.run_id[:8]}, had ended with an earlier UI")
            if run.status is Status.CANCELING:
                instance.report_run_canceled(run)
            else:
                instance.report_run_failed(run, "Its process ended with the UI that had started it.")


def _runs(instance: dg.DagsterInstance, *statuses: Status) -> list[dg.DagsterRun]:
    return [record.dagster_run for record in instance.get_run_records(dg.RunsFilter(statuses=list(statuses)))]


def _end(dagster: subprocess.Popen[bytes], instance: dg.DagsterInstance, died: bool) -> set[str]:
    """End Dagster and all that it started, patiently first; the ids of the runs that were under way, which are asked
    for again if Dagster has `died`. Interrupting once more goes on to the next, harder step."""
    cancelled: set[str] = set()
    try:
        # The command alone at first, for it ends its parts in order: a daemon whose code server ends before it logs
        # a page of traceback for each sensor that ticks. Then its group: code servers and runs.
        for target in (dagster.pid, -dagster.pid):
            with suppress(ProcessLookupError, KeyboardInterrupt):
                os.kill(target, signal.SIGTERM)
                deadline = time.monotonic() + ENDING_SECONDS
                while time.monotonic() < deadline:
                    _cancel_runs(instance, dagster.pid, cancelled)
                    dagster.poll()  # else what has ended remains as a zombie, and seems to be there
                    os.kill(target, 0)
                    time.sleep(0.1)
    finally:  # whatever came between, such as a database that does not answer
        with suppress(ProcessLookupError):
            os.killpg(dagster.pid, signal.SIGKILL)
    for run_id in cancelled:
        if died:
            instance.add_run_tags(run_id, {ENDED_TAG: "Dagster"})
        if (run := instance.get_run_by_id(run_id)) and not run.is_finished:
            instance.report_run_canceled(run)
    return cancelled


def _cancel_runs(instance: dg.DagsterInstance, session: int, cancelled: set[str]) -> None:
    """Cancel what is under way in `session`, as the UI does. Runs in the queue remain there, and run when there is a
    UI again; those that a command runs are not ours to end."""
    for run in _runs(instance, Status.STARTING, Status.STARTED):
        process = process_of(instance, run)
        if process and process.session() == session and run.run_id not in cancelled:
            _say(f"cancelling {run.job_name}, run {run.run_id[:8]}…")
            cancelled.add(run.run_id)
            with suppress(dg.DagsterError):  # it is ended with the others
                instance.run_launcher.terminate(run.run_id)


def _remove_endpoints(runs: set[str]) -> None:
    """Remove what nobody holds now that `runs` have ended: with Dagster, what would do so later has ended, too."""
    try:
        with build_endpoints(Settings()) as endpoints:
            for run in runs:
                endpoints.release_run(run)
            with ThreadPoolExecutor() as pool:  # on SageMaker each takes a while
                for outcome in pool.map(partial(_remove, endpoints), endpoints.records()):
                    _say(outcome)
    except (EndpointError, StoreError, ValueError, KeyboardInterrupt) as error:
        reason = str(error) or "interrupted"
        _say(f"endpoints may be left ({reason}); `socialnlp endpoints reap` removes them")


def _remove(endpoints: Endpoints, record: Record) -> str:
    try:
        endpoints.stop(record.endpoint)
    except EndpointHeld as held:
        return str(held)
    except KeyError:
        pass  # somebody else was quicker
    return f"{record.endpoint}: removed"


def _say(line: str) -> None:
    with suppress(OSError):  # the terminal may be closed: what is to be done is done without it
        click.echo(line, err=True)
