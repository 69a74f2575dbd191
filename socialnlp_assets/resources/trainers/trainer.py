"""`Trainer`: what the asset `trained/<model>` asks for."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import dagster as dg

from socialnlp_assets.models.catalogue import ModelEntry, TrainingShape
from socialnlp_assets.resources.endpoints.local_resource import folder_digest

_FIGURE = re.compile(r"(\w+)=(-?[\d.]+(?:e-?\d+)?);")


class TrainingFailed(Exception):
    """The job has failed for a reason of its own, or could not be had; the message says what to do."""


@dataclass(frozen=True)
class TrainingJob:
    """What is to be trained: hyperparameters as texts, and the files of the channel `train`."""

    model: str
    hyperparameters: Mapping[str, str]
    channel: Mapping[str, bytes]
    shape: TrainingShape = field(default_factory=TrainingShape)  # of the machine, where one is rented for it

    @property
    def digest(self) -> str:
        """Of all that decides what comes out."""
        parts = [json.dumps(dict(sorted(self.hyperparameters.items()))).encode()]
        parts += [name.encode() + sha256(data).digest() for name, data in sorted(self.channel.items())]
        return sha256(b"\0".join(parts)).hexdigest()[:16]


@dataclass(frozen=True)
class Trained:
    """What a job left behind: the model folder on this machine, as long as the context lasts, and what it printed."""

    folder: Path
    figures: Mapping[str, float]
    archive: str = ""  # s3:// address of its model.tar.gz, where there is one
    archive_sha256: str = ""


class Trainer(dg.ConfigurableResource[None], ABC):
    """Trains models."""

    @abstractmethod
    def train(self, job: TrainingJob, log: Callable[[str], None]) -> AbstractContextManager[Trained]:
        """Train, and wait for it. `log` gets the lines that the program prints. Raises `TrainingFailed`."""


def code_version() -> str:
    """What tells the code that trains from another: the release, and a digest of what a model's making depends on."""
    package = Path(__file__).parents[2]
    rooms = "".join(folder_digest(package / room) for room in ("training", "tasks", "nlp"))
    return f"{version('socialnlp-assets')}+{sha256(rooms.encode()).hexdigest()[:8]}"


def job_of(name: str, entry: ModelEntry, channel: Mapping[str, bytes]) -> TrainingJob:
    """The job that makes a model of the catalogue. Its entry has a section `training`."""
    training = entry.training
    if training is None:
        raise ValueError(f"the catalogue says of {name} no `training:`")
    given = {
        "model": name,
        "recipe": training.recipe,
        "task": entry.task,
        "labels": json.dumps(list(entry.labels)),
        "targets": json.dumps(list(entry.targets)),
        "seed": str(training.seed),
        **{key: str(value) for key, value in training.hyperparameters.items()},
    }
    return TrainingJob(name, given, channel, training.job)


def figures_in(lines: Iterator[str] | list[str]) -> dict[str, float]:
    """The figures that the program has printed, as ``name=value;``."""
    return {name: float(value) for line in lines for name, value in _FIGURE.findall(line)}
