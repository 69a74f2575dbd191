"""README and docs say what is true of the commands and the settings."""

from __future__ import annotations

import os
import re
import subprocess
from importlib import import_module
from pathlib import Path

import click
import pytest

from socialnlp_assets.cli import COMMANDS
from socialnlp_assets.settings import Settings
from tests.cli.conftest import SCRIPT, Installation

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(?:\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What needs neither a network, nor an account, nor a state of its own.
RUNNABLE = re.compile(r"socialnlp (predict|workflows)\b")


def _command(name: str) -> click.Command:
    command: click.Command = getattr(import_module(f"socialnlp_assets.cli.{name}"), name)
    return command


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_that_is_named_exists(document: Path) -> None:
    for name, then in re.findall(r"(?<=[`/ ])socialnlp ([a-z]+)(?: ([a-z]+))?", document.read_text(encoding="utf-8")):
        assert name in COMMANDS, f"socialnlp {name}"
        command = _command(name)
        if then and isinstance(command, click.Group):
            assert then in command.commands, f"socialnlp {name} {then}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_picture_and_page_that_is_linked_is_there(document: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (document.parent / link).exists(), link


def test_every_setting_of_the_table_exists() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("| setting |")[1].split("\n\n")[0]
    named = {name for line in table.splitlines()[2:] for name in re.findall(r"`([A-Z_]+)`", line.split("|")[1])}
    assert len(named) > 5
    assert named <= {name.upper() for name in Settings.model_fields}


@pytest.mark.slow
def test_the_commands_of_the_readme_run(socialnlp: Installation) -> None:
    blocks = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    lines = [line for block in blocks for line in block.splitlines() if RUNNABLE.search(line)]
    assert len(lines) >= 4
    workflows = socialnlp.folder / "workflows"
    workflows.mkdir()
    environment = socialnlp.environment | {
        "PATH": f"{SCRIPT.parent}{os.pathsep}{os.environ['PATH']}",
        "SOCIALNLP_WORKFLOWS": str(workflows),
    }
    for line in lines:
        command = line.replace(".venv/bin/", "")
        outcome = subprocess.run(
            ["bash", "-c", command], env=environment, cwd=socialnlp.folder, capture_output=True, text=True, check=False
        )
        assert outcome.returncode == 0, f"{line}\n{outcome.stderr}"
        assert outcome.stdout
