"""What pip would install for some requirements, and Python without everything else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata

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


def of_extra(*extras: str) -> list[str]:
    """What the project's `extras` ask for, without the orchestrator's own requirements."""
    lines = [Requirement(line) for line in metadata.requires(PROJECT) or []]
    asked = [line for line in lines if line.marker and any(line.marker.evaluate({"extra": e}) for e in extras)]
    return [str(line).partition(";")[0] for line in asked if not line.marker.evaluate({"extra": ""})]


def run_with(distributions: set[str], program: str, *arguments: str) -> str:
    """What `program` prints where only `distributions` and this project are installed: all else is hidden from it,
    not looked for afterwards, since libraries import others that happen to be there."""
    there = distributions | {PROJECT}
    hidden = [
        module
        for module, owners in metadata.packages_distributions().items()
        if not there & {canonicalize_name(owner) for owner in owners}
    ]
    command = [sys.executable, "-c", HIDING + program, json.dumps(hidden), *arguments]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout
