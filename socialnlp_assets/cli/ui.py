"""`socialnlp ui`: Dagster's UI and daemon, on this installation's state, as one program that ends as one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
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
    """End Dagster's whole process group, patiently first. Interrupting once more ends it at once."""
    for request in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(dagster.pid, request)
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            dagster.wait(ENDING_SECONDS)
