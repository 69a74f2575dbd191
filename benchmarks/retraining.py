"""`retraining`: from new labels to a version in service; swaps while hours run; what the gate stops and lets pass.

On GoEmotions (43,000 comments) where `SOCIALNLP_BENCH_DATA` names a folder with it, else on invented texts. The model
is one of the benchmark's own, so that no shipped model has seen what is held back.
"""

from __future__ import annotations

import io
import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import click
import dagster as dg

from benchmarks.texts import data, invented
from socialnlp_assets.assets.models.build import is_faithful, job_name, made_of
from socialnlp_assets.assets.models.evaluate import Evaluation, evaluate
from socialnlp_assets.assets.models.shelf import Shelf, channels
from socialnlp_assets.definitions import build_definitions
from socialnlp_assets.labels.dataset import HELD_BACK, TRAIN, make_dataset
from socialnlp_assets.labels.labelled import Labelled
from socialnlp_assets.models import load_catalogue
from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.resources.build import build_endpoints, build_lake
from socialnlp_assets.resources.endpoints.metering import Usage
from socialnlp_assets.resources.endpoints.predictor import preparation
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.resources.registry.registry import LakeRegistry
from socialnlp_assets.resources.registry.versions import Made, State, Version
from socialnlp_assets.resources.trainers.local import prepare
from socialnlp_assets.resources.trainers.trainer import Trained, TrainingJob, job_of
from socialnlp_assets.serving.loaded_model import Model
from socialnlp_assets.settings import Settings
from socialnlp_assets.tasks import Scores
from socialnlp_assets.tasks.multi_label import spelled
from socialnlp_assets.training.comments import OF_EMOTION, comments
from socialnlp_assets.training.container import TrainingError, train
from socialnlp_assets.training.tweets import EMOTIONS

MODEL = "feeling"
CATALOGUE = """\
feeling:
  description: One of four emotions.
  task: text-classification
  prepare: tweet
  labels: [anger, joy, optimism, sadness]
  embedded: {model: feeling}
  training:
    approval: automatic
    hyperparameters: {strength: 1, balance: 0.5}
    floors: {macro_f1: 0.5}
"""
LABELLED, SHIPPED = 10_000, 2_000  # texts
SWAPS, HOURS_AT_ONCE, ROWS = 50, 2, 30
TRIED, BEFORE, AFTER = 20, 2_000, 2_600  # models each way; texts of the version in service and of the next
Rows = list[tuple[str, str]]


def retraining() -> None:
    """Print the three figures, one a line."""
    rows = _rows()
    with tempfile.TemporaryDirectory() as folder:
        click.echo(_to_service(Path(folder), rows))
    with tempfile.TemporaryDirectory() as folder:
        click.echo(_swaps(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        for line in _gate(Path(folder), rows):
            click.echo(line)


def _rows() -> Rows:
    folder = data()
    if folder is None or not (folder / "goemotions").is_dir():
        told = {label: f"{label}ful {label}ly very{label} so{label}".split() for label in EMOTIONS}
        dice = random.Random(0)
        labels = [dice.choice(EMOTIONS) for _ in range(LABELLED + SHIPPED)]
        return [
            (f"{text} {dice.choice(told[label if dice.random() < 0.85 else dice.choice(EMOTIONS)])}", label)
            for text, label in zip(invented(LABELLED + SHIPPED, 6, 30), labels, strict=True)
        ]
    found = comments(folder, "train", EMOTIONS, OF_EMOTION, (1,) * len(EMOTIONS))
    rows = [(text, EMOTIONS[number]) for text, number in zip(found.texts, found.classes, strict=True)]
    random.Random(0).shuffle(rows)
    return rows


# From labels to service


def _to_service(folder: Path, rows: Rows) -> str:
    settings = _installation(folder, rows[:SHIPPED])
    new = rows[SHIPPED : SHIPPED + LABELLED]
    content = "".join(f"{spelled(label)} {' '.join(text.split())}\n" for text, label in new)
    with dg.DagsterInstance.ephemeral() as instance, build_endpoints(settings) as endpoints:
        started = time.monotonic()
        build_lake(settings).put(f"models/{MODEL}/incoming/labels.txt", content.encode())
        job = build_definitions(settings).resolve_job_def(job_name(MODEL))
        job.execute_in_process(instance=instance, raise_on_error=True)
        with endpoints.lease(MODEL) as predictor:
            predictor.predict(["so happy today"])
        seconds = time.monotonic() - started
        version = endpoints.version(MODEL)
        endpoints.stop_all()
    assert version is not None
    figures = version.made.figures
    return (
        f"from {len(new)} new labels to version {version.number} in service: {seconds:.0f} s "
        f"(macro F1 {figures['macro_f1']:.3f}, {figures['change']['value']:+.3f} against the version before)"
    )


def _installation(folder: Path, shipped: Rows) -> Settings:
    models = folder / "models"
    models.mkdir()
    (models / "ours.yaml").write_text(CATALOGUE)
    entry = load_catalogue(models)[MODEL]
    shutil.copytree(_fit(folder / "shipped", _job(entry, shipped)), models / MODEL)
    load_catalogue.cache_clear()
    return Settings(lake=str(folder / "lake"), state=folder / "state", models=models, warm_seconds=1)


def _job(entry: ModelEntry, rows: Rows) -> TrainingJob:
    lines = "".join(f"{spelled(label)} {preparation(entry)(text)}\n" for text, label in rows)
    return job_of(MODEL, entry, {"texts.txt": lines.encode("utf-8", "replace")})


def _fit(root: Path, job: TrainingJob) -> Path:
    """Train in this process; the model folder."""
    shutil.rmtree(root, ignore_errors=True)
    prepare(root, job)
    with redirect_stdout(io.StringIO()):
        train(root)
    return root / "model"


# Swaps under load


def _swaps(folder: Path) -> str:
    """Two versions that answer differently take turns, while hours run; an hour's answers tell which version it had."""
    texts = [f"{text} today" for text in invented(ROWS, 4, 12)]
    rows = [(text, EMOTIONS[number % 4]) for number, text in enumerate(texts)]
    settings = _installation(folder, rows)
    registry = LakeRegistry(build_lake(settings))
    expected: dict[str, list[str]] = {}
    for turn in (1, 2):
        turned = [(text, EMOTIONS[(EMOTIONS.index(label) + turn) % 4]) for text, label in rows]
        folder_of = _fit(folder / f"turn{turn}", _job(load_catalogue(settings.models)[MODEL], turned))
        made = made_of(build_lake(settings), MODEL, load_catalogue(settings.models)[MODEL], "", Trained(folder_of, {}))
        version = registry.register(made, "benchmark", "one of two")
        expected[version.label] = _labels_of(settings, made, texts)
    registry.decide(MODEL, 1, State.APPROVED, "benchmark", "first")
    load = _Load(settings, texts, expected)
    good = 0
    with load, build_endpoints(settings) as endpoints:
        for swap in range(SWAPS):
            target = 2 - swap % 2
            registry.decide(MODEL, target, State.APPROVED, "benchmark", f"swap {swap}")
            label = registry.version(MODEL, target).label
            good += load.has_moved_to(label) and _only(endpoints, label)
    with build_endpoints(settings) as endpoints:
        time.sleep(settings.seconds_warm + 1)
        endpoints.reap()
        left = len(endpoints.records())
        endpoints.stop_all()
    return (
        f"swaps while hours ran: {good} of {SWAPS} right; {load.hours} hours, {load.lost} rows lost, "
        f"{load.mixed} hours of two versions, {left} endpoints left"
    )


def _labels_of(settings: Settings, made: Made, texts: list[str]) -> list[str]:
    with build_endpoints(settings) as endpoints, endpoints.lease(MODEL, version=made) as predictor:
        return [answer.label for answer in predictor.predict(texts)]


def _only(endpoints: Endpoints, label: str) -> bool:
    """Whether the other version's endpoint goes by itself, within some seconds of its last hour."""
    digest = label.partition("@")[2]
    until = time.monotonic() + 60
    while time.monotonic() < until:
        endpoints.reap()
        served = {str(record.spec.config["model_dir"]).rpartition("/")[2][:8] for record in endpoints.records()}
        if served <= {digest}:
            return True
        time.sleep(0.2)
    return False


class _Load:
    """Hours without a pause, each of several calls, by several threads."""

    def __init__(self, settings: Settings, texts: list[str], expected: dict[str, list[str]]) -> None:
        self._settings, self._texts, self._expected = settings, texts, expected
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(HOURS_AT_ONCE)]
        self._lock = threading.Lock()
        self.hours = self.lost = self.mixed = 0
        self._last: Counter[str] = Counter()

    def __enter__(self) -> _Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def has_moved_to(self, label: str) -> bool:
        """Wait until an hour has begun and ended on that version."""
        before, until = self._last[label], time.monotonic() + 120
        while self._last[label] == before and time.monotonic() < until:
            time.sleep(0.05)
        return self._last[label] > before

    def _run(self) -> None:
        while not self._ended.is_set():
            found = []
            with build_endpoints(self._settings) as endpoints:
                endpoints.begin(datetime.now(UTC))
                for _ in range(3):  # the steps of an hour
                    with endpoints.lease(MODEL) as predictor:
                        found.append([answer.label for answer in predictor.predict(self._texts)])
                    time.sleep(0.05)
                label = endpoints.version_label(MODEL)
            with self._lock:
                self.hours += 1
                self.lost += sum(len(self._texts) - len(answers) for answers in found)
                self.mixed += any(answers != self._expected[label] for answers in found)
                self._last[label] += 1


# The gate


def _gate(folder: Path, rows: Rows) -> Iterator[str]:
    (folder / "models").mkdir()
    (folder / "models" / "ours.yaml").write_text(CATALOGUE)
    entry = load_catalogue(folder / "models")[MODEL]
    shelf = Shelf(build_lake(Settings(lake=str(folder / "lake"), state=folder / "state")), MODEL)
    stopped, passed = Counter[str](), 0
    kinds = list(SPOILED)
    missed = []
    for number in range(TRIED):
        dice = random.Random(number)
        drawn = dice.sample(rows, AFTER)
        before = _version(folder, shelf, entry, drawn[:BEFORE], lambda channel, *_: channel, dice)
        honest = _judged(folder, shelf, entry, drawn, before, lambda channel, *_: channel, dice)
        passed += honest is not None and honest.passed
        if honest is not None and not honest.passed:
            missed.append(" and ".join(each.rule for each in honest.rulings if not each.passed))
        kind = kinds[number % len(kinds)]
        found = _judged(folder, shelf, entry, drawn, before, SPOILED[kind], dice)
        failed = [each.rule for each in found.rulings if not each.passed] if found else ["training"]
        stopped["all"] += bool(failed)
        stopped["by figures alone"] += bool(set(failed) - {"trained on these labels"})
    figures = stopped["by figures alone"]
    yield f"the gate stopped {stopped['all']} of {TRIED} spoiled models ({figures} by their figures alone)"
    yield f"the gate let {passed} of {TRIED} honest retrainings pass" + (f"; stopped: {missed}" if missed else "")


Spoil = Callable[[bytes, Rows, random.Random], bytes]


def _version(
    folder: Path, shelf: Shelf, entry: ModelEntry, rows: Rows, spoil: Spoil, dice: random.Random
) -> tuple[Made, str]:
    """A trained model, and the version of its labels."""
    dataset = make_dataset(Labelled(text, (label,), "rows", number) for number, (text, label) in enumerate(rows))
    shelf.write_labels(dataset)
    channel = channels(dataset.examples, entry, preparation(entry))
    tests = [(each.text, each.labels[0]) for each in dataset.examples if each.split == HELD_BACK]
    job = job_of(MODEL, entry, {"texts.txt": spoil(channel["texts.txt"], tests, dice)})
    model = _fit(folder / "ml", job)
    learned = sum(each.split == TRAIN for each in dataset.examples)
    made = made_of(shelf.lake, MODEL, entry, dataset.version, Trained(model, {"train_texts": learned}))
    return made, dataset.version


def _judged(
    folder: Path, shelf: Shelf, entry: ModelEntry, rows: Rows, before: tuple[Made, str], spoil: Spoil,
    dice: random.Random,
) -> Evaluation | None:  # fmt: skip
    """The evaluation of a model that was trained on `rows`; None where the program refused to."""
    try:
        made, labels = _version(folder, shelf, entry, rows, spoil, dice)
    except TrainingError:
        return None
    examples = shelf.read_labels(labels)
    faithful = is_faithful(shelf, entry, made, channels(examples, entry, preparation(entry)))
    service = cast(Endpoints, _InProcess(shelf, entry, before[0]))
    return evaluate(service, shelf, entry, made, examples, faithful)


class _InProcess:
    """Models without servers, for the many evaluations of this benchmark."""

    def __init__(self, shelf: Shelf, entry: ModelEntry, service: Made) -> None:
        self._shelf, self._entry, self._service = shelf, entry, service

    def version(self, model: str) -> Version:  # noqa: ARG002
        now = datetime.now(UTC)
        return Version(
            number=1, made=self._service, state=State.APPROVED, who="benchmark", why="first", at=now, registered_at=now
        )

    def version_label(self, model: str) -> str:
        return self.version(model).label

    @contextmanager
    def lease(self, model: str, *, step: str, version: Made | None = None, **_: Any) -> Iterator[Any]:  # noqa: ARG002
        folder = self._shelf.lake.folder
        assert folder is not None
        yield _Predictor(self._entry, Model.load(folder / (version or self._service).folder, threads=1))


class _Predictor:
    def __init__(self, entry: ModelEntry, model: Model) -> None:
        self._entry, self._model, self.usage = entry, model, Usage(MODEL, "benchmark")

    def predict(self, texts: list[str], target: str | None = None) -> list[Scores]:  # noqa: ARG002
        results = self._model.handler.predict([preparation(self._entry)(text) for text in texts], {}).results
        nothing = dict.fromkeys(self._entry.labels, 0.25)
        return [Scores.of({label: (row or nothing)[label] for label in self._entry.labels}, False) for row in results]


def _shuffled(channel: bytes, tests: Rows, dice: random.Random) -> bytes:  # noqa: ARG001
    lines = [line.split(" ", 1) for line in channel.decode().splitlines()]
    labels = [line[0] for line in lines]
    dice.shuffle(labels)
    return "".join(f"{label} {line[1]}\n" for label, line in zip(labels, lines, strict=True)).encode()


def _class_missing(channel: bytes, tests: Rows, dice: random.Random) -> bytes:  # noqa: ARG001
    """But for one text: without any the program refuses."""
    lost = spelled(dice.choice(EMOTIONS))
    lines = channel.decode().splitlines(keepends=True)
    one = next(line for line in lines if line.startswith(lost))
    return "".join([one, *(line for line in lines if not line.startswith(lost))]).encode()


def _leak(channel: bytes, tests: Rows, dice: random.Random) -> bytes:  # noqa: ARG001
    return channel + "".join(f"{spelled(label)} {text}\n" for text, label in tests).encode()


def _constant(channel: bytes, tests: Rows, dice: random.Random) -> bytes:  # noqa: ARG001
    """One text of each class but the commonest, so that the answer hardly ever changes."""
    most = spelled(dice.choice(EMOTIONS))
    lines = channel.decode().splitlines(keepends=True)
    others = [next(line for line in lines if line.startswith(spelled(label))) for label in EMOTIONS]
    return "".join([*others, *(line for line in lines if line.startswith(most))]).encode()


def _half(channel: bytes, tests: Rows, dice: random.Random) -> bytes:  # noqa: ARG001
    lines = channel.decode().splitlines(keepends=True)
    return "".join(dice.sample(lines, len(lines) // 2)).encode()


def _otherwise_prepared(channel: bytes, tests: Rows, dice: random.Random) -> bytes:  # noqa: ARG001
    """Without vowels, as no text that is asked about."""
    lines = (line.partition(" ") for line in channel.decode().splitlines())
    return "".join(f"{label} {text.translate(str.maketrans('', '', 'aeiou'))}\n" for label, _, text in lines).encode()


SPOILED: dict[str, Spoil] = {
    "shuffled labels": _shuffled,
    "one class missing": _class_missing,
    "leak": _leak,
    "constant": _constant,
    "half the data": _half,
    "other preprocessing": _otherwise_prepared,
}
