"""Tiny trained models and what packaging makes of them, once a session."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from socialnlp_assets.models import load_catalogue
from socialnlp_assets.models.packaging import Packaged, package
from socialnlp_assets.serving.loaded_model import Model
from socialnlp_assets.tasks import task
from tests.models import tiny


@dataclass(frozen=True)
class Pair:
    """One model twice: as packaged, and as the plain reference."""

    name: str
    original: Path
    packaged: Packaged
    folder: Path  # the archive, unpacked

    def fast(self) -> Model:
        return Model.load(self.folder, threads=1)

    def predict(self, texts: list[str], **parameters: Any) -> tuple[list[Any], list[Any]]:
        """What the packaged model and the reference answer."""
        model = self.fast()
        known = task(model.settings["task"]).defaults() | parameters
        reference = tiny.reference(self.original, model.settings)
        return list(model.handler.predict(texts, known).results), list(reference.predict(texts, known).results)


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Pair]:
    """The pair of a catalogue name; made on first use."""
    made: dict[str, Pair] = {}

    def make(name: str) -> Pair:
        if name not in made:
            root = tmp_path_factory.mktemp(name)
            original = tiny.MAKERS[name](root / "original")
            packaged = package(name, load_catalogue()[name], root, source=str(original), force=True)
            with tarfile.open(packaged.archive) as archive:
                archive.extractall(root / "model", filter="data")
            made[name] = Pair(name, original, packaged, root / "model")
        return made[name]

    return make
