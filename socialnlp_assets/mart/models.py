"""The models of the dbt project, read without dbt: its import takes seconds, and the code location must not wait."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from socialnlp_assets.safe_yaml import read_yaml

PROJECT = Path(__file__).parent / "project"
_REF = re.compile(r"""\{\{\s*ref\(\s*['"](\w+)['"]\s*\)\s*\}\}""")
_SOURCE = re.compile(r"""\{\{\s*source\(""")


@dataclass(frozen=True)
class Model:
    """A table of the mart: one SQL file, and what the project's YAML says of it."""

    name: str
    description: str
    columns: dict[str, str]  # name → meaning
    refs: tuple[str, ...]  # other models that it reads
    reads_output: bool
    checks: dict[str, str]  # name of a test → its kind


def models(own: Path | None = None) -> dict[str, Model]:
    """Every model by name, the built-in ones and those of the folder `own`."""
    folders = [PROJECT / "models", *([own] if own else [])]
    said: dict[str, dict[str, Any]] = {}
    for file in sorted(file for folder in folders for ending in ("*.yml", "*.yaml") for file in folder.glob(ending)):
        data, _ = read_yaml(file.read_text(encoding="utf-8"))
        said |= {entry["name"]: entry for entry in (data or {}).get("models", [])}
    files = sorted(file for folder in folders for file in folder.glob("*.sql"))
    return {file.stem: _model(file, said.get(file.stem, {})) for file in files}


def _model(file: Path, said: dict[str, Any]) -> Model:
    sql = file.read_text(encoding="utf-8")
    return Model(
        file.stem,
        str(said.get("description", "")),
        {column["name"]: column.get("description", "") for column in said.get("columns", [])},
        tuple(dict.fromkeys(_REF.findall(sql))),
        bool(_SOURCE.search(sql)),
        dict(_named_tests(said)),
    )


def _named_tests(said: dict[str, Any]) -> list[tuple[str, str]]:
    """The tests that have a name, of the model and of its columns; the others only fail the build."""
    tests = [*said.get("data_tests", []), *(t for c in said.get("columns", []) for t in c.get("data_tests", []))]
    found = [next(iter(test.items())) for test in tests if isinstance(test, dict)]
    return [(options["name"], kind) for kind, options in found if isinstance(options, dict) and "name" in options]


def digest() -> str:
    """What tells one version of the built-in project from another."""
    files = sorted(path for path in PROJECT.rglob("*.sql"))
    return hashlib.blake2b(b"\0".join(path.read_bytes() for path in files), digest_size=16).hexdigest()


def assemble(folder: Path, own: Path | None = None) -> Path:
    """The project as dbt is to find it: ours, with the models of `own` beside ours, in a folder that dbt may write."""
    project = folder / "project"
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(PROJECT, project)
    if own:
        shutil.copytree(own, project / "models" / "own")
    return project
