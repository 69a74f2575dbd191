"""`socialnlp ui`: Dagster's UI and daemon, on this installation's state, as one program that ends as one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from socialnlp_assets.cli.home import dagster_home
from socialnlp_assets.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

ENDING_SECONDS = 20  # for runs to be cancelled, and for each of the steps in which Dagster is ended
LAST_LINES = 20  # of the log, where Dagster ended by itself

WORKSPACE = """\
load_from:
  - python_module: {module_name: socialnlp_assets.definitions, location_name: socialnlp_assets}
"""


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="On 127.0.0.1.")
def ui(port: int) -> None:
    """Run the Dagster UI and daemon on this installation's state, until Ctrl-C."""
    import dagster as dg

    _refuse_taken(port)
    home = dagster_home()
    log = home / "ui.log"
    command = [sys.executable, "-m", "dagster", "dev", "--host", "127.0.0.1", "--port", str(port)]
    workspace = home / "workspace.yaml"
    workspace.write_text(WORKSPACE, encoding="utf-8")
    command += ["-w", str(workspace), "--log-level", "warning"]
    # In the home's folder, for Dagster warns of any other dagster.yaml; in a session of its own, for the terminal's
    # Ctrl-C to reach us alone; into a file, for a sensor that fails prints a page every half minute.
    with dg.DagsterInstance.get() as instance, log.open("wb") as output:
        dagster = subprocess.Popen(command, cwd=home, stdout=output, stderr=output, start_new_session=True)
        try:
            click.echo(f"Dagster on http://127.0.0.1:{port} (some seconds until it answers; Ctrl-C ends it)")
            click.echo(f"state and ui.log: {home}")
            code = dagster.wait()
        finally:
            _remove_endpoints(_end(dagster, instance))
    last = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:])
    raise click.ClickException(f"Dagster ended by itself (exit {code}); the end of {log} says why:\n{last}")


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise click.ClickException(
                f"cannot listen on 127.0.0.1:{port}: {error.strerror}; end what is there or choose another --port"
            ) from None


def _end(dagster: subprocess.Popen[bytes], instance: dg.DagsterInstance) -> set[str]:
    """End Dagster and all that it started, patiently first; the ids of the runs that were under way. Interrupting
    once more goes on to the next, harder step."""
    # The command alone at first, for it ends its parts in order: a daemon whose code server ends before it logs
    # a page of traceback for each sensor that ticks.
    steps = ((dagster.pid, signal.SIGTERM), (-dagster.pid, signal.SIGTERM), (-dagster.pid, signal.SIGKILL))
    cancelled: set[str] = set()
    for target, request in steps:
        with suppress(ProcessLookupError, KeyboardInterrupt):
            os.kill(target, request)
            deadline = time.monotonic() + ENDING_SECONDS
            while time.monotonic() < deadline:
                _cancel_runs(instance, cancelled)
                dagster.poll()  # else what has ended remains as a zombie, and seems to be there
                os.kill(target, 0)
                time.sleep(0.1)
    for run_id in cancelled:
        if (run := instance.get_run_by_id(run_id)) and not run.is_finished:
            instance.report_run_canceled(run)
    return cancelled


def _cancel_runs(instance: dg.DagsterInstance, cancelled: set[str]) -> None:
    """Cancel what is under way, as the UI does. Runs in the queue remain there, and run when there is a UI again."""
    import dagster as dg

    under_way = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
    for run in instance.get_runs(under_way):
        if run.run_id not in cancelled:
            click.echo(f"cancelling {run.job_name}, run {run.run_id[:8]}…")
            cancelled.add(run.run_id)
            with suppress(dg.DagsterError):  # its code server has ended: it is ended with the others
                instance.run_launcher.terminate(run.run_id)


def _remove_endpoints(runs: set[str]) -> None:
    """Remove what nobody holds now that `runs` have ended: with Dagster, what would do so later has ended, too."""
    from socialnlp_assets.resources.endpoints.protocol import EndpointError
    from socialnlp_assets.resources.endpoints.reaper import EndpointHeld
    from socialnlp_assets.resources.endpoints.resource import build_endpoints

    try:
        with build_endpoints(Settings()) as endpoints:
            for run in runs:
                endpoints.release_run(run)
            for record in endpoints.records():
                try:
                    endpoints.stop(record.endpoint)
                    click.echo(f"{record.endpoint}: removed")
                except EndpointHeld as held:
                    click.echo(str(held))
                except KeyError:
                    pass  # somebody else has removed it
    except (EndpointError, ValueError, KeyboardInterrupt) as error:
        click.echo(
            f"endpoints may be left ({error or 'interrupted'}); `socialnlp endpoints reap` removes them", err=True
        )
