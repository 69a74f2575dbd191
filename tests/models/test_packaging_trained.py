"""What a training job leaves behind, packaged: fastText's and BlazingText's classifiers."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner
from moto.server import ThreadedMotoServer

from socialnlp_assets.cli.models import models
from socialnlp_assets.models import load_catalogue
from socialnlp_assets.models.artefacts import current
from socialnlp_assets.models.packaging import package
from socialnlp_assets.models.packaging_origin import PackagingError
from socialnlp_assets.models.packaging_source import digest
from socialnlp_assets.serving.loaded_model import Model
from socialnlp_assets.serving.repository import ModelRepository
from socialnlp_assets.tasks.multi_label import spelled
from tests.serving.model_servers import train_fasttext


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    yield f"http://{host}:{port}"
    server.stop()


def train(path: Path, labels: Sequence[str], loss: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    train_fasttext(path, [f"{spelled(label)} {label} words" for label in labels], loss=loss, epoch=1)


def unpacked(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as members:
        members.extractall(folder, filter="data")
    return folder


def test_a_trained_classifier_is_packaged_as_it_is_and_uploaded(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = tmp_path / "trained"
    labels = list(reversed(load_catalogue()["themes"].labels))
    train(trained / "model.bin", labels, "ova")
    settings = {"name": "themes", "task": "multi-label", "engine": "fasttext", "labels": labels}
    (trained / "model.json").write_text(json.dumps(settings))
    (trained / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# Themes\n")
    client = boto3.client("s3", endpoint_url=s3, region_name="us-east-1")
    client.create_bucket(Bucket="models")
    monkeypatch.setenv("SOCIALNLP_MODEL_BUCKET", "s3://models/nlp")
    monkeypatch.setenv("SOCIALNLP_AWS_ENDPOINT_URL", s3)
    monkeypatch.setenv("SOCIALNLP_AWS_REGION", "us-east-1")
    result = CliRunner().invoke(
        models, ["package", "themes", "--source", str(trained), "--output", str(tmp_path)], catch_exceptions=False
    )
    artefact = current(client, "s3://models/nlp", "themes", "")
    assert artefact.address.startswith(f"s3://models/nlp/themes/latest/{artefact.sha256[:16]}/")
    assert f"uploaded: {artefact.address}" in result.output
    client.download_file("models", artefact.address.removeprefix("s3://models/"), str(tmp_path / "back.tar.gz"))
    assert digest(tmp_path / "back.tar.gz") == artefact.sha256
    back = unpacked(tmp_path / "back.tar.gz", tmp_path / "back")
    assert (back / "model.bin").read_bytes() == (trained / "model.bin").read_bytes()
    found = json.loads((back / "model.json").read_text())
    assert found["labels"] == labels
    assert found["provenance"]["licence"] == "cc0-1.0"


@pytest.mark.parametrize("form", ["file", "folder", "BlazingText's archive"])
def test_what_a_training_job_leaves_behind_gets_its_model_json(tmp_path: Path, form: str) -> None:
    entry = load_catalogue()["reputation"]
    weights = tmp_path / "job" / "model.bin"
    train(weights, entry.labels, "ova")
    source = weights if form == "file" else weights.parent
    if form.startswith("Blazing"):
        source = tmp_path / "output" / "model.tar.gz"
        source.parent.mkdir()
        with tarfile.open(source, "w:gz") as members:
            members.add(weights, "model.bin")
    packaged = package("reputation", entry, tmp_path / "packaged", source=str(source))
    model = Model.load(unpacked(packaged.archive, tmp_path / "back"), threads=1)
    assert model.settings["engine"] == "fasttext"
    assert model.settings["labels"] == list(entry.labels)
    assert packaged.provenance["revision"].startswith("sha256:")


def test_a_model_of_several_targets_takes_one_of_each(tmp_path: Path) -> None:
    entry = load_catalogue()["aspects-stores"]
    for target in entry.targets[1:]:
        train(tmp_path / "job" / target / "model.bin", entry.labels, "softmax")
    with pytest.raises(PackagingError, match=f"has nothing for the target {entry.targets[0]}"):
        package("aspects-stores", entry, tmp_path, source=str(tmp_path / "job"))
    train(tmp_path / "job" / f"{entry.targets[0]}.bin", entry.labels, "softmax")
    packaged = package("aspects-stores", entry, tmp_path, source=str(tmp_path / "job"))
    repository = ModelRepository(threads=1)
    repository.load_folder(unpacked(packaged.archive, tmp_path / "back"))
    assert all(target in repository for target in entry.targets)


def test_a_classifier_that_does_not_fit_the_catalogue_is_refused(tmp_path: Path) -> None:
    def output(*arguments: str) -> str:
        result = CliRunner().invoke(models, ["package", *arguments, "--output", str(tmp_path / "packaged")])
        assert result.exit_code == 1
        assert not (tmp_path / "packaged").exists()
        return " ".join(result.output.split())

    train(tmp_path / "other" / "model.bin", ["Economy", "Legal"], "ova")
    (tmp_path / "broken.bin").write_bytes(b"weights")
    (tmp_path / "broken.tar.gz").write_bytes(b"weights")
    (tmp_path / "empty").mkdir()
    embedded = load_catalogue()["themes"].embedded.path
    assert "give --source" in output("themes")
    assert "one for each of prezzi" in output("aspects-stores")
    assert "answers the labels" in output("themes", "--source", str(tmp_path / "other"))
    assert "is not a fastText model" in output("themes", "--source", str(tmp_path / "broken.bin"))
    assert "cannot be unpacked" in output("themes", "--source", str(tmp_path / "broken.tar.gz"))
    assert "has none of model.json, model.bin" in output("themes", "--source", str(tmp_path / "empty"))
    assert "there is no folder" in output("themes", "--source", str(tmp_path / "nothing"))
    assert "runs on linear; themes on fasttext" in output("themes", "--source", str(embedded))
    assert "targets are none" in output("aspects-stores", "--source", str(embedded))


@pytest.mark.slow
def test_a_model_of_no_training_is_packaged_from_the_embedded_folder(tmp_path: Path) -> None:
    packaged = package("keywords", load_catalogue()["keywords"], tmp_path)
    assert json.loads((unpacked(packaged.archive, tmp_path / "back") / "model.json").read_text())["name"] == "keywords"
