"""SageMaker's own container BlazingText: a job for each classifier, and what its `model.bin` becomes.

It knows no seed and trains with as many threads as there are: the same labels give nearly the same model, and no more.
A tenth of the texts tells it when to stop, by a hash of the line.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from socialnlp_assets.resources.trainers.trainer import TrainingFailed, TrainingJob

RECIPE = "blazingtext"
OURS = ("model", "recipe", "task", "labels", "targets", "seed")  # hyperparameters that the container does not know
# As the pipelines were trained that this platform took over, but for `buckets`: 5,000,000 make a model of 2 GB, which
# no serverless endpoint holds.
DEFAULTS: Mapping[str, str] = {
    "epochs": "30", "min_count": "3", "learning_rate": "0.02", "vector_dim": "100", "word_ngrams": "2",
    "buckets": "200000", "early_stopping": "True", "patience": "6", "min_epochs": "20",
}  # fmt: skip
TRAIN, VALIDATION = "train", "validation"  # its channels


def jobs_of(job: TrainingJob) -> dict[str, TrainingJob]:
    """By target, empty where there is none, the job of one classifier."""
    own = {name: value for name, value in job.hyperparameters.items() if name not in OURS}
    return {
        target: TrainingJob(job.model, {"mode": "supervised", **DEFAULTS, **own}, _channels(job, target), job.shape)
        for target in _targets(job)
    }


def assemble(job: TrainingJob, trained: Mapping[str, Path], folder: Path) -> dict[str, float]:
    """Make `folder` a model folder for our engine `fasttext` of what the jobs left behind, by target; its figures.
    Raises `TrainingFailed`."""
    given = job.hyperparameters
    common = {"task": given["task"], "engine": "fasttext", "labels": json.loads(given["labels"])}
    for target, source in trained.items():
        weights = source / "model.bin"
        if not weights.is_file():
            raise TrainingFailed("BlazingText left no model.bin: train in the mode supervised")
        (folder / target).mkdir(parents=True, exist_ok=True)
        shutil.move(weights, folder / target / "model.bin")
        if target:
            _write(folder / target, {"name": f"{given['model']}/{target}", **common})
    targets = json.loads(given.get("targets", "[]"))
    told = {
        "recipe": RECIPE,
        "hyperparameters": {name: value for name, value in given.items() if name not in OURS},
        "channel": {target: sha256(job.channel[_file(target)]).hexdigest() for target in trained},
    }
    _write(folder, {"name": given["model"], **common, "targets": targets, "trained": told})
    texts = [job.channel[_file(target)].count(b"\n") for target in trained]
    return {"train_texts": float(texts[-1])}


def _channels(job: TrainingJob, target: str) -> dict[str, bytes]:
    lines = job.channel[_file(target)].splitlines(keepends=True)
    is_aside = [sha256(line).digest()[0] < 26 for line in lines]
    return {
        f"{TRAIN}/texts.txt": b"".join(line for line, aside in zip(lines, is_aside, strict=True) if not aside),
        f"{VALIDATION}/texts.txt": b"".join(line for line, aside in zip(lines, is_aside, strict=True) if aside),
    }


def _targets(job: TrainingJob) -> list[str]:
    return json.loads(job.hyperparameters.get("targets", "[]")) or [""]


def _file(target: str) -> str:
    return f"{target or 'texts'}.txt"


def _write(folder: Path, settings: dict[str, Any]) -> None:
    (folder / "model.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
