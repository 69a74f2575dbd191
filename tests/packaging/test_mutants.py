"""`make mutants` names rooms and tests by their paths, which somebody may move."""

from __future__ import annotations

import tomllib

from tests.packaging.conftest import ROOT


def test_every_room_of_mutants_and_its_tests_are_there() -> None:
    rooms = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutants"]["rooms"]
    for room, asked in rooms.items():
        named = [argument.rpartition("=")[2].partition("::")[0] for argument in asked if "tests/" in argument]
        assert named
        missing = [path for path in (f"socialnlp_assets/{room}", *named) if not (ROOT / path).exists()]
        assert not missing, f"{room}: pyproject.toml names {missing}, which are not there"
