"""`socialnlp ui`: Dagster's UI and daemon, on this installation's state, as one program that ends as one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

import click

from socialnlp_assets.cli.home import dagster_home

ENDING_SECONDS = 20  # for the web server, the daemon and the code server to end by themselves
# Dagster's own successor of this command is a development tool that we do not install.
QUIET = {"PYTHONWARNINGS": "ignore:Function `dev_command` is superseded"}

WORKSPACE = """\
load_from:
  - python_module: {module_name: socialnlp_assets.definitions, location_name: socialnlp_assets}
"""


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="On 127.0.0.1.")
def ui(port: int) -> None:
    """Run the Dagster UI and daemon on this installation's state, until Ctrl-C."""
    _refuse_taken(port)
    home = dagster_home()
    click.echo(f"Dagster on http://127.0.0.1:{port} (some seconds until it answers; Ctrl-C ends it); state: {home}")
    command = [sys.executable, "-m", "dagster", "dev", "--host", "127.0.0.1", "--port", str(port)]
    workspace = home / "workspace.yaml"
    workspace.write_text(WORKSPACE, encoding="utf-8")
    command += ["-w", str(workspace), "--log-level", "warning"]
    # In the home's folder, for Dagster warns of any other dagster.yaml; in a session of its own, for the terminal's
    # Ctrl-C to reach us alone.
    dagster = subprocess.Popen(command, cwd=home, env=os.environ | QUIET, start_new_session=True)
    try:
        code = dagster.wait()
    finally:
        _end(dagster)
    raise click.ClickException(f"Dagster ended by itself (exit {code}); what it printed above says why")


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise click.ClickException(
                f"cannot listen on 127.0.0.1:{port}: {error.strerror}; end what is there or choose another --port"
            ) from None


def _end(dagster: subprocess.Popen[bytes]) -> None:
    """End Dagster and all that it started, patiently first. Interrupting once more goes on to the next, harder step."""
    # The command alone at first, for it ends its parts in order: a daemon whose code server ends before it prints a
    # page of traceback for each sensor that ticks. What then remains are runs, and the code server that waits for them.
    group = -dagster.pid
    for target, request in ((dagster.pid, signal.SIGTERM), (group, signal.SIGTERM), (group, signal.SIGKILL)):
        with suppress(ProcessLookupError, KeyboardInterrupt):
            os.kill(target, request)
            _wait(dagster, target)


def _wait(dagster: subprocess.Popen[bytes], target: int) -> None:
    """Until there is no `target`, a process or (negative) a group, or the time is over."""
    deadline = time.monotonic() + ENDING_SECONDS
    while time.monotonic() < deadline:
        dagster.poll()  # else what has ended remains as a zombie, and seems to be there
        os.kill(target, 0)
        time.sleep(0.05)
