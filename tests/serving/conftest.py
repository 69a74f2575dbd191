"""Servers that a module's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from model_servers import Server, aspects_model, multi_label_model, running, scripted_model


@pytest.fixture(scope="session")
def themes_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return multi_label_model(tmp_path_factory.mktemp("models") / "themes")


@pytest.fixture(scope="session")
def aspects_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return aspects_model(tmp_path_factory.mktemp("models") / "aspects", {"prezzi": "price", "gentilezza": "staff"})


@pytest.fixture(scope="session")
def scripted_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scripted_model(tmp_path_factory.mktemp("models") / "scripted")


@pytest.fixture(scope="module")
def themes(themes_folder: Path) -> Iterator[Server]:
    with running("--model", str(themes_folder)) as server:
        yield server


@pytest.fixture(scope="module")
def scripted(scripted_folder: Path) -> Iterator[Server]:
    with running("--model", str(scripted_folder)) as server:
        yield server
