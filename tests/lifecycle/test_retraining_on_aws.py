"""From labels to a version in service in the profile `aws`: the same assets, over HTTP against stand-ins of SageMaker
and S3. Training jobs are processes, endpoints answer with what lies in the archive that they were created with."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from socialnlp_assets.assets.models.build import job_name
from socialnlp_assets.definitions import build_definitions
from socialnlp_assets.models.artefacts import publish
from socialnlp_assets.models.inference import model_fn, predict_fn
from socialnlp_assets.resources.build import build_endpoints, build_trainer
from socialnlp_assets.resources.endpoints import terms
from socialnlp_assets.resources.endpoints.sagemaker import client
from socialnlp_assets.settings import Profile, Settings
from tests.endpoints.world import IMAGE, ROLE
from tests.fakes import aws_http
from tests.fakes.sagemaker import Creation, FakeSageMaker
from tests.lifecycle.conftest import MODEL, Installation, failures, rows

pytestmark = pytest.mark.slow
BUCKET = "s3://bucket/models"
GROUP = f"nlp-{MODEL}"


class Serving(FakeSageMaker):
    """Whose endpoints serve the archives of their models."""

    def __init__(self, scratch: Path) -> None:
        super().__init__()
        self.creations[""] = Creation(seconds=0, deletion_seconds=0)
        self._scratch = scratch
        self._loaded: dict[str, Any] = {}

    def address(self, endpoint: str) -> str:
        model = self.configs[endpoint]["ProductionVariants"][0]["ModelName"]
        found: str = self.model_entities[model]["PrimaryContainer"]["ModelDataUrl"]
        return found

    def _ask_model(self, name: str, body: bytes, headers: dict[str, str]) -> tuple[dict[str, str], bytes]:  # noqa: ARG002
        address = self.address(name)
        if address not in self._loaded:
            folder = self._scratch / sha256(address.encode()).hexdigest()
            with tarfile.open(fileobj=BytesIO(self.s3.objects[address.removeprefix("s3:/")])) as archive:
                archive.extractall(folder, filter="data")
            self._loaded[address] = model_fn(str(folder))
        return {}, json.dumps(predict_fn(json.loads(body), self._loaded[address])).encode()


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    quick = {kind: replace(each, poll=timedelta(seconds=0.05)) for kind, each in terms.PATIENCE.items()}
    for kind, patience in quick.items():
        monkeypatch.setitem(terms.PATIENCE, kind, patience)  # type: ignore[arg-type]
    with aws_http.serve(Serving(tmp_path / "served")) as fake:
        assert isinstance(fake, Serving)
        yield fake


@pytest.fixture
def settings(tmp_path: Path, catalogue: Path, fake: Serving) -> Settings:
    """An installation whose shipped model was packaged."""
    packed = tmp_path / "model.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        for path in (catalogue / MODEL).iterdir():
            archive.add(path, path.name)
    publish(client("s3", "eu-west-1", fake.url), packed, sha256(packed.read_bytes()).hexdigest(), BUCKET, MODEL, "")
    return Settings(
        profile=Profile.AWS, lake=str(tmp_path / "lake"), leases="s3://bucket/leases", state=tmp_path / "state",
        models=catalogue, aws_endpoint_url=fake.url, model_bucket=BUCKET, sagemaker_role_arn=ROLE,
        endpoint_image=f"{IMAGE}@sha256:ab", training_image=f"{IMAGE}@sha256:cd",
    )  # fmt: skip


def train(settings: Settings, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    trainer = build_trainer(settings).model_copy(update={"poll_seconds": 0.05})
    job = build_definitions(settings, {"trainer": trainer}).resolve_job_def(job_name(MODEL))
    return job.execute_in_process(instance=instance, raise_on_error=False)


def test_a_training_job_makes_a_version_that_an_endpoint_serves(settings: Settings, fake: Serving) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        installation = Installation(settings, instance)
        installation.add(rows(400))
        result = train(settings, instance)
        assert result.success, failures(result)
        assert fake.approvals(GROUP) == ["Approved"]
    assert [job.status for job in fake.jobs.values()] == ["Completed"]
    version = installation.registry.history(MODEL).in_service()
    assert version is not None
    assert version.who == "policy"
    with build_endpoints(settings) as endpoints:
        with endpoints.lease(MODEL) as mood:
            assert [answer.label for answer in mood.predict(["glad great", "rude broken"])] == ["good", "bad"]
        served = [fake.address(record.endpoint) for record in endpoints.records()]
        assert served.count(version.made.archive) == 1
        assert "/training/" in version.made.archive
        endpoints.stop_all()
    assert fake.existing() == {}
