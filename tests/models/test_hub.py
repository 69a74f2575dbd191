"""Models from a hub: fetched whole or not at all, resumed, compared with their hashes; installed, and served."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from socialnlp_assets.models import hub, packaging_origin
from socialnlp_assets.models.hub import fetch
from socialnlp_assets.models.packaging_origin import PackagingError
from socialnlp_assets.resources.build import build_endpoints
from socialnlp_assets.resources.registry.registry import LakeRegistry
from tests.cli.conftest import Installation
from tests.fakes import hub as fakes
from tests.fakes.hub import COMMIT, FakeHub
from tests.models.conftest import Pair

WEIGHTS = bytes(range(256)) * 1000
PATTERNS = ("*.json", "*.safetensors", "*.bin")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.setattr(hub, "PAUSE", 0.0)
    with fakes.serve(FakeHub()) as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.url)
        fake.models["someone/model"] = {
            "config.json": b"{}\n", "model.safetensors": WEIGHTS, "pytorch_model.bin": WEIGHTS, "empty.json": b"",
            "train.py": b"",
        }  # fmt: skip
        yield fake


def test_a_model_is_fetched_once_and_only_what_is_of_use(fake: FakeHub, tmp_path: Path) -> None:
    folder = fetch("someone/model", "", PATTERNS, tmp_path)
    assert folder.name == COMMIT
    assert {path.name for path in folder.iterdir()} == {"config.json", "empty.json", "model.safetensors"}
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    fake.breaks = [0] * 20  # whatever is asked for now does not come
    assert fetch("someone/model", "", PATTERNS, tmp_path) == folder


def test_a_broken_download_goes_on_where_it_was_also_in_another_process(fake: FakeHub, tmp_path: Path) -> None:
    del fake.models["someone/model"]["config.json"], fake.models["someone/model"]["empty.json"]
    fake.breaks = [100_000, 50_000, *[0] * hub.TRIES]
    with pytest.raises(PackagingError, match="what has come is kept: ask again"):
        fetch("someone/model", "", PATTERNS, tmp_path)
    assert not list(tmp_path.rglob("*.safetensors"))  # nothing half
    folder = fetch("someone/model", "", PATTERNS, tmp_path)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert fake.ranges[0] == "bytes=100000-"
    assert fake.ranges[-1] == "bytes=150000-"


@pytest.mark.usefixtures("fake")
def test_what_is_not_what_the_hub_says_is_thrown_away_and_room_is_asked_for_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = tmp_path / "someone--model" / COMMIT / "model.safetensors.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"something else")
    with pytest.raises(PackagingError, match=r"model\.safetensors of someone/model is not what the hub says it is"):
        fetch("someone/model", "", PATTERNS, tmp_path)
    assert fetch("someone/model", "", PATTERNS, tmp_path).name == COMMIT
    shutil.rmtree(tmp_path / "someone--model")
    usage = shutil._ntuple_diskusage(1, 1, len(WEIGHTS))  # type: ignore[attr-defined]
    monkeypatch.setattr(packaging_origin.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(PackagingError, match="free some"):
        fetch("someone/model", "", PATTERNS, tmp_path)
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    ("hub_id", "revision", "token", "told"),
    [
        ("someone/other", "", "", "the hub has no someone/other at revision main: check the id"),
        ("someone/model", "v7", "", "the hub has no someone/model at revision v7: check the id"),
        ("someone/model", "", "secret", "asks for an account: accept its terms, and set HF_TOKEN"),
    ],
)
def test_what_the_hub_refuses_is_told(
    fake: FakeHub, tmp_path: Path, hub_id: str, revision: str, token: str, told: str
) -> None:
    fake.token = token
    with pytest.raises(PackagingError, match=told):
        fetch(hub_id, revision, PATTERNS, tmp_path)


def test_a_hub_that_cannot_be_reached_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "PAUSE", 0.0)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(PackagingError, match=r"hf download someone/model --local-dir DIR.*--source DIR"):
        fetch("someone/model", "", PATTERNS, tmp_path)


def test_a_name_that_leads_out_is_refused(fake: FakeHub, tmp_path: Path) -> None:
    fake.models["someone/model"] = {"../../evil.json": b"{}"}
    with pytest.raises(PackagingError, match="leads out of its folder"):
        fetch("someone/model", "", PATTERNS, tmp_path)


@pytest.mark.slow
def test_an_installed_model_is_a_version_in_service_and_answers_in_the_embedded_profile(
    fake: FakeHub,
    tmp_path: Path,
    pair: Callable[[str], Pair],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    fake.add("someone/sentiment", pair("sentiment").original)
    fake.breaks = [20_000]  # and goes on
    socialnlp = Installation(tmp_path)
    install = ("models", "install", "sentiment", "--source", "someone/sentiment", "--who", "ada")
    assert socialnlp.here(monkeypatch, *install, HF_ENDPOINT=fake.url) == 0, capfd.readouterr().err
    shown = capfd.readouterr().out
    assert f"someone/sentiment@{COMMIT}" in shown
    assert "sentiment: version 1," in shown
    version = LakeRegistry(socialnlp.lake).history("sentiment").in_service()
    assert version is not None
    assert (version.who, version.made.source) == ("ada", f"someone/sentiment@{COMMIT}")
    texts = ["the staff in the shop was great today", "the staff in the shop was rude today"]
    with build_endpoints(socialnlp.settings) as endpoints:
        assert endpoints.engine("sentiment") == "onnx-sequence-classification"
        with endpoints.lease("sentiment") as sentiment:
            assert [answer.label for answer in sentiment.predict(texts)] == ["positive", "negative"]
        endpoints.stop_all()
    assert socialnlp.here(monkeypatch, *install, HF_ENDPOINT=fake.url) == 0  # again, it changes nothing
    assert list(LakeRegistry(socialnlp.lake).history("sentiment").versions()) == [1]
    fake.models["someone/sentiment"].pop("config.json")
    fake.models["someone/broken"] = fake.models["someone/sentiment"]
    assert socialnlp.here(monkeypatch, *install[:4], "someone/broken", HF_ENDPOINT=fake.url) == 1
    assert "cannot be converted" in capfd.readouterr().err
    assert list(LakeRegistry(socialnlp.lake).history("sentiment").versions()) == [1]
