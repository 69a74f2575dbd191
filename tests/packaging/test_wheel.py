"""What the wheel holds and weighs, and what it says where only the bare install is there."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT
from tests.packaging.installed import closure, declared

pytestmark = pytest.mark.slow
MOST_BYTES = 8_000_000  # README says what it weighs
COMMAND = "from socialnlp_assets.cli import main; main()"


def test_the_wheel_is_small_and_holds_every_file_that_is_read(wheel: Path) -> None:
    assert wheel.stat().st_size < MOST_BYTES
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    package = ROOT / "socialnlp_assets"
    files = [path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {str(path.relative_to(ROOT)) for path in files} <= packed


@pytest.fixture(scope="session")
def bare(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with our wheel and what it asks for, no extras: links to the files that are installed here."""
    home = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    (site,) = home.glob("lib/python*/site-packages")
    for name in closure(declared()):
        for file in metadata.files(name) or []:
            if file.parts[0] != ".." and file.suffix != ".pyc":
                link = site / file
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(Path(str(file.locate())).resolve())
    for entry in unpacked.iterdir():
        (site / entry.name).symlink_to(entry)
    return home / "bin" / "python"


def run(python: Path, state: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith(("SOCIALNLP_", "PYTHONPATH"))}
    return subprocess.run(
        [python, "-c", program, *arguments],
        env=others | {"SOCIALNLP_STATE": str(state)},
        input="a text\n",
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "extras"),
    [("demo --hours 1", "embedded,google"), ("predict sentiment", "embedded"), ("ui --port 65001", "embedded")],
)
def test_a_bare_install_says_in_a_sentence_which_extra_is_missing(
    bare: Path, tmp_path: Path, arguments: str, extras: str
) -> None:
    outcome = run(bare, tmp_path, COMMAND, *arguments.split())
    sentence = f"socialnlp: this command needs more than the bare install: pip install 'socialnlp-assets[{extras}]'\n"
    assert (outcome.returncode, outcome.stderr) == (1, sentence)


def test_a_bare_install_loads_the_code_location(bare: Path, tmp_path: Path) -> None:
    program = "import socialnlp_assets.definitions as d; print('sprinklr' in d.defs.get_repository_def().job_names)"
    others = {name: value for name, value in os.environ.items() if not name.startswith(("SOCIALNLP_", "PYTHONPATH"))}
    outcome = subprocess.run(
        [bare, "-c", program],
        env=others | {"SOCIALNLP_STATE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.stdout == "True\n", outcome.stderr
