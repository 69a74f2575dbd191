"""One hour of `sprinklr` in the three ways that the platform has worked, with the same weights.

- Step Functions: a file of 30 rows or fewer an invocation, a request a row, files between the steps;
- the SageMaker pipelines: of each model in turn, deploy, infer row by row, clean up; CSV between the steps;
- ours: the real steps, predictor and leases.

The steps are those of the thesis's table. The endpoints are those of the tests' SageMaker, whose creations take four
minutes of a clock that waits for nobody; the models behind them do their work, those of the old ways as plain
transformers. A sample of rows is worked, a smaller one in the two slow ways, and each of its seconds counts for the
rows that it stands for. What neither counts: the start of a Lambda and its loading of the model, the start of a
processing job. Ours runs without checks (see `checks-cost`).

Seconds of work are processor seconds, of the models' servers and of this process, each server with one thread: the
hour of a machine that nobody else uses, and whose models have a core each.

Random weights never end a sentence, so each translation has 32 tokens; and they say nothing, so what later steps read
is the message. Set SOCIALNLP_BENCH_ROWS to another number of posts than 1,000, SOCIALNLP_BENCH_OURS to another number
of them that ours works than 300, and SOCIALNLP_BENCH_SAMPLE to another number for the old ways than 20.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from benchmarks.classification import model as reputation
from benchmarks.measure import Figure
from benchmarks.production import folders
from benchmarks.thesis_old import pipelines, step_functions
from benchmarks.thesis_ours import ingested, ours
from benchmarks.thesis_ways import Row, Way, served
from socialnlp_assets.models import load_catalogue

LINES = {  # of the table: what the ways call their parts
    "posts, in ours alone": ("posts",),
    "translation": ("translation", "translations"),
    "sentiment and emotion": ("sentiment", "emotion", "sentiments"),
    "keywords": ("keywords",),
    "classification": ("classification", "classifications"),
}


def thesis() -> list[Figure]:
    rows = int(os.environ.get("SOCIALNLP_BENCH_ROWS", "1000"))
    mine = min(rows, int(os.environ.get("SOCIALNLP_BENCH_OURS", "300")))
    sampled = min(rows, int(os.environ.get("SOCIALNLP_BENCH_SAMPLE", "20")))
    with TemporaryDirectory() as name:
        folder = Path(name)
        with production(reference=True) as models:
            sample, scale = spread(ingested(folder, rows), sampled), rows / sampled
            by_lambda = step_functions(folder / "lambda", sample, models, scale)
            _tell("Step Functions", by_lambda)
            by_pipeline = pipelines(folder / "pipeline", sample, models, scale)
            _tell("SageMaker pipelines", by_pipeline)
        with production(reference=False) as models:
            by_us = ours(folder / "ours", mine, models, rows / mine)
            _tell("ours", by_us)
    _show(by_lambda, by_pipeline, by_us, f"{sampled} rows", f"{mine} rows")
    figures = []
    for rival, way in (("Step Functions", by_lambda), ("SageMaker pipelines", by_pipeline)):
        figures.append(Figure("thesis, whole hour", rival, *_ratio(by_us.whole, way.whole), "s"))
        warm = by_us.whole - by_us.waited
        figures.append(Figure("thesis, next hour of a backfill", rival, *_ratio(warm, way.whole), "s"))
    figures.append(
        Figure("thesis, endpoint seconds", "SageMaker pipelines", *_ratio(by_us.paid, by_pipeline.paid), "s")
    )
    return figures


def _ratio(ours_: float, theirs: float) -> tuple[float, float, float]:
    return round(ours_, 1), round(theirs, 1), round(theirs / ours_, 2)


def _tell(name: str, way: Way) -> None:
    click.echo(f"{name}: {way.whole:.0f} s, {way.waited:.0f} s of them for endpoints", err=True)


def _show(by_lambda: Way, by_pipeline: Way, by_us: Way, sample: str, mine: str) -> None:
    ways = (by_lambda, by_pipeline, by_us)
    table = Table("seconds of the whole hour", box=None)
    for heading in (
        f"Step Functions ({sample})",
        f"SageMaker pipelines ({sample})",
        f"ours ({mine})",
        "pipelines : ours",
    ):
        table.add_column(heading, justify="right")

    def line(name: str, values: Sequence[float]) -> None:
        times = f"{values[1] / values[2]:.1f}" if values[2] else ""
        table.add_row(name, *(f"{value:,.0f}" for value in values), times)

    for part, together in LINES.items():
        line(part, [sum(way.parts.get(name, 0) for name in together) for way in ways])
    line("the whole hour", [way.whole for way in ways])
    line("of which waiting for endpoints", [way.waited for way in ways])
    line("of which work", [way.whole - way.waited for way in ways])
    line("endpoints made", [way.endpoints for way in ways])
    line("endpoint seconds paid", [way.paid for way in ways])
    console = Console()
    console.width = max(console.width, 130)
    console.print(table)


def production(*, reference: bool) -> Any:
    """The production sizes: plain transformers as a reference, or our engines; the small models are the same."""
    large = {model: folders(model)[reference] for model in ("translator", "sentiment", "emotion")}
    small = {"keywords": load_catalogue()["keywords"].embedded.path, "reputation": reputation()}
    return served(large | small, invented=True)


def spread(rows: Sequence[Row], count: int) -> list[Row]:
    """So many of the rows, with the same shares of languages and kinds."""
    ordered = sorted(rows, key=lambda row: (row["language"], row["kind"]))
    return [ordered[place * len(ordered) // count] for place in range(min(count, len(ordered)))]
