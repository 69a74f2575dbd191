"""What `socialnlp models check` tells beyond the form of a catalogue: model folders that do not fit their entries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from socialnlp_assets.models.catalogue import (
    CatalogueError,
    ModelEntry,
    catalogue_files,
    load_catalogue,
    read_catalogue_file,
)
from socialnlp_assets.models.folders import FolderMissing, model_folder
from socialnlp_assets.serving.handler import BadModel
from socialnlp_assets.serving.handlers import engine_handler
from socialnlp_assets.serving.loaded_model import read_settings


def check_models(folder: Path, kept: Path, region: str, endpoint_url: str) -> list[str]:
    """The names of the models in the catalogue files of `folder`. Raises `CatalogueError` naming all mistakes, in
    the files and in the model folders; those that lie elsewhere are fetched into `kept`."""
    load_catalogue(folder)
    names, mistakes = [], []
    for path in catalogue_files(folder):
        file, entries = read_catalogue_file(path, path.parent)
        for name, entry in entries.items():
            names.append(name)
            for field, text in _misfits(entry, kept, region, endpoint_url):
                mistakes.append(file.told((name, *field.split(".")), text))
    if mistakes:
        raise CatalogueError("\n".join(mistakes))
    return names


def _misfits(entry: ModelEntry, kept: Path, region: str, endpoint_url: str) -> Iterator[tuple[str, str]]:
    """Field and remedy of whatever keeps a model folder from serving its entry."""
    try:
        folder = model_folder(entry.embedded.model, kept, region, endpoint_url)
        folder = folder / (entry.target or "")  # of a model on another's endpoint
        settings = read_settings(folder)
        parts = [read_settings(folder / target) for target in settings.get("targets", ())] or [settings]
        for part in parts:
            engine_handler(part.get("engine", ""))
    except (FolderMissing, BadModel) as error:
        if entry.training and not entry.embedded.is_made:
            return  # its first version is yet to be trained
        yield "embedded.model", f"{error}; docs/contracts.md says what a model folder holds"
        return
    wanted: dict[str, Any] = {"task": entry.task, "targets": list(entry.targets)}
    if entry.labels:
        wanted["labels"] = list(entry.labels)
    for field, value in wanted.items():
        found = settings.get(field, [])
        fits = sorted(found) == sorted(value) if isinstance(value, list) else found == value
        if not fits:
            yield field, f"{folder / 'model.json'} says {found!r}; write the same in both"
