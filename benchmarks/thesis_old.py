"""An hour as Step Functions did it, and as the SageMaker pipelines did it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.thesis_ways import IMAGE, REGION, ROLE, Answers, Models, Row, Way, stand_in
from benchmarks.virtual_hour import HourClock
from socialnlp_assets.assets.translations import UNTOUCHED
from socialnlp_assets.models import load_catalogue
from socialnlp_assets.resources.endpoints.backend import EndpointSpec, Reply
from socialnlp_assets.resources.endpoints.metering import Meter
from socialnlp_assets.resources.endpoints.predictor import Predictor
from socialnlp_assets.resources.endpoints.requester import Invoke
from socialnlp_assets.resources.endpoints.sagemaker import SageMaker
from tests.fakes.sagemaker import Model

POLL_SECONDS = 60.0  # of the pipelines' deploy step
THRESHOLD = 0.5  # of a label


@dataclass(frozen=True)
class Part:
    """One line of the thesis's table: which model is asked what of a row, and the rows in a file of Step Functions."""

    name: str
    model: str
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
    Part("translation", "translator", 1, _translation, lambda row: row["language"] not in UNTOUCHED),
    Part("sentiment", "sentiment", 1000, _label),
    Part("emotion", "emotion", 1000, _label),
    Part("keywords", "keywords", 30, _keywords, serverless=True),
    Part("classification", "reputation", 30, _labels, lambda row: row["kind"] == "social"),
)


def step_functions(folder: Path, rows: Sequence[Row], models: Models, scale: float) -> Way:
    """`rows` as Lambdas did them; each stands for `scale` rows."""
    folder.mkdir(parents=True)
    clock, parts = HourClock(models.processor_seconds, scale), {}
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
    return Way(parts, clock.seconds(), 0, 0, 0, _answers(_read(path)))


def _direct(model: Model) -> Invoke:
    def invoke(body: bytes, _: str | None) -> Reply:
        status, headers, reply = model(body, {"content-type": "application/json"})
        if status != 200:
            raise RuntimeError(f"the server answers {status}: {reply.decode()}")
        return Reply(reply, headers)

    return invoke


def pipelines(folder: Path, rows: Sequence[Row], models: Models, scale: float) -> Way:
    """`rows` as the pipelines did them; each stands for `scale` rows."""
    folder.mkdir(parents=True)
    with stand_in(models, scale) as (fake, clock):
        backend = SageMaker(region=REGION, endpoint_url=fake.url, read_timeout=600, sleep=clock.sleep)
        clock.restart()
        parts = {}
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
        whole, made = clock.seconds(), len(fake.called("CreateEndpoint"))
        return Way(parts, whole, clock.waited, made, fake.paid, _answers(_read(path)))


def _realtime(model: str) -> EndpointSpec:
    config = {"image": IMAGE, "role": ROLE, "model_data": "s3://models/m.tar.gz", "instance_type": "ml.m5.xlarge"}
    return EndpointSpec.of(model, "realtime", config | {"instances": [1, 1]}, "none", "old")


def _through(backend: SageMaker, name: str) -> Invoke:
    return lambda body, _: backend.invoke(name, body)


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
