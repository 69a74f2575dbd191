"""The endpoint image installs two extras and nothing of the orchestrator's: what the server needs is in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from socialnlp_assets.models.catalogue import EMBEDDED_MODELS
from tests.packaging.installed import closure, declared, run_with

DOCKERFILE = Path(__file__).parents[2] / "deploy" / "Dockerfile"
# The console script, every engine but plain torch imported, every embedded model loaded and asked.
PROGRAM = """
from pathlib import Path
import socialnlp_assets.cli.serve
from socialnlp_assets.serving.handlers import engine_handler, engine_names
from socialnlp_assets.serving.repository import ModelRepository
for engine in engine_names():
    if not engine.startswith("reference"):
        engine_handler(engine)
for folder in sys.argv[1:]:
    ModelRepository(1).load_folder(Path(folder))
print("served", len(sys.argv) - 1)
"""


@pytest.mark.slow
def test_the_server_needs_only_what_its_image_installs() -> None:
    folders = [str(path.parent) for path in sorted(EMBEDDED_MODELS.glob("*/model.json"))]
    extras = re.findall(r'ARG EXTRAS="(.*)"', DOCKERFILE.read_text(encoding="utf-8"))
    there = closure(line for extra in extras[0].split() for line in declared(extra))
    assert {"starlette", "ctranslate2", "spacy"} <= there
    assert not {"dagster", "boto3", "torch"} & there
    assert run_with(there, PROGRAM, *folders).splitlines()[-1] == f"served {len(folders)}"


def test_a_library_that_is_not_installed_is_missed() -> None:
    with pytest.raises(AssertionError, match="starlette"):
        run_with({"uvicorn"}, "import socialnlp_assets.serving.app")
