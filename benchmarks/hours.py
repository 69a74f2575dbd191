"""Hours to audit: what the steps of a workflow make of many messages at once, through the real models, of which each
hour is a sample. So 168 hours are drawn from one distribution, and cost what a few cost.

The texts are real ones where `SOCIALNLP_BENCH_DATA` names a folder of data sets, else those of the sample hours.
"""

from __future__ import annotations

import csv
import logging
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.texts import data
from socialnlp_assets.assets.step import Hour, Result, Step
from socialnlp_assets.fakes.samples import as_json, landing_key
from socialnlp_assets.resources.articles.articles import Articles
from socialnlp_assets.resources.build import build_endpoints
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.secrets import build_secrets
from socialnlp_assets.settings import Settings
from socialnlp_assets.sources.invented.messages import place_review, sprinklr_v2
from socialnlp_assets.sources.invented.phrases import phrases, post
from socialnlp_assets.workflow import load_workflows

HOUR = datetime(2026, 11, 20, 8, tzinfo=UTC)
MESSAGES = 2_400
SHARES = {
    "sprinklr": {"it": 0.6, "en": 0.4},
    "rwanda": {"sw": 0.45, "fr": 0.35, "en": 0.2},
    "gmaps_stores": {"en": 1.0},
}


@dataclass(frozen=True)
class Pool:
    """What the steps of a workflow made of all messages, by step in data order, and the steps."""

    workflow: str
    steps: Mapping[str, Step]
    results: Mapping[str, Result]

    def hour(self, rows: int, rng: np.random.Generator) -> dict[str, Result]:
        """A sample of so many messages, as each step would have given it."""
        keys = self.results["posts"].table["message_id"].to_pylist()
        chosen = pa.array([keys[place] for place in sorted(rng.choice(len(keys), rows, replace=False))])
        return {name: _of(result, chosen) for name, result in self.results.items()}


def _of(result: Result, keys: pa.Array) -> Result:
    def chosen(table: pa.Table) -> pa.Table:
        return table.filter(pc.is_in(table["message_id"], value_set=keys))

    here = set(keys.to_pylist())
    rejected = [each for each in result.rejected if each.message_id in here]
    table = chosen(result.table)
    read = table.select(["message_id"]) if result.read is None else chosen(result.read)
    dropped = Counter({"dropped": read.num_rows - table.num_rows - len(rejected)})
    return Result(table, read.num_rows, dropped=+dropped, rejected=rejected, read=read)


def pool(workflow: str, messages: int = MESSAGES) -> Pool:
    """Run every step of `workflow` once, on so many messages."""
    loaded = load_workflows()[workflow]
    steps = {step.name: step for step in loaded.all_steps() if step.name != "profile"}  # it looks at other hours
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(lake=f"{folder}/lake", state=Path(folder) / "state")
        lake = Lake(uri=settings.lake_uri)
        lake.put(landing_key(workflow, HOUR, "batch"), as_json(list(messages_of(workflow, messages))))
        with build_endpoints(settings) as endpoints:
            resources = SimpleNamespace(endpoints=endpoints, articles=Articles(), secrets=build_secrets(settings))
            results: dict[str, Result] = {}
            for name, step in steps.items():
                log = logging.getLogger(__name__)
                hour = Hour(workflow, name, HOUR, HOUR, lake, log, lambda: None, resources)
                results[name] = step.compute(hour)
                lake.write_table(lake.table_path(workflow, name, HOUR), results[name].table)
            endpoints.stop_all()
    return Pool(workflow, steps, results)


def messages_of(workflow: str, count: int) -> Iterator[dict[str, Any]]:
    """So many messages of one hour, as the workflow's source delivers them."""
    rng = Random(0)
    texts = {language: _texts(workflow, language, rng) for language in SHARES[workflow]}
    languages, weights = list(SHARES[workflow]), list(SHARES[workflow].values())
    for number, language in enumerate(rng.choices(languages, weights, k=count)):
        when = HOUR + timedelta(milliseconds=rng.randrange(3_600_000))
        text, theme = next(texts[language])
        if workflow.startswith("gmaps"):
            yield place_review(text, language, rng.randint(1, 5), f"place-{number % 7}", when, rng)
        else:
            yield sprinklr_v2(text, language, theme, when, rng)


def _texts(workflow: str, language: str, rng: Random) -> Iterator[tuple[str, str]]:
    """(text, theme) without end."""
    if folder := data():
        for text in cycle(_real(folder, language)):
            yield text, rng.choice(("brand", "bills", "outage"))
    special = {"gmaps_stores": "reviews_stores", "rwanda": "en_rwanda"}
    name = special.get(workflow, language) if language == "en" else language
    while True:
        phrase = rng.choice(phrases(name))
        yield (phrase.text if name.startswith("reviews") else post(phrase, name, rng)), "brand"


def _real(folder: Path, language: str) -> list[str]:
    if language == "en":
        return (folder / "sentiment/english/val_text.txt").read_text(encoding="utf-8").splitlines()
    if language == "sw":
        with (folder / "sentiment/swahili/train.tsv").open(encoding="utf-8", newline="") as file:
            return [row[0] for row in list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]]
    name = {"it": "italian", "fr": "french"}[language]
    return (folder / f"sentiment/{name}/train_text.txt").read_text(encoding="utf-8").splitlines()
