"""`drift`: how often the check `drift` warns of clean hours, and how soon of hours that have shifted.

Each hour is a sample of what the real models made of one pool of messages, so all hours have one distribution; its
volume is Poisson around what its hour of the day brings. A shift starts at one hour and stays.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import click
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from benchmarks.hours import HOUR, Pool, pool
from socialnlp_assets.assets.profile import SKETCH, Profiled, profile_of
from socialnlp_assets.checks import Verdict
from socialnlp_assets.checks.drift import drift

CLEAN = 168
TRAILING = 168
USUAL = 120  # messages an hour, more by day
Tables = dict[str, pa.Table]


def clean_rate(source: Pool, clean: dict[datetime, Profiled], rng: np.random.Generator) -> tuple[int, int]:
    """How many of so many clean hours warned."""
    before = dict(clean)
    warned = 0
    for n in range(TRAILING, TRAILING + CLEAN):
        now = _profile(source, _drawn(source, n, rng))
        warned += not drift(HOUR + timedelta(hours=n), now, before).passed
        before[HOUR + timedelta(hours=n)] = now
    return warned, CLEAN


def first_caught(
    source: Pool, shift: Callable[[Tables], Tables], clean: dict[datetime, Profiled], rng: np.random.Generator
) -> tuple[int, str]:
    """After how many shifted hours the check warned (0: not within two), and of what."""
    before = dict(clean)
    for late in (1, 2):
        when = HOUR + timedelta(hours=TRAILING + late - 1)
        now = _profile(source, shift(_drawn(source, TRAILING + late - 1, rng)))
        verdict = drift(when, now, before)
        if not verdict.passed:
            return late, _worst(verdict)
        before[when] = now
    return 0, ""


def _worst(verdict: Verdict) -> str:
    failed = [finding.expectation.about() for finding in verdict.findings if finding.failed]
    return ", ".join(dict.fromkeys(failed[:3]))


def _drawn(source: Pool, number: int, rng: np.random.Generator) -> Tables:
    daily = 1 + 0.5 * np.sin(2 * np.pi * (number % 24) / 24)
    hour = source.hour(int(rng.poisson(USUAL * daily)), rng)
    return {name: result.table for name, result in hour.items()}


def _profile(source: Pool, tables: Tables) -> Profiled:
    found = profile_of([step for name, step in source.steps.items() if name != "output"], tables)
    return {measure: mix for measure, mix in found.items() if measure != SKETCH}


def _with(tables: Tables, name: str, **columns: object) -> Tables:
    table = tables[name]
    for column, values in columns.items():
        place = table.column_names.index(column)
        table = table.set_column(place, table.schema.field(column), pa.array(values, table.schema.field(column).type))
    return tables | {name: table}


def other_language(tables: Tables) -> Tables:
    """A third of the hour comes in English that came in Italian before."""
    languages = tables["posts"]["language"].to_pylist()
    return _with(tables, "posts", language=["en" if n % 3 == 0 else each for n, each in enumerate(languages)])


def truncated(tables: Tables) -> Tables:
    return _with(tables, "posts", message=[text[:40] for text in tables["posts"]["message"].to_pylist()])


def swapped_labels(tables: Tables) -> Tables:
    swap = {"positive": "negative", "negative": "positive"}
    table = tables["sentiments"]
    return _with(
        tables, "sentiments", sentiment=[swap.get(label, label) for label in table["sentiment"].to_pylist()],
        sent_positive=table["sent_negative"].to_pylist(), sent_negative=table["sent_positive"].to_pylist(),
    )  # fmt: skip


def constant_score(tables: Tables) -> Tables:
    return _with(tables, "themes", theme_politics_score=[0.31] * tables["themes"].num_rows)


def half_the_volume(tables: Tables) -> Tables:
    keys = tables["posts"]["message_id"].to_pylist()[::2]
    return {
        name: table.filter(pc.is_in(table["message_id"], value_set=pa.array(keys))) for name, table in tables.items()
    }


def new_model(tables: Tables) -> Tables:
    """One that is surer of itself: its scores are the old ones, sharpened."""
    names = [name for name in tables["sentiments"].column_names if name.startswith("emo_")]
    scores = np.array([tables["sentiments"][name].to_pylist() for name in names]) ** 2
    scores /= np.maximum(scores.sum(axis=0), 1e-9)
    return _with(tables, "sentiments", **{name: row.round(2).tolist() for name, row in zip(names, scores, strict=True)})


SHIFTS: dict[str, Callable[[Tables], Tables]] = {
    "language": other_language,
    "truncated text": truncated,
    "swapped labels": swapped_labels,
    "constant score": constant_score,
    "half the volume": half_the_volume,
    "a new model": new_model,
}
TRIALS = 5


def measure(source: Pool) -> None:
    rng = np.random.default_rng(1)
    clean = {HOUR + timedelta(hours=n): _profile(source, _drawn(source, n, rng)) for n in range(TRAILING)}
    warned, hours = clean_rate(source, clean, rng)
    table = Table("shift", "caught within two hours", "after hours", "by")
    caught = 0
    for name, shift in SHIFTS.items():
        found = [first_caught(source, shift, clean, rng) for _ in range(TRIALS)]
        times = sum(late > 0 for late, _ in found)
        caught += times
        by = next((by for late, by in found if late), "")
        table.add_row(name, f"{times} of {TRIALS}", ", ".join(str(late) for late, _ in found), by)
    Console(width=140).print(table)
    trials = TRIALS * len(SHIFTS)
    click.echo(f"clean hours that warned: {warned} of {hours}; shifts caught within two hours: {caught} of {trials}")


def quality_drift() -> None:
    measure(pool("sprinklr"))
