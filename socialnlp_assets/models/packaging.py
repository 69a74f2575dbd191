"""`model.tar.gz` from a model of the catalogue: converted, checked, described, and told apart by its hashes.

The archive is a model folder (docs/contracts.md) for our own server. Beside the engine's files it holds
`code/`, by which Amazon's Hugging Face containers serve the same model: `inference.py` for their hooks, a
copy of our handlers, and the libraries to install. The same source gives the same bytes.
"""

from __future__ import annotations

import gzip
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import socialnlp_assets
from socialnlp_assets.models.artefacts import ARCHIVE, publish
from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.models.packaging_check import self_check
from socialnlp_assets.models.packaging_convert import CONVERSIONS
from socialnlp_assets.models.packaging_origin import PackagingError, ask_for_room
from socialnlp_assets.models.packaging_source import Source, digest, files_below, find_source
from socialnlp_assets.models.packaging_trained import collect, write_json
from socialnlp_assets.settings import default_state_directory

SERVED = ("serving", "tasks", "nlp")  # what a container needs of this package
INFERENCE = Path(__file__).parent / "inference.py"


@dataclass(frozen=True)
class Packaged:
    """What came of packaging one model."""

    archive: Path
    sha256: str
    provenance: Mapping[str, Any]


def package(
    name: str,
    entry: ModelEntry,
    output: Path,
    *,
    source: str = "",
    force: bool = False,
    kept: Path | None = None,
) -> Packaged:
    """Package `name` into `output`/model.tar.gz, from `source` or from where the catalogue says.

    Raises `PackagingError`; with `force`, not for a model that disagrees with its original. What is fetched from a hub
    lies in `kept`.
    """
    with make_folder_of(name, entry, source=source, force=force, kept=kept) as (folder, provenance), told(output):
        output.mkdir(parents=True, exist_ok=True)
        archive = write_archive(folder, output / ARCHIVE)
        return Packaged(archive, digest(archive), provenance)


@contextmanager
def make_folder_of(
    name: str, entry: ModelEntry, *, source: str = "", force: bool = False, kept: Path | None = None
) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The same as a model folder, as long as the context lasts, with what is known of where it came from."""
    with tempfile.TemporaryDirectory(prefix="socialnlp-package-") as scratch:
        folder = Path(scratch) / name
        with told(Path(scratch)):
            provenance = _make(name, entry, source, force, folder, kept or default_state_directory() / "hub")
        yield folder, provenance


@contextmanager
def told(where: Path) -> Iterator[None]:
    """A disk that is full, or that we may not write to, as a `PackagingError`."""
    try:
        yield
    except OSError as error:
        raise PackagingError(f"{error.filename or where}: {error.strerror or error}; nothing was packaged") from error


def _make(name: str, entry: ModelEntry, source: str, force: bool, folder: Path, kept: Path) -> Mapping[str, Any]:
    if entry.endpoint_of:
        raise PackagingError(f"{name} is part of {entry.endpoint_of}: package that")
    engine = entry.aws.engine
    if engine in CONVERSIONS:
        found = find_source(source or entry.aws.source, entry.aws.revision, kept)
        ask_for_room(sum(path.stat().st_size for path in files_below(found.folder)), folder.parent)
        settings = _convert(name, entry, found, folder)
        check = settings["provenance"]["self_check"]
        if not (check["passed"] or force):
            raise PackagingError(f"{name} disagrees with its original, {check}: package it anyway with --force")
        _add_code(folder, engine)
    else:
        settings = _copy(name, entry, source, folder)
    settings["provenance"]["files"] = {
        path.relative_to(folder).as_posix(): digest(path) for path in files_below(folder)
    }
    write_json(folder / "model.json", settings)
    provenance: Mapping[str, Any] = settings["provenance"]
    return provenance


def _convert(name: str, entry: ModelEntry, source: Source, folder: Path) -> dict[str, Any]:
    engine = entry.aws.engine
    conversion = CONVERSIONS[engine]
    folder.mkdir()
    try:
        converted = conversion.convert(source.folder, folder, entry)
        settings: dict[str, Any] = {"name": name, "task": entry.task, "engine": engine, **converted}
        check = self_check(entry, folder, settings, source.folder)
    except (PackagingError, ImportError):
        raise
    except Exception as error:  # three libraries raise what they like on files that do not fit
        reason = " ".join(str(error).split())
        raise PackagingError(f"{source.name} cannot be converted for {engine}: {reason}") from error
    settings["provenance"] = {
        "source": source.name,
        "revision": source.revision,
        "licence": source.licence or (entry.aws.licence if source.name == entry.aws.source else ""),
        "quantisation": "int8",
        "made_with": _versions("transformers", "torch", *conversion.libraries),
        "self_check": check,
    }
    (folder / "README.md").write_text(card(entry, settings), encoding="utf-8")
    return settings


def _copy(name: str, entry: ModelEntry, source: str, folder: Path) -> dict[str, Any]:
    """What a handler can serve as it is, such as a trained classifier."""
    if not source and entry.aws.engine == "fasttext":
        raise PackagingError(
            f"{name} is what you trained: give --source, the model.bin, BlazingText's model.tar.gz or their folder"
            + (f", with one for each of {', '.join(entry.targets)}" if entry.targets else "")
        )
    origin = Path(source or entry.embedded.path).expanduser()
    found = find_source(str(origin.absolute()), "", Path())  # never a hub id
    collect(name, entry, origin, folder)
    settings: dict[str, Any] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    (folder / "model.json").unlink()
    settings["provenance"] = {"source": found.name, "revision": found.revision, "licence": found.licence}
    return settings


def _add_code(folder: Path, engine: str) -> None:
    """What Amazon's Hugging Face containers look for in `code/`."""
    root = Path(socialnlp_assets.__file__).parent
    code = folder / "code"
    for room in SERVED:
        shutil.copytree(root / room, code / root.name / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(root / "__init__.py", code / root.name / "__init__.py")
    shutil.copyfile(INFERENCE, code / "inference.py")
    versions = _versions("numpy", "pydantic-core", *CONVERSIONS[engine].libraries)
    pins = "".join(f"{library}=={version}\n" for library, version in versions.items())
    (code / "requirements.txt").write_text(pins, encoding="utf-8")


def _versions(*libraries: str) -> dict[str, str]:
    return {library: metadata.version(library) for library in libraries}


def card(entry: ModelEntry, settings: Mapping[str, Any]) -> str:
    """The model's card."""
    provenance = settings["provenance"]
    figures = "\n".join(f"- {name}: {value}" for name, value in provenance["self_check"].items())
    return (
        f"# {settings['name']}\n\n{entry.description}\n\n"
        f"- source: {provenance['source']}, revision {provenance['revision']}\n"
        f"- licence: {provenance['licence'] or 'its card names none; ask its authors before you use it'}\n"
        f"- engine: {settings['engine']}, weights {provenance['quantisation']}\n\n"
        f"## Agreement with the original\n\n{figures}\n"
    )


def write_archive(folder: Path, path: Path) -> Path:
    """`folder`'s files at the root of a gzipped tar at `path`, without times and owners; nothing where that fails."""
    files = files_below(folder)
    ask_for_room(sum(member.stat().st_size for member in files), path.parent)
    partial = path.with_suffix(".partial")
    try:
        with (
            partial.open("wb") as file,
            gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0, compresslevel=1) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for member in files:
                entry = tarfile.TarInfo(member.relative_to(folder).as_posix())
                entry.size = member.stat().st_size
                with member.open("rb") as content:
                    archive.addfile(entry, content)
        return partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def upload(
    packaged: Packaged, name: str, entry: ModelEntry, bucket: str, *, region: str, endpoint_url: str | None
) -> str:
    """Put the archive where endpoints on SageMaker look for it; its s3:// address."""
    import boto3

    client = boto3.client("s3", region_name=region, endpoint_url=endpoint_url)
    return publish(client, packaged.archive, packaged.sha256, bucket, name, entry.aws.revision).address
