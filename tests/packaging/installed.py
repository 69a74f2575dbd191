"""What pip would install for some requirements, and Python without everything else."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = "socialnlp-assets"
HIDING = """
import json, sys
for name in json.loads(sys.argv.pop(1)):
    sys.modules[name] = None  # its import fails as if it were not there
"""


def closure(requirements: Iterable[str]) -> set[str]:
    """The distributions that pip would install for `requirements`."""
    asked = [Requirement(line) for line in requirements]
    seen: set[tuple[str, frozenset[str]]] = set()
    while asked:
        requirement = asked.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        for line in metadata.requires(requirement.name) or []:
            needed = Requirement(line)
            extras = requirement.extras | {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                asked.append(needed)
    return {name for name, _ in seen}


def declared(extra: str = "") -> list[str]:
    """What pyproject.toml asks for: the project's own requirements, or those of an extra alone."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines: list[str] = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return lines


@cache
def _owners() -> Mapping[str, list[str]]:
    """Module → the distributions that install it; reading them all takes a second."""
    return metadata.packages_distributions()


def modules_of(distributions: Iterable[str]) -> set[str]:
    """The top-level modules that `distributions` install."""
    asked = {canonicalize_name(name) for name in distributions}
    return {module for module, names in _owners().items() if asked & {canonicalize_name(name) for name in names}}


def run_with(distributions: set[str], program: str, *arguments: str) -> str:
    """What `program` prints where only `distributions` and this project are installed: all else is hidden from it,
    not looked for afterwards, since libraries import others that happen to be there."""
    there = distributions | {PROJECT}
    hidden = [
        module for module, owners in _owners().items() if not there & {canonicalize_name(owner) for owner in owners}
    ]
    command = [sys.executable, "-c", HIDING + program, json.dumps(hidden), *arguments]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout
