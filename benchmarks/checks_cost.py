"""`checks-cost`: what the checks of an hour of `sprinklr` add to its run, in one warm process.

The same hour is run with its checks and without any, in turns. Told are processor seconds of the run's process and of
the models' servers, each the median of the turns; the first turn warms the process and is left out. What is left of the
difference beside the audits are Dagster's events of checks. Set SOCIALNLP_BENCH_ROWS to another number of posts than
1,000.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from unittest.mock import patch

import click
import dagster as dg
from rich.console import Console
from rich.table import Table

from benchmarks.backfill import processes
from benchmarks.hours import HOUR, messages_of
from socialnlp_assets.assets import asset
from socialnlp_assets.assets.profile import HourProfile
from socialnlp_assets.checks import audit, scores, texts
from socialnlp_assets.cli.home import dagster_instance
from socialnlp_assets.definitions import build_definitions
from socialnlp_assets.fakes.samples import as_json, landing_key
from socialnlp_assets.partitions import key_of
from socialnlp_assets.resources.build import build_lake
from socialnlp_assets.settings import Settings

WORKFLOW = "sprinklr"
TURNS = 3


def _places(folder: str) -> dict[str, str]:
    return {"SOCIALNLP_STATE": f"{folder}/state", "DAGSTER_HOME": f"{folder}/dagster"}


def checks_cost() -> None:
    rows = int(os.environ.get("SOCIALNLP_BENCH_ROWS", "1000"))
    turns: dict[bool, list[dict[str, float]]] = {True: [], False: []}
    with TemporaryDirectory() as name, patch.dict(os.environ, _places(name)):
        settings = Settings(lake=f"{name}/lake", state=Path(name) / "state")
        build_lake(settings).put(landing_key(WORKFLOW, HOUR, "batch"), as_json(list(messages_of(WORKFLOW, rows))))
        with dagster_instance() as instance:
            for _ in range(TURNS + 1):
                for checked, taken in turns.items():
                    with nullcontext() if checked else _without_checks():
                        taken.append(_run(settings, instance, name))
    on, off = ({part: median(turn[part] for turn in taken[1:]) for part in taken[0]} for taken in turns.values())
    table = Table("processor seconds", "with checks", "without", box=None)
    for part in on:
        table.add_row(part, f"{on[part]:.2f}", f"{off[part]:.2f}")
    Console(width=100).print(table)
    added, process = on["process"] - off["process"], off["process"]
    click.echo(
        f"checks of {rows} posts add {added:.2f} s: {added / (process + off['servers']):.0%} of the run with its "
        f"models' servers, {added / process:.0%} of its process alone"
    )


def _run(settings: Settings, instance: dg.DagsterInstance, folder: str) -> dict[str, float]:
    """The processor seconds of one run of the hour, by part."""
    audits: list[float] = []

    def timed(*arguments: object) -> object:
        started = time.process_time()
        try:
            return audit(*arguments)  # type: ignore[arg-type]
        finally:
            audits.append(time.process_time() - started)

    for remembered in (texts.cleaned, scores.vectors_of):
        remembered.cache_clear()  # the hour before had the same texts
    job = build_definitions(settings).resolve_job_def(WORKFLOW)
    servers, started = _servers(folder), time.process_time()
    with patch.object(asset, "audit", timed):
        assert job.execute_in_process(partition_key=key_of(HOUR), instance=instance).success
    process = time.process_time() - started
    return {"process": process, "its audits": sum(audits), "servers": _servers(folder) - servers}


def _servers(folder: str) -> float:
    """What the models' servers that live have used so far."""
    return sum(seconds for kind, seconds in processes(folder).values() if kind == "servers")


@contextmanager
def _without_checks() -> Iterator[None]:
    """Assets that have no check, and compute nothing for one."""
    with (
        patch.object(asset, "checks_of", lambda *_: []),
        patch.object(asset, "_recorded", lambda *_: iter(())),
        patch.object(HourProfile, "own_checks", lambda _: ()),
    ):
        yield
