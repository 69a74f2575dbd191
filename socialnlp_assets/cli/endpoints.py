"""`socialnlp endpoints`: what runs, what it has cost, and its removal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from socialnlp_assets.resources.endpoints.backend import EndpointError
from socialnlp_assets.settings import Settings

if TYPE_CHECKING:  # Dagster comes with them, which the command's help does without
    from socialnlp_assets.resources.endpoints.metering import PriceTable
    from socialnlp_assets.resources.endpoints.records import Record
    from socialnlp_assets.resources.endpoints.resource import Endpoints


@click.group()
def endpoints() -> None:
    """List, reap or stop the endpoints of this installation."""


@endpoints.command("list")
def list_endpoints() -> None:
    """Every endpoint that exists or is coming or going: state, holders, age, estimated cost so far."""
    with _open() as mine:
        records, now, prices = mine.records(), mine.now(), mine.price_table
    if not records:
        click.echo("no endpoints")
        return
    table = Table("endpoint", "state", "held by", "age", "wanted for", "cost, USD", box=None, pad_edge=False)
    for record in records:
        table.add_row(*_row(record, now, prices))
    # Redirected, it is for a script: wide enough that no cell is broken.
    Console(width=None if Console().is_terminal else 200).print(table)


@endpoints.command()
def reap() -> None:
    """Remove what nobody holds or keeps warm, what is past its deadline, and orphans. For cron."""
    with _open() as mine:
        removals = mine.reap()
    for removal in removals:
        click.echo(str(removal), err=bool(removal.error))
    if not removals:
        click.echo("nothing to reap")
    if any(removal.error for removal in removals):
        raise SystemExit(1)


@endpoints.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Although somebody holds it.")
def stop(name: str, force: bool) -> None:
    """Delete the endpoints of the model NAME, or the endpoint of that full name, and wait until it is gone."""
    with _open() as mine:
        try:
            stopped = mine.stop(name, force=force)
        except KeyError as error:
            raise click.ClickException(error.args[0]) from error
    for endpoint in stopped:
        click.echo(f"{endpoint}: removed")


@contextmanager
def _open() -> Iterator[Endpoints]:
    from socialnlp_assets.resources.build import build_endpoints

    try:
        with build_endpoints(Settings()) as mine:
            yield mine
    except (EndpointError, ValueError) as error:
        raise click.ClickException(str(error)) from error


def _row(record: Record, now: datetime, prices: PriceTable) -> tuple[str, ...]:
    holders = [f"{holder.run[:8] or holder.host} {holder.step}".strip() for holder in record.live_holders(now).values()]
    seconds = (now - record.created_at).total_seconds() if record.created_at else 0.0
    wanted = (record.wanted_until(now) - now).total_seconds()
    cost = seconds * prices.price(record.spec).endpoint_second
    return (
        record.endpoint,
        str(record.state),
        ", ".join(holders) or "nobody",
        _duration(seconds),
        _duration(wanted),
        f"{cost:.4f}",
    )


def _duration(seconds: float) -> str:
    """``75`` → ``1 min 15 s``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
