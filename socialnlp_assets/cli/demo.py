"""`socialnlp demo`: the platform on sample hours, from their source to the tables that come out."""

from __future__ import annotations

import click
from rich.console import Console

from socialnlp_assets.cli.extras import require_server
from socialnlp_assets.cli.report import Report


@click.command()
@click.option("--hours", type=click.IntRange(1, 6), default=2, show_default=True, help="How many hours of a day.")
@click.option(
    "--days",
    type=click.IntRange(1, 3),
    default=3,
    show_default=True,
    help="Of how many days: today, the day before, and the same day a week ago.",
)
@click.option("--workflow", "names", multiple=True, help="Only this one; all that have samples by default.")
def demo(hours: int, days: int, names: tuple[str, ...]) -> None:
    """Land sample hours, let the sensors find them, run every workflow on them and show what came out."""
    require_server("google")  # whose stand-in checks tokens as Google does
    report = Report(Console())
    report.say("loading the platform")
    from socialnlp_assets.cli.demonstration import demonstrate  # what loads the platform
    from socialnlp_assets.fakes.samples import WORKFLOWS

    if unknown := set(names) - set(WORKFLOWS):
        raise click.UsageError(f"no samples of {', '.join(sorted(unknown))}; choose among {', '.join(WORKFLOWS)}")
    demonstrate(report, tuple(names) or WORKFLOWS, hours, days)
    if report.failed:
        raise click.ClickException(f"{report.failed} runs failed; `make ui` shows why")
