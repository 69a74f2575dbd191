"""The pictures of a report, wide, on a telephone and printed: `python -m tests.browser.report_pictures`, or
`make pictures`. It is made of two days of the sample messages, as the real models read them, and of one event."""

from __future__ import annotations

import os
from datetime import timedelta
from math import pi, sin
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa

from benchmarks.hours import HOUR as POOLED
from benchmarks.hours import pool
from socialnlp_assets.hot_topics.record import update
from socialnlp_assets.mart.build import Mart
from socialnlp_assets.partitions import HOUR as ONE_HOUR
from socialnlp_assets.report.asset import make_reports
from socialnlp_assets.report.figures import Period
from socialnlp_assets.report.page import path_of
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.output_table import OutputTable
from socialnlp_assets.workflow import load_workflows
from tests.browser.browser import Browser, browser

IMAGES = Path(__file__).parents[2] / "docs" / "images"
A4, MARGIN, SHEET = 794, 38, 988  # pixels; the sheet as far as what is first on it and not cut
WORKFLOW = "sprinklr"
START = POOLED.replace(hour=0)
EVENT = (33, 34, 35)  # hours after the start
TOLD = (
    "Fire at the Modena substation: half the town is dark since this morning",
    "Half of Modena is dark, they say the substation is on fire",
    "Substation fire in Modena, and the call centre does not answer. Half the town is dark!",
)


def _hour(messages: list[dict[str, Any]], number: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """The messages of an hour: some of all, and in the hours of the event those that tell of it."""
    usual = int(rng.poisson(34 - 12 * sin((number + 4) / 12 * pi)))
    found = [messages[place] for place in rng.choice(len(messages), usual, replace=False)]
    if number in EVENT:
        found += [
            message
            | {"message_id": f"event-{number}-{n}", "sentiment": "negative", "emotion": "anger", "places": ["Modena"]}
            | dict.fromkeys(("message", "text_clean", "text_en", "text_enriched"), TOLD[n % 3])
            | {"keywords": ["substation fire", "dark town"], "keyword_scores": [0.3, 0.2]}
            for n, message in enumerate(found[: 6 + 4 * (number - EVENT[0])])
        ]
    later = timedelta(hours=number) + START - POOLED
    return [message | {"created_at": message["created_at"] + later} for message in found]


def _made(folder: Path) -> Path:
    """The report of the second day."""
    lake, mart, rng = Lake(uri=str(folder / "lake")), Mart(folder / "mart"), np.random.default_rng(0)
    output = pool(WORKFLOW).results["output"].table
    messages = output.to_pylist()
    for number in range(48):
        table = pa.Table.from_pylist(_hour(messages, number, rng), schema=output.schema)
        OutputTable(lake, WORKFLOW).publish(START + number * ONE_HOUR, table)
    assert mart.update(lake, [WORKFLOW]).problems == []
    update(mart)
    with dg.DagsterInstance.ephemeral() as instance:
        make_reports(lake, mart, WORKFLOW, load_workflows()[WORKFLOW].description, ["posts"], instance)
    day = Period("day", (START + timedelta(days=1)).replace(tzinfo=None))
    return Path(lake.address(path_of(WORKFLOW, day, "en"))).resolve()


def _drawn(page: Browser, report: Path, width: int, height: int, media: str = "screen") -> None:
    page.do("Emulation.setEmulatedMedia", media=media)
    page.resize(width, height)
    page.open(report.as_uri())
    page.wait_for("document.body && document.body.dataset.drawn")


def _saved(page: Browser, name: str) -> None:
    page.picture(IMAGES / f"{name}.png")
    print(IMAGES / f"{name}.png")


def main() -> None:
    os.environ.pop("SOCIALNLP_BENCH_DATA", None)  # posts of real people are not for a picture
    with TemporaryDirectory() as folder, browser(Path(folder) / "profile") as page:
        report = _made(Path(folder))
        _drawn(page, report, 1200, 1750)
        _saved(page, "report")
        _drawn(page, report, 500, 1500)
        _saved(page, "report-phone")
        _drawn(page, report, A4 - 2 * MARGIN, SHEET, "print")
        page.evaluate(f"document.documentElement.style.padding = '{MARGIN}px'")  # paper has what a screen lacks
        page.resize(A4, SHEET)
        _saved(page, "report-print")


if __name__ == "__main__":
    main()
