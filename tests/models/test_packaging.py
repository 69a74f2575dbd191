"""What `socialnlp models package` writes, says and refuses."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner
from moto.server import ThreadedMotoServer

from benchmarks import architectures
from benchmarks.servers import serving
from socialnlp_assets.cli.models import models
from socialnlp_assets.models import load_catalogue, packaging_check
from socialnlp_assets.models.packaging import package
from socialnlp_assets.models.packaging_convert import spelled_labels
from socialnlp_assets.models.packaging_source import PackagingError, digest, find_source
from tests.models import hf_toolkit, tiny
from tests.models.conftest import Pair

Pairs = Callable[[str], Pair]


@pytest.mark.slow
def test_the_archive_tells_what_is_in_it_and_where_it_came_from(pair: Pairs) -> None:
    made = pair("sentiment")
    settings = json.loads((made.folder / "model.json").read_text())
    provenance = settings["provenance"]
    assert settings["engine"] == "onnx-sequence-classification"
    assert settings["labels"] == ["negative", "neutral", "positive"]
    assert provenance["revision"].startswith("sha256:")
    assert provenance["self_check"]["passed"]
    listed = provenance["files"]
    assert {"model.onnx", "tokenizer.json", "README.md", "code/inference.py"} <= set(listed)
    assert all(digest(made.folder / name) == found for name, found in listed.items())
    assert made.packaged.sha256 == digest(made.packaged.archive)


@pytest.mark.slow
def test_the_same_source_gives_the_same_archive(pair: Pairs, tmp_path: Path) -> None:
    made = pair("sentiment")
    again = package("sentiment", load_catalogue()["sentiment"], tmp_path, source=str(made.original))
    assert again.sha256 == made.packaged.sha256


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "texts", "parameters"),
    [
        ("sentiment", [text for text, _ in tiny.reviews(12, seed=4)], {"top_k": None, "truncation": True}),
        ("translator", [text for text, _ in tiny.sentences(6, seed=4)], {"src_lang": "it", "max_length": 24}),
        ("summarizer", [text for text, _ in tiny.articles(3, seed=4)], {"min_length": 5}),
        ("normalizer", ["i want 2 go home", "we r very happy today"], {}),
    ],
)
def test_our_server_and_the_hugging_face_toolkit_give_equal_answers(
    pair: Pairs, name: str, texts: list[str], parameters: dict[str, object]
) -> None:
    """Both from the same unpacked archive; the toolkit has only what the archive brings."""
    folder = pair(name).folder
    with serving(folder) as ours, hf_toolkit.serving(folder) as toolkit:
        assert ours.ask(texts, parameters) == toolkit.ask(texts, parameters)
        with pytest.raises(RuntimeError, match="400"):
            toolkit.ask(texts, {"temperature": 1})


@pytest.mark.slow
def test_a_model_that_disagrees_with_its_original_is_refused(
    pair: Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here by a demand that no conversion meets: more than all texts alike."""
    made = pair("translator")
    monkeypatch.setattr(packaging_check, "SAME_TEXT", 1.1)
    monkeypatch.setattr(packaging_check, "CHRF", 101.0)
    monkeypatch.setenv("SOCIALNLP_STATE", str(tmp_path))
    result = CliRunner().invoke(models, ["package", "translator", "--source", str(made.original)])
    assert result.exit_code == 1
    assert "--force" in result.output
    assert not list(tmp_path.rglob("*.tar.gz"))


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    yield f"http://{host}:{port}"
    server.stop()


def test_a_trained_classifier_is_packaged_as_it_is_and_uploaded(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = tmp_path / "trained"
    trained.mkdir()
    settings = {"name": "themes", "task": "multi-label", "engine": "fasttext", "labels": ["Economy", "Legal"]}
    (trained / "model.json").write_text(json.dumps(settings))
    (trained / "model.bin").write_bytes(b"weights")
    (trained / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# Themes\n")
    client = boto3.client("s3", endpoint_url=s3, region_name="us-east-1")
    client.create_bucket(Bucket="models")
    monkeypatch.setenv("SOCIALNLP_MODEL_BUCKET", "s3://models/nlp")
    monkeypatch.setenv("SOCIALNLP_AWS_ENDPOINT_URL", s3)
    monkeypatch.setenv("SOCIALNLP_AWS_REGION", "us-east-1")
    result = CliRunner().invoke(
        models, ["package", "themes", "--source", str(trained), "--output", str(tmp_path)], catch_exceptions=False
    )
    assert "s3://models/nlp/themes/latest/model.tar.gz" in result.output
    client.download_file("models", "nlp/themes/latest/model.tar.gz", str(tmp_path / "back.tar.gz"))
    with tarfile.open(tmp_path / "back.tar.gz") as archive:
        archive.extractall(tmp_path / "back", filter="data")
    assert (tmp_path / "back" / "model.bin").read_bytes() == b"weights"
    found = json.loads((tmp_path / "back" / "model.json").read_text())
    assert found["labels"] == ["Economy", "Legal"]
    assert found["provenance"]["licence"] == "cc0-1.0"


def test_a_hub_that_cannot_be_reached_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(PackagingError, match=r"hf download someone/model --local-dir DIR.*--source DIR"):
        find_source("someone/model")


def test_a_folder_that_is_not_there_is_told_from_a_hub_id() -> None:
    with pytest.raises(PackagingError, match="there is no folder"):
        find_source("./no/such/folder")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(models, ["package", "sentiment", "--source", str(tmp_path), "--output", str(tmp_path)])
    assert result.exit_code == 1
    assert "cannot be converted" in result.output


def test_an_unknown_name_lists_the_known_ones() -> None:
    result = CliRunner().invoke(models, ["package", "sentimant"])
    assert result.exit_code == 2
    assert "sentiment" in result.output


def test_the_list_shows_every_model() -> None:
    output = CliRunner().invoke(models, ["list"]).output
    assert all(name in output for name in load_catalogue().names())


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        ({0: "Positive", 1: "Negative"}, ["positive", "negative"]),
        ({0: "LABEL_0", 1: "LABEL_1"}, ["negative", "positive"]),
    ],
)
def test_labels_follow_the_model_s_own_order(names: dict[int, str], labels: list[str]) -> None:
    assert spelled_labels(names, ("negative", "positive")) == labels


def test_other_labels_are_refused() -> None:
    with pytest.raises(PackagingError, match="catalogue has negative, positive"):
        spelled_labels({0: "good", 1: "bad"}, ("negative", "positive"))


def test_a_model_of_the_wrong_kind_is_refused(tmp_path: Path) -> None:
    architectures.roberta(tmp_path / "other", ["a text"], architectures.TINY, ["good", "bad", "ugly"])
    with pytest.raises(PackagingError, match="labels"):
        package("sentiment", load_catalogue()["sentiment"], tmp_path, source=str(tmp_path / "other"))
