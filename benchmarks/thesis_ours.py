"""An hour as ours: the real steps, predictor and leases on the tests' SageMaker."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from benchmarks.hours import HOUR, messages_of
from benchmarks.thesis_ways import IMAGE, REGION, ROLE, Answers, Models, Row, Way, stand_in
from socialnlp_assets.assets.step import Hour, Step
from socialnlp_assets.fakes.samples import as_json, landing_key
from socialnlp_assets.models import load_catalogue
from socialnlp_assets.models.artefacts import Artefact
from socialnlp_assets.resources.endpoints.backend import EndpointSpec
from socialnlp_assets.resources.endpoints.leases import LeaseManager
from socialnlp_assets.resources.endpoints.records import Record
from socialnlp_assets.resources.endpoints.sagemaker import SageMaker
from socialnlp_assets.resources.endpoints.sagemaker_resource import sagemaker_spec
from socialnlp_assets.resources.endpoints.terms import Owner, Terms
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.leases.sqlite import SqliteStore
from socialnlp_assets.resources.secrets import build_secrets
from socialnlp_assets.settings import Settings
from socialnlp_assets.workflow import BUILT_IN, load_workflows
from tests.endpoints.given import endpoints_of

WORKFLOW = "thesis"
STEPS: Mapping[str, Any] = {
    "translations": {"model": "translator"},
    "classifications": {"model": "reputation", "only": "social"},
    "sentiments": {"sentiment": "sentiment", "emotion": "emotion"},
    "keywords": {"model": "keywords", "top": 10},
}


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
    found = computed(posts, landed(folder, rows), SimpleNamespace(warm=lambda *_: None))
    return [{name: row[name] for name in ("message_id", "message", "language", "kind")} for row in found]


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
        parts, tables = {}, {}
        with endpoints_of(manager, spec) as endpoints:
            for name, step in steps.items():
                started = clock.seconds()
                tables[name] = computed(step, settings, endpoints)
                parts[name] = clock.seconds() - started
        whole, waited = clock.seconds(), clock.waited
        clock.sleep(terms.warm.total_seconds())
        while fake.existing():  # as the sensor does, each half minute
            endpoints.reap()
            clock.sleep(30)
        found = parts, whole, waited, len(fake.called("CreateEndpoint")), fake.paid
    return Way(*found, _answers(tables))


def _answers(tables: Mapping[str, list[dict[str, Any]]]) -> Answers:
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
