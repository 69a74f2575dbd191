"""`python -m benchmarks [NAME…]`: ours against its rivals in one run, as a table and as
`results/latest.json`. Set SOCIALNLP_BENCH_DATA to a folder of data sets to run on real texts.
"""

from __future__ import annotations

import time
from importlib import import_module

import click
from rich.console import Console
from rich.table import Table

from benchmarks.measure import RESULTS, Figure, write

# name -> module here: function that returns figures
BENCHMARKS = {
    "translation": "engines:translation",
    "emotion": "engines:emotion",
    "summarisation": "engines:summarisation",
    "keywords": "keywords:keywords",
    "classification": "classification:classification",
    "acquiring": "acquiring:acquiring",
    "article-extraction": "article_extraction:article_extraction",
    "scale": "scale:scale",
    "backfill": "backfill:backfill",
    "mart": "mart:mart",
    "thesis": "thesis:thesis",
}
# What checks and bursts catch and cost, how often they warn of nothing, how long a retraining takes, what a week of
# faults comes to: no rivals, no figures.
REPORTS = {
    "planted-faults": "planted_faults:planted_faults",
    "drift": "quality_drift:quality_drift",
    "checks-cost": "checks_cost:checks_cost",
    "retraining": "retraining:retraining",
    "bursts": "bursts:bursts_and_stories",
    "soak": "soak:report",
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([*BENCHMARKS, *REPORTS]))
def main(names: tuple[str, ...]) -> None:
    """Run the benchmarks NAMES, or all that have rivals, whose results then are those of one run."""
    figures: list[Figure] = []
    for name in names or BENCHMARKS:
        started = time.monotonic()
        module, _, function = (BENCHMARKS | REPORTS)[name].partition(":")
        run = getattr(import_module(f"benchmarks.{module}"), function)
        if name in REPORTS:
            run()
            continue
        figures += run()
        write(figures, keep=bool(names))
        click.echo(f"{name}: {time.monotonic() - started:.0f} s", err=True)
    if not figures:
        return
    table = Table("benchmark", "rival", "unit", box=None)
    for column in ("ours", "theirs", "ratio"):
        table.add_column(column, justify="right")
    for row in figures:
        table.add_row(row.name, row.rival, row.unit, f"{row.ours:.2f}", f"{row.theirs:.2f}", f"{row.ratio:.2f}")
    console = Console()
    console.width = max(console.width, 150)  # a row on one line, for files and logs, too
    console.print(table)
    console.print(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
