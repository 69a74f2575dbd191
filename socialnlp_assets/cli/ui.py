"""`socialnlp ui`: Dagster's UI and daemon, on this installation's state, as one program that ends as one."""

from __future__ import annotations

import socket

import click

from socialnlp_assets.cli.extras import require_server


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="On 127.0.0.1.")
def ui(port: int) -> None:
    """Run the Dagster UI and daemon on this installation's state, until Ctrl-C."""
    require_server()
    _refuse_taken(port)
    from socialnlp_assets.cli.services import run_services

    run_services(port)


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise click.ClickException(
                f"cannot listen on 127.0.0.1:{port}: {error.strerror}; end what is there or choose another --port"
            ) from None
