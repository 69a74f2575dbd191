"""Imports between rooms point one way, as docs/architecture.md draws them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import socialnlp_assets

ROOT = Path(socialnlp_assets.__file__).parent
BASE = {"settings", "partitions", "schemas", "files", "markdown", "yaml_files", "safe_yaml"}
# room → the rooms that it may import, besides itself
MAY_IMPORT: dict[str, set[str]] = {
    "settings": set(),
    "partitions": set(),
    "schemas": set(),
    "files": set(),
    "markdown": set(),
    "safe_yaml": set(),
    "yaml_files": {"safe_yaml"},
    "nlp": set(),
    "runs": {"checks", "nlp", "resources"},  # what a warm process reads for all
    "tasks": set(),
    "landing": {"nlp", "schemas"},
    "serving": {"tasks", "nlp"},
    "models": {
        "files",
        "tasks",
        "nlp",
        "serving",
        "settings",
        "yaml_files",
    },  # packaging loads what it packed as the server would
    "labels": {"nlp", "models"},
    "evaluation": {"models", "markdown"},
    "training": {"tasks", "nlp", "models"},
    "resources": {*BASE, "models", "tasks", "landing", "nlp"},
    "alerts": {*BASE, "resources"},
    "sources": {*BASE, "resources", "landing", "nlp"},
    "checks": {"nlp", "schemas", "markdown"},
    "assets": {
        *BASE,
        *("checks", "sources", "resources", "labels", "evaluation", "models", "tasks", "landing", "nlp"),
    },
    "workflow": {*BASE, "hot_topics", "checks", "assets", "sources", "models", "tasks", "nlp"},
    "mart": {*BASE, "resources"},
    "sensors": {*BASE, "workflow", "alerts", "assets", "resources", "models"},
    "hot_topics": {*BASE, "mart", "alerts"},
    "report": {*BASE, "alerts", "mart", "assets", "resources"},
}
# Nothing below imports these; they may import what they like.
ON_TOP = {"definitions", "component", "starting_file", "cli", "fakes"}


def rooms() -> list[str]:
    found = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    return sorted(found | {path.stem for path in ROOT.glob("*.py") if path.stem != "__init__"})


def imported(path: Path) -> Iterator[str]:
    """The rooms that a module imports, wherever in it: in functions and for types, too."""
    package = path.relative_to(ROOT.parent).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [above, node.module or ""]))
            names = [module] if module.count(".") else [f"{module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == ROOT.name and len(parts) > 1:
                yield parts[1]


@pytest.mark.parametrize("room", rooms())
def test_a_room_imports_only_what_stands_below_it(room: str) -> None:
    if room in ON_TOP:
        return
    assert room in MAY_IMPORT, f"say in this test, and in docs/architecture.md, where the room {room!r} stands"
    modules = [ROOT / f"{room}.py"] if (ROOT / f"{room}.py").exists() else sorted((ROOT / room).rglob("*.py"))
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules
        for name in imported(path)
        if name not in MAY_IMPORT[room] | {room}
    }
    assert not wrong
