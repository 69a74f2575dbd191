"""Which artefact an endpoint on SageMaker serves: the current one, and never another under its name."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from socialnlp_assets.models.artefacts import publish
from socialnlp_assets.models.catalogue import load_catalogue
from socialnlp_assets.resources.endpoints.backend import BackendError, EndpointSpec
from socialnlp_assets.resources.endpoints.sagemaker_resource import SageMakerEndpoints
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.registry.registry import LakeRegistry, store_files
from socialnlp_assets.resources.registry.versions import Made, State
from socialnlp_assets.resources.trainers.local import LocalTrainer
from socialnlp_assets.resources.trainers.trainer import TrainingJob
from tests.endpoints.world import IMAGE, ROLE
from tests.lifecycle.conftest import rows

pytestmark = pytest.mark.slow


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(url: str) -> Any:
    client = boto3.client("s3", region_name="us-east-1", endpoint_url=url)
    client.create_bucket(Bucket="models")
    return client


def specification(url: str, model: str = "translator") -> EndpointSpec:
    """As a run makes it that begins now."""
    endpoints = SageMakerEndpoints(
        image=IMAGE,
        role_arn=ROLE,
        model_bucket="s3://models/nlp",
        leases="s3://models/leases",
        region="us-east-1",
        endpoint_url=url,
    )
    return endpoints.specification(model, load_catalogue()[model])


def upload(s3: Any, folder: Path, content: bytes) -> str:
    archive = folder / "model.tar.gz"
    archive.write_bytes(content)
    return publish(s3, archive, sha256(content).hexdigest(), "s3://models/nlp", "translator", "").address


def test_another_artefact_is_another_endpoint_and_what_it_replaces_stays_as_it_was(
    s3: Any, url: str, tmp_path: Path
) -> None:
    first = upload(s3, tmp_path, b"first")
    before = specification(url)
    assert before.config["model_data"] == first
    second = upload(s3, tmp_path, b"second")
    after = specification(url)
    assert after.config["model_data"] == second
    assert after.key != before.key
    # An instance that is added to the first endpoint now gets the same as those that are there.
    kept = s3.get_object(Bucket="models", Key=first.removeprefix("s3://models/"))["Body"].read()
    assert kept == b"first"
    upload(s3, tmp_path, b"first")
    assert specification(url).key == before.key


@pytest.mark.usefixtures("s3")
def test_a_model_that_was_never_uploaded_is_told_with_the_command(url: str) -> None:
    with pytest.raises(BackendError, match=r"no artefact of emotion at s3://models/nlp/emotion/latest; upload it: "):
        specification(url, "emotion")


def test_a_version_is_served_from_its_own_archive_and_one_without_is_refused(url: str, s3: Any, tmp_path: Path) -> None:
    lake = Lake(uri="s3://models/lake", region="us-east-1", endpoint_url=url)
    registry = LakeRegistry(lake)
    endpoints = SageMakerEndpoints(
        image=IMAGE, role_arn=ROLE, model_bucket="s3://models/nlp", leases="s3://models/leases",
        lake="s3://models/lake", region="us-east-1", endpoint_url=url,
    )  # fmt: skip
    trainer = LocalTrainer(
        state=str(tmp_path), model_bucket="s3://models/nlp", region="us-east-1", endpoint_url=url
    )  # fmt: skip
    lines = "".join(f"__label__{label} {text}\n" for text, label in rows(60)).encode()
    given = {"model": "emotion", "labels": '["good", "bad"]'}
    with trainer.train(TrainingJob("emotion", given, {"texts.txt": lines}), lambda _: None) as trained:
        folder, digest, files, size = store_files(lake, "emotion", trained.folder)
    made = Made(
        model="emotion", folder=folder, digest=digest, files=files, size=size, source="trained",
        archive=trained.archive, archive_sha256=trained.archive_sha256,
    )  # fmt: skip
    for each in (made, made.model_copy(update={"digest": "other", "archive": ""})):
        registry.register(each, "training", "passed the gate")
    registry.decide("emotion", 1, State.APPROVED, "ada", "better")
    config = endpoints.spec("emotion").config
    assert config["model_data"] == f"s3://models/nlp/emotion/versions/{made.archive_sha256[:16]}/model.tar.gz"
    key = config["model_data"].removeprefix("s3://models/")
    assert sha256(s3.get_object(Bucket="models", Key=key)["Body"].read()).hexdigest() == made.archive_sha256
    registry.decide("emotion", 2, State.APPROVED, "ada", "better")
    with pytest.raises(BackendError, match="this version of emotion has no archive that SageMaker could serve"):
        endpoints.spec("emotion")
