"""Models that need no conversion: classifiers of fastText and SageMaker's BlazingText, and model folders as they are.

What a training job leaves behind has no `model.json`; the catalogue knows what belongs there. Everything is loaded
by its own handler before it is packaged.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.models.packaging_origin import PackagingError, unpack_member
from socialnlp_assets.models.packaging_source import files_below
from socialnlp_assets.serving.handler import BadModel
from socialnlp_assets.serving.loaded_model import Model, read_settings

WEIGHTS = ("model.bin", "model.ftz")
ARCHIVE = "model.tar.gz"  # BlazingText's, with a model.bin in it


def collect(name: str, entry: ModelEntry, origin: Path, folder: Path) -> None:
    """Make `folder` the model folder of `name` from `origin`, and try it. Raises `PackagingError`.

    `origin` is a model folder, or holds what was trained: weights or BlazingText's archive, or is one of these; for
    a model of several targets, it holds one of these a target, called as the target is.
    """
    if (origin / "model.json").is_file():
        for path in files_below(origin):
            copy = folder / path.relative_to(origin)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    elif entry.aws.engine != "fasttext":
        raise PackagingError(f"{name} is packaged from a model folder, and {origin} has no model.json: give --source")
    else:
        common = {"task": entry.task, "engine": entry.aws.engine}
        labels = {"labels": list(entry.labels)}
        for target in entry.targets:
            _write_model(_of_target(origin, target), folder / target, {"name": target, **common, **labels})
        if entry.targets:
            write_json(folder / "model.json", {"name": name, **common, "targets": list(entry.targets)})
        else:
            _write_model(origin, folder, {"name": name, **common, **labels})
    _try(name, entry, folder)


def _of_target(origin: Path, target: str) -> Path:
    names = (target, f"{target}.bin", f"{target}.ftz", f"{target}.tar.gz")
    found = next((origin / name for name in names if (origin / name).exists()), None)
    if found is None:
        raise PackagingError(f"{origin} has nothing for the target {target}: none of {', '.join(names)}")
    return found


def _write_model(origin: Path, folder: Path, settings: dict[str, Any]) -> None:
    """The model folder of the one classifier at `origin`."""
    if origin.is_dir():
        found = next((origin / name for name in (*WEIGHTS, ARCHIVE) if (origin / name).is_file()), None)
        if found is None:
            raise PackagingError(f"{origin} has none of model.json, {', '.join(WEIGHTS)} and {ARCHIVE}")
        origin = found
    folder.mkdir(parents=True, exist_ok=True)
    if origin.name.endswith(".tar.gz"):
        unpack_member(origin, WEIGHTS[0], folder / WEIGHTS[0])
    else:
        shutil.copyfile(origin, folder / f"model{origin.suffix}")
    write_json(folder / "model.json", settings)


def _try(name: str, entry: ModelEntry, folder: Path) -> None:
    """Load what will be packaged, and compare what it says of itself with the catalogue."""
    try:
        settings = read_settings(folder)
        targets = settings.get("targets", [])
        if sorted(targets) != sorted(entry.targets):
            raise PackagingError(f"the model's targets are {_listed(targets)}; {name} has {_listed(entry.targets)}")
        models = [Model.load(folder / target, threads=1) for target in targets or ("",)]
        for target in settings.get("further_targets", []):
            Model.load(folder / target, threads=1)
    except BadModel as error:
        raise PackagingError(f"{name} cannot be served: {error}".replace(f"{folder}/", "")) from error
    for model in models:
        where = f"the model {model.settings.get('name', name)}"
        if model.task.name != entry.task:
            raise PackagingError(f"{where} is for {model.task.name}; {name} is for {entry.task}")
        if model.settings["engine"] != entry.aws.engine:
            raise PackagingError(f"{where} runs on {model.settings['engine']}; {name} on {entry.aws.engine}")
        labels = model.settings.get("labels", [])
        if sorted(labels) != sorted(entry.labels):
            raise PackagingError(f"{where} has the labels {_listed(labels)}; {name} has {_listed(entry.labels)}")


def _listed(names: Any) -> str:
    return ", ".join(names) or "none"


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
