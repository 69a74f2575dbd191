"""One hour of `sprinklr` in the three ways that the platform has worked, with the same weights.

- Step Functions: a file of 30 rows or fewer an invocation, a request a row, files between the steps;
- the SageMaker pipelines: of each model in turn, deploy, infer row by row, clean up; CSV between the steps;
- ours: the real steps, predictor and leases.

The steps are those of the thesis's table. The endpoints are those of the tests' SageMaker, whose creations take four
minutes of a clock that waits for nobody; the models behind them answer in real time. Of the two slow ways, a sample of
rows is asked, and each of its seconds counts for the rows that it stands for. What neither counts: the start of a
Lambda and its loading of the model, the start of a processing job. Ours runs without checks (see `checks-cost`).

Random weights never end a sentence, so each translation has 32 tokens; and they say nothing, so what later steps read
is the message. Set SOCIALNLP_BENCH_ROWS to another number of posts than 1,000, SOCIALNLP_BENCH_OURS to another number
of them that ours works than all, and SOCIALNLP_BENCH_SAMPLE to another sample than 40 rows.
"""

from __future__ import annotations

import csv
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import click
import yaml
from rich.console import Console
from rich.table import Table

from benchmarks.classification import model as reputation
from benchmarks.hours import HOUR, messages_of
from benchmarks.measure import Figure
from benchmarks.production import folders
from benchmarks.servers import Client, serving
from benchmarks.virtual_hour import Billing, HourClock
from socialnlp_assets.assets.step import Hour, Step
from socialnlp_assets.assets.translations import UNTOUCHED
from socialnlp_assets.fakes.samples import as_json, landing_key
from socialnlp_assets.models import load_catalogue
from socialnlp_assets.models.artefacts import Artefact
from socialnlp_assets.resources.endpoints.backend import EndpointSpec, Reply
from socialnlp_assets.resources.endpoints.leases import LeaseManager
from socialnlp_assets.resources.endpoints.metering import Meter
from socialnlp_assets.resources.endpoints.predictor import Predictor
from socialnlp_assets.resources.endpoints.records import Record
from socialnlp_assets.resources.endpoints.requester import Invoke
from socialnlp_assets.resources.endpoints.sagemaker import SageMaker
from socialnlp_assets.resources.endpoints.sagemaker_resource import sagemaker_spec
from socialnlp_assets.resources.endpoints.terms import Owner, Terms
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.leases.sqlite import SqliteStore
from socialnlp_assets.resources.secrets import build_secrets
from socialnlp_assets.settings import Settings
from socialnlp_assets.workflow import BUILT_IN, load_workflows
from tests.endpoints.given import endpoints_of
from tests.fakes.aws_http import forward_to, serve
from tests.fakes.sagemaker import Model

WORKFLOW = "thesis"
STEPS: Mapping[str, Any] = {
    "translations": {"model": "translator"},
    "classifications": {"model": "reputation", "only": "social"},
    "sentiments": {"sentiment": "sentiment", "emotion": "emotion"},
    "keywords": {"model": "keywords", "top": 10},
}
POLL_SECONDS = 60.0  # of the pipelines' deploy step
TOKENS = 32  # of a translation by random weights
REGION, ROLE, IMAGE = "eu-west-1", "arn:aws:iam::123456789012:role/nlp", "nlp:1"
THRESHOLD = 0.5  # of a label

Row = dict[str, str]
Answers = dict[str, dict[str, str]]  # part → message → what it was answered


@dataclass(frozen=True)
class Part:
    """One line of the thesis's table: which model is asked what of a row, and the rows in a file of Step Functions."""

    name: str
    model: str
    step: str  # ours
    file_rows: int
    ask: Callable[[Predictor, Row], str]
    wanted: Callable[[Row], bool] = lambda _: True
    serverless: bool = False  # in the pipelines; such an endpoint is always there


def _translation(predictor: Predictor, row: Row) -> str:
    return str(predictor.predict([row["message"]], src_lang=[row["language"]])[0])


def _label(predictor: Predictor, row: Row) -> str:
    return str(predictor.predict([row["translation"]])[0].label)


def _keywords(predictor: Predictor, row: Row) -> str:
    return "|".join(keyword.phrase for keyword in predictor.predict([row["translation"]], top_k=10)[0])


def _labels(predictor: Predictor, row: Row) -> str:
    scores = predictor.predict([row["translation"]])[0].scores
    return "|".join(sorted(label for label, score in scores.items() if score >= THRESHOLD))


PARTS = (
    Part("translation", "translator", "translations", 1, _translation, lambda row: row["language"] not in UNTOUCHED),
    Part("sentiment", "sentiment", "sentiments", 1000, _label),
    Part("emotion", "emotion", "sentiments", 1000, _label),
    Part("keywords", "keywords", "keywords", 30, _keywords, serverless=True),
    Part("classification", "reputation", "classifications", 30, _labels, lambda row: row["kind"] == "social"),
)


@dataclass(frozen=True)
class Way:
    """What an hour came to in one way, in seconds of the whole hour."""

    parts: Mapping[str, float]
    whole: float
    waited: float  # of them, for endpoints
    endpoints: int
    paid: float  # endpoint seconds
    processor: float  # of the models' servers
    answers: Answers


def thesis() -> list[Figure]:
    rows = int(os.environ.get("SOCIALNLP_BENCH_ROWS", "1000"))
    mine = min(rows, int(os.environ.get("SOCIALNLP_BENCH_OURS", str(rows))))
    sampled = min(rows, int(os.environ.get("SOCIALNLP_BENCH_SAMPLE", "40")))
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
        without = _ratio(by_us.whole - by_us.waited, way.whole - way.waited)
        figures.append(Figure("thesis, endpoints there already", rival, *without, "s"))
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
    for heading in (f"Step Functions ({sample})", f"SageMaker pipelines ({sample})", f"ours ({mine})", "times"):
        table.add_column(heading, justify="right")

    def line(name: str, values: Sequence[float]) -> None:
        times = f"{values[1] / values[2]:.1f}" if values[2] else ""
        table.add_row(name, *(f"{value:,.0f}" for value in values), times)

    for part in by_us.parts:
        line(part, [way.parts.get(part, 0) for way in ways])
    line("the whole hour", [way.whole for way in ways])
    line("without waiting for endpoints", [way.whole - way.waited for way in ways])
    line("processor seconds of the models", [way.processor for way in ways])
    line("endpoints made", [way.endpoints for way in ways])
    line("endpoint seconds paid", [way.paid for way in ways])
    console = Console()
    console.width = max(console.width, 130)
    console.print(table)


# The models


@dataclass(frozen=True)
class Models:
    """What answers for each model, and the processor seconds that their servers have used so far."""

    answering: Mapping[str, Model]
    processor_seconds: Callable[[], float]


@contextmanager
def served(by_model: Mapping[str, Path], invented: bool = False) -> Iterator[Models]:
    """A server a model; `invented` weights translate as the module says."""
    with ExitStack() as stack:
        clients: dict[str, Client] = {}
        for model, folder in by_model.items():
            clients[model] = stack.enter_context(serving(folder))
        answering = {
            model: _bounded(client.url) if invented and model == "translator" else forward_to(client.url, 600)
            for model, client in clients.items()
        }
        yield Models(answering, lambda: sum(client.processor_seconds() for client in clients.values()))


def production(*, reference: bool) -> Any:
    """The production sizes: plain transformers as a reference, or our engines; the small models are the same."""
    large = {model: folders(model)[reference] for model in ("translator", "sentiment", "emotion")}
    small = {"keywords": load_catalogue()["keywords"].embedded.path, "reputation": reputation()}
    return served(large | small, invented=True)


def _bounded(url: str) -> Model:
    forward = forward_to(url, 600)

    def model(body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        asked = json.loads(body)
        asked["parameters"]["max_length"] = TOKENS
        status, said, reply = forward(json.dumps(asked).encode(), headers)
        if status == 200:
            reply = json.dumps([{"translation_text": text} for text in asked["inputs"]]).encode()
        return status, said, reply

    return model


# The hour


def steps_of(folder: Path) -> dict[str, Step]:
    """The workflow of the thesis's table: its steps by name."""
    folder.mkdir(parents=True, exist_ok=True)
    like = yaml.safe_load((BUILT_IN / "sprinklr.yaml").read_text(encoding="utf-8"))
    text = yaml.safe_dump(like | {"name": WORKFLOW, "steps": STEPS})
    (folder / "thesis.yaml").write_text(text, encoding="utf-8")
    found = {step.name: step for step in load_workflows(folder)[WORKFLOW].all_steps()}
    return {name: found[name] for name in ("posts", *STEPS)}


def landed(folder: Path, rows: int) -> Settings:
    settings = Settings(lake=f"{folder}/lake", state=folder / "state")
    data = as_json(list(messages_of("sprinklr", rows)))
    Lake(uri=settings.lake_uri).put(landing_key(WORKFLOW, HOUR, "batch"), data)
    return settings


def computed(step: Step, settings: Settings, endpoints: Any) -> list[dict[str, Any]]:
    """The rows of one step, in the lake and here."""
    lake, log = Lake(uri=settings.lake_uri), logging.getLogger(__name__)
    resources = SimpleNamespace(endpoints=endpoints, secrets=build_secrets(settings))
    hour = Hour(WORKFLOW, step.name, HOUR, HOUR, lake, log, lambda: None, resources)
    table = step.compute(hour).table
    lake.write_table(lake.table_path(WORKFLOW, step.name, HOUR), table)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def ingested(folder: Path, rows: int) -> list[Row]:
    """The rows that the old ways begin with; ours makes them within its hour."""
    posts = steps_of(folder / "workflows")["posts"]
    found = computed(posts, landed(folder, rows), SimpleNamespace(warm=lambda _: None))
    return [{name: row[name] for name in ("message_id", "message", "language", "kind")} for row in found]


def spread(rows: Sequence[Row], count: int) -> list[Row]:
    """So many of the rows, with the same shares of languages and kinds."""
    ordered = sorted(rows, key=lambda row: (row["language"], row["kind"]))
    return [ordered[place * len(ordered) // count] for place in range(min(count, len(ordered)))]


# Step Functions


def step_functions(folder: Path, rows: Sequence[Row], models: Models, scale: float) -> Way:
    """`rows` as Lambdas did them; each stands for `scale` rows."""
    folder.mkdir(parents=True)
    clock, used, parts = HourClock(scale), models.processor_seconds(), {}
    path = _write(folder / "posts.csv", rows)
    for part in PARTS:
        started = clock.seconds()
        predictor = _predictor(part, _direct(models.answering[part.model]), "process")
        read = _read(path)
        files = [  # DataLoading
            _write(folder / f"{part.name}-{start}.csv", read[start : start + part.file_rows])
            for start in range(0, len(read), part.file_rows)
        ]
        for file in files:
            _write(file, _answered(part, predictor, _read(file)))
        path = _write(folder / f"{part.name}.csv", [row for file in files for row in _read(file)])  # LastVersion
        for file in files:  # DeleteTmpFiles
            file.unlink()
        parts[part.name] = clock.seconds() - started
    processor = (models.processor_seconds() - used) * scale
    return Way(parts, clock.seconds(), 0, 0, 0, processor, _answers(_read(path)))


def _direct(model: Model) -> Invoke:
    def invoke(body: bytes, _: str | None) -> Reply:
        status, headers, reply = model(body, {"content-type": "application/json"})
        if status != 200:
            raise RuntimeError(f"the server answers {status}: {reply.decode()}")
        return Reply(reply, headers)

    return invoke


# The SageMaker pipelines


def pipelines(folder: Path, rows: Sequence[Row], models: Models, scale: float) -> Way:
    """`rows` as the pipelines did them; each stands for `scale` rows."""
    folder.mkdir(parents=True)
    with stand_in(models, scale) as (fake, clock):
        backend = SageMaker(region=REGION, endpoint_url=fake.url, read_timeout=600, sleep=clock.sleep)
        clock.restart()
        used, parts = models.processor_seconds(), {}
        path = _write(folder / "posts.csv", rows)
        for part in PARTS:
            started, name = clock.seconds(), f"old-{part.model}-1"
            if not part.serverless:
                backend.create(name, _realtime(part.model), {})
                while fake.existing()[name] != "InService":
                    clock.sleep(POLL_SECONDS)
            invoke = _direct(models.answering[part.model]) if part.serverless else _through(backend, name)
            predictor = _predictor(part, invoke, "realtime")
            path = _write(folder / f"{part.name}.csv", _answered(part, predictor, _read(path)))
            if not part.serverless:
                backend.delete(name)
            parts[part.name] = clock.seconds() - started
        whole, processor = clock.seconds(), (models.processor_seconds() - used) * scale
        return Way(
            parts, whole, clock.waited, len(fake.called("CreateEndpoint")), fake.paid, processor, _answers(_read(path))
        )


def _realtime(model: str) -> EndpointSpec:
    config = {"image": IMAGE, "role": ROLE, "model_data": "s3://models/m.tar.gz", "instance_type": "ml.m5.xlarge"}
    return EndpointSpec.of(model, "realtime", config | {"instances": [1, 1]}, "none", "old")


def _through(backend: SageMaker, name: str) -> Invoke:
    return lambda body, _: backend.invoke(name, body)


# Ours


def ours(folder: Path, rows: int, models: Models, scale: float) -> Way:
    """`rows` messages through the real steps; each stands for `scale` rows."""
    steps, settings = steps_of(folder / "workflows"), landed(folder, rows)
    catalogue = load_catalogue()
    with stand_in(models, scale) as (fake, clock):
        backend = SageMaker(region=REGION, endpoint_url=fake.url, read_timeout=600, sleep=clock.sleep)
        store = SqliteStore(folder / "leases.db", Record, clock.now)
        terms = Terms(lease=timedelta(seconds=60 * max(1, scale)))  # heartbeats are in real time
        manager = LeaseManager(store, backend, terms, Owner("run", WORKFLOW), clock.sleep)

        def spec(model: str) -> EndpointSpec:
            artefact = Artefact(f"s3://models/{model}/model.tar.gz", "0" * 64)
            return sagemaker_spec(model, catalogue[model], artefact, IMAGE, ROLE, store.name)

        clock.restart()
        used, parts, tables = models.processor_seconds(), {}, {}
        with endpoints_of(manager, spec) as endpoints:
            for name, step in steps.items():
                started = clock.seconds()
                tables[name] = computed(step, settings, endpoints)
                parts[name] = clock.seconds() - started
        whole, waited = clock.seconds(), clock.waited
        processor = (models.processor_seconds() - used) * scale
        clock.sleep(terms.warm.total_seconds())
        while fake.existing():  # as the sensor does, each half minute
            endpoints.reap()
            clock.sleep(30)
        found = _by_part(parts), whole, waited, len(fake.called("CreateEndpoint")), fake.paid, processor
    return Way(*found, _ours_answered(tables))


def _by_part(steps: Mapping[str, float]) -> dict[str, float]:
    names = {"translations": "translation", "classifications": "classification"}
    return {names.get(name, name): seconds for name, seconds in steps.items()}


def _ours_answered(tables: Mapping[str, list[dict[str, Any]]]) -> Answers:
    def column(step: str, read: Callable[[dict[str, Any]], str]) -> dict[str, str]:
        return {row["message_id"]: read(row) for row in tables[step]}

    labels = {label.lower(): label for label in load_catalogue()["reputation"].labels}
    return {
        "translation": column("translations", lambda row: str(row["text_en"])),
        "sentiment": column("sentiments", lambda row: str(row["sentiment"])),
        "emotion": column("sentiments", lambda row: str(row["emotion"])),
        "keywords": column("keywords", lambda row: "|".join(row["keywords"])),
        "classification": column(
            "classifications", lambda row: "|".join(sorted(label for name, label in labels.items() if row[name]))
        ),
    }


# What the ways share


@contextmanager
def stand_in(models: Models, scale: float) -> Iterator[tuple[Billing, HourClock]]:
    clock = HourClock(scale)
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    with patch.dict(os.environ, keys), serve(fake := Billing(clock.now)):
        fake.models = {f"^(nlp|old)-{model}-": answer for model, answer in models.answering.items()}
        yield fake, clock


def _predictor(part: Part, invoke: Invoke, kind: str) -> Predictor:
    return Predictor(load_catalogue()[part.model], invoke, Meter(part.model, "benchmark"), kind=kind)


def _answered(part: Part, predictor: Predictor, rows: Sequence[Row]) -> list[Row]:
    """`rows` with one column more, asked for one by one."""
    otherwise = {"translation": "message"}
    return [
        row | {part.name: part.ask(predictor, row) if part.wanted(row) else row.get(otherwise.get(part.name, ""), "")}
        for row in rows
    ]


def _answers(rows: Sequence[Row]) -> Answers:
    return {part.name: {row["message_id"]: row[part.name] for row in rows} for part in PARTS}


def _write(path: Path, rows: Sequence[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
