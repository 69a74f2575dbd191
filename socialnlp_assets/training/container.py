"""The training program: `python -m socialnlp_assets.training.container [--root /opt/ml]`.

It follows SageMaker's contract for training containers, so that the same program is a process of a laptop and a
training job: hyperparameters in ``input/config/hyperparameters.json``, labelled texts in ``input/data/train/``, the
model folder goes to ``model/``, the reason of a failure to ``output/failure``, figures are lines ``name=value;`` that
the job's metric definitions read. SIGTERM ends it within seconds; what is finished lies in ``checkpoints/`` and is not
trained again.

The channel has one file, ``texts.txt``, or one a target, ``<target>.txt``, in fastText's format: ``__label__joy so
happy``, already prepared as the served model will be asked. What was read is written down in the model's ``model.json``
as a digest, by which the evaluation knows that the model was trained on these labels and no others.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import click

from socialnlp_assets.tasks.multi_label import spelled

MOST_FAILURE = 1024  # characters that SageMaker shows
RECIPES = ("linear", "fasttext", "blazingtext", "transformers")


class TrainingError(Exception):
    """The job cannot succeed as it was asked for; the message says what to change."""


class Stopped(BaseException):
    """Somebody has asked for the end."""


@dataclass(frozen=True)
class Example:
    """One line of the channel."""

    text: str
    labels: tuple[int, ...]  # positions in the job's labels


@dataclass(frozen=True)
class Job:
    """What a recipe is to make one model of."""

    name: str
    task: str
    labels: tuple[str, ...]
    seed: int
    settings: dict[str, str]  # the recipe's own hyperparameters
    checkpoints: Path

    def number(self, name: str, default: float) -> float:
        """One of the recipe's own hyperparameters. Raises `TrainingError`."""
        try:
            return float(self.settings.get(name, default))
        except ValueError:
            raise TrainingError(f"hyperparameter {name}={self.settings[name]}: write a number") from None


class Recipe(Protocol):
    """A module of `recipes/`."""

    def fit(self, job: Job, examples: list[Example], folder: Path) -> dict[str, float]:
        """Write the model folder, `model.json` included, and give the figures to print."""


def train(root: Path) -> None:
    """Train what the files below `root` ask for. Raises `TrainingError`."""
    given = _hyperparameters(root)
    name, recipe = given.pop("model", ""), given.pop("recipe", "linear")
    if recipe not in RECIPES:
        raise TrainingError(f"hyperparameter recipe={recipe}: there are {', '.join(RECIPES)}")
    labels, targets = tuple(json.loads(given.pop("labels", "[]"))), tuple(json.loads(given.pop("targets", "[]")))
    task, seed = given.pop("task", "text-classification"), int(given.pop("seed", "0"))
    module: Any = import_module(f"socialnlp_assets.training.recipes.{recipe}")
    model, checkpoints = root / "model", root / "checkpoints"
    model.mkdir(parents=True, exist_ok=True)
    checkpoints.mkdir(parents=True, exist_ok=True)
    trained: dict[str, Any] = {"recipe": recipe, "seed": seed, "hyperparameters": given, "channel": {}}
    for target in targets or ("",):
        started = time.monotonic()
        path = root / "input" / "data" / "train" / f"{target or 'texts'}.txt"
        data = _read(path)
        trained["channel"][target] = channel_digest(data)
        examples = read_channel(data, labels, path.name, task)
        of_target = f"{name}/{target}" if target else name
        job = Job(of_target, task, labels, seed, dict(given), checkpoints / (target or "model"))
        finished, folder = checkpoints / f"finished-{target or 'model'}", model / target if target else model
        figures = _resumed(finished, folder) if targets else None
        if figures is None:
            figures = module.fit(job, examples, folder)
            figures |= {"train_texts": len(examples), "train_seconds": round(time.monotonic() - started, 2)}
            if targets:  # a job that is interrupted goes on with the next one
                _keep(folder, finished, figures)
        print(" ".join(f"{key}={value};" for key, value in figures.items()), flush=True)
    path = model / "model.json"
    common = {"name": name, "task": task, "labels": labels, "targets": targets}
    settings = common | {"engine": _engine(model / targets[0])} if targets else _loaded(path)
    path.write_text(json.dumps(settings | {"trained": trained}, indent=2) + "\n", encoding="utf-8")


def _keep(folder: Path, finished: Path, figures: dict[str, float]) -> None:
    """Copy what is finished to the checkpoints; what says that the copy is whole comes last."""
    shutil.rmtree(finished, ignore_errors=True)
    shutil.copytree(folder, finished)
    whole = {"files": _digests(finished), "figures": figures}
    finished.with_suffix(".json").write_text(json.dumps(whole), encoding="utf-8")


def _resumed(finished: Path, folder: Path) -> dict[str, float] | None:
    """Take what was finished before, and its figures; None where there is nothing, or only a part: checkpoints are
    carried to and from S3 file by file, in any order."""
    try:
        whole = _loaded(finished.with_suffix(".json"))
        if whole["files"] != _digests(finished):
            return None
    except (TrainingError, OSError):
        return None
    shutil.copytree(finished, folder, dirs_exist_ok=True)
    found: dict[str, float] = whole["figures"]
    return found


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def channel_digest(data: bytes) -> str:
    """What tells a channel from another."""
    return sha256(data).hexdigest()


def read_channel(data: bytes, labels: tuple[str, ...], name: str, task: str) -> list[Example]:
    """The examples of a channel's file. Raises `TrainingError` where a recipe could learn nothing from them."""
    places = {spelled(label): number for number, label in enumerate(labels)}
    examples = []
    for number, line in enumerate(data.decode().splitlines(), 1):
        words = line.split(" ")
        named = [word for word in words if word.startswith("__label__")]
        if unknown := [word for word in named if word not in places]:
            raise TrainingError(f"{name}:{number}: no label is called {unknown[0]}; there are {', '.join(places)}")
        if len(named) != 1 and task != "multi-label":
            raise TrainingError(f"{name}:{number}: has {len(named)} labels; give each text one")
        text = " ".join(word for word in words if not word.startswith("__label__")).strip()
        examples.append(Example(text, tuple(sorted(places[word] for word in named))))
    seen = {label for example in examples for label in example.labels}
    if missing := [label for number, label in enumerate(labels) if number not in seen]:
        raise TrainingError(f"{name}: has no text of {', '.join(missing)}; label some")
    if len(labels) < 2 and task != "multi-label":
        raise TrainingError("a classifier needs two labels at least")
    return examples


def _hyperparameters(root: Path) -> dict[str, str]:
    found = _loaded(root / "input" / "config" / "hyperparameters.json")
    return {str(name): str(value) for name, value in found.items()}


def _loaded(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path}: cannot be read: {error}") from None
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TrainingError(f"{path}: cannot be read: {error.strerror}; the channel train lacks it") from None


def _engine(folder: Path) -> str:
    return str(_loaded(folder / "model.json")["engine"])


def _stop(*_: Any) -> None:
    raise Stopped


@click.command()
@click.option("--root", type=click.Path(path_type=Path, file_okay=False), default=Path("/opt/ml"))
def main(root: Path) -> None:
    """Train one model as the files below ROOT say."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        train(root)
    except Stopped:
        print("stopped; what is finished lies in checkpoints", flush=True)
        sys.exit(143)  # as a process that SIGTERM has ended
    except Exception as error:
        reason = str(error) if isinstance(error, TrainingError) else f"{type(error).__name__}: {error}"
        failure = root / "output" / "failure"
        failure.parent.mkdir(parents=True, exist_ok=True)
        failure.write_text(reason[:MOST_FAILURE], encoding="utf-8")
        if not isinstance(error, TrainingError):
            raise
        print(reason, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
