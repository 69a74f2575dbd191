"""The registry: immutable versions, decisions that stay on record, one version in service at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.registry.registry import LakeRegistry, store_files
from socialnlp_assets.resources.registry.resource import ModelRegistry
from socialnlp_assets.resources.registry.sagemaker import SageMakerRegistry
from socialnlp_assets.resources.registry.versions import Made, RegistryError, State
from socialnlp_assets.sensors.approvals import approvals
from tests.fakes import aws_http
from tests.fakes.aws_errors import AwsError
from tests.fakes.sagemaker import FakeSageMaker

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        self.time += timedelta(minutes=1)
        return self.time


def made(digest: str, model: str = "emotion") -> Made:
    return Made(model=model, folder=f"models/{model}/files/{digest}", digest=digest, files={}, size=1, source="trained")


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeSageMaker]:
    with aws_http.serve(FakeSageMaker()) as fake:
        yield fake


@pytest.fixture
def sagemaker(fake: FakeSageMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SageMakerRegistry:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    fake.__dict__.update(FakeSageMaker().__dict__ | {"url": fake.url})
    lake = Lake(uri=str(tmp_path / "lake"))
    return SageMakerRegistry(lake, image="image", region="eu-west-1", endpoint_url=fake.url, now=Clock())


@pytest.fixture(params=["lake", "sagemaker"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> LakeRegistry:
    """The contract is one for both."""
    if request.param == "sagemaker":
        found: SageMakerRegistry = request.getfixturevalue("sagemaker")
        return found
    return LakeRegistry(Lake(uri=str(tmp_path / "lake")), Clock())


def approve(registry: LakeRegistry, number: int) -> None:
    registry.decide("emotion", number, State.APPROVED, "ada", "better")


def states(registry: LakeRegistry) -> dict[int, str]:
    return {number: version.state.value for number, version in registry.history("emotion").versions().items()}


def test_a_version_waits_until_somebody_approves_it_and_then_takes_the_place_of_the_one_before(
    registry: LakeRegistry,
) -> None:
    for digest in ("one", "two"):
        registry.register(made(digest), "training", "passed the gate")
    assert registry.history("emotion").in_service() is None
    approve(registry, 1)
    approve(registry, 2)
    assert states(registry) == {1: "retired", 2: "approved"}
    history = registry.history("emotion")
    assert history.in_service() == history.versions()[2]
    assert [(entry.who, entry.why) for entry in history.entries][-1] == ("ada", "better")


def test_what_was_in_service_at_a_moment_stays_what_it_was(registry: LakeRegistry) -> None:
    registry.register(made("one"), "training", "passed the gate")
    approve(registry, 1)
    before = registry.history("emotion").entries[-1].at
    registry.register(made("two"), "training", "passed the gate")
    approve(registry, 2)
    history = registry.history("emotion")
    assert history.in_service(NOW) is None
    found = history.in_service(before)
    assert found is not None
    assert found.number == 1


def test_a_rollback_goes_back_step_by_step_to_the_shipped_version(registry: LakeRegistry) -> None:
    for number, digest in enumerate(("one", "two"), 1):
        registry.register(made(digest), "training", "passed the gate")
        approve(registry, number)
    assert registry.rollback("emotion", "ada", "complaints") == 1
    assert registry.rollback("emotion", "ada", "complaints") == 0
    assert registry.history("emotion").in_service() is None
    with pytest.raises(RegistryError, match="there is none to go back to"):
        registry.rollback("emotion", "ada", "complaints")


def test_a_rejected_version_is_passed_over_and_never_comes_back(registry: LakeRegistry) -> None:
    for number, digest in enumerate(("one", "two", "three"), 1):
        registry.register(made(digest), "training", "passed the gate")
        approve(registry, number)
    registry.decide("emotion", 2, State.REJECTED, "ada", "rude")
    assert registry.rollback("emotion", "ada", "complaints") == 1
    with pytest.raises(RegistryError, match="is rejected \\(ada: rude\\); that is for good: train or install another"):
        approve(registry, 2)


def test_the_same_files_are_registered_once(registry: LakeRegistry) -> None:
    first = registry.register(made("one"), "training", "passed the gate")
    approve(registry, 1)
    again = registry.register(made("one"), "training", "passed the gate")
    assert again.number == first.number
    assert again.state is State.APPROVED


@pytest.mark.parametrize(
    ("number", "who", "why", "told"),
    [
        (7, "ada", "better", "emotion has no version 7; it has 1, and 0, the shipped one"),
        (0, "ada", "better", "the shipped version of emotion is in service"),
        (1, "", "better", "say who decides, and why"),
        (1, "ada", " ", "say who decides, and why"),
    ],
)
def test_what_may_not_be_decided_is_told(registry: LakeRegistry, number: int, who: str, why: str, told: str) -> None:
    registry.register(made("one"), "training", "passed the gate")
    with pytest.raises(RegistryError, match=told):
        registry.decide("emotion", number, State.APPROVED, who, why)


def test_of_many_who_write_at_once_nobody_is_lost(tmp_path: Path) -> None:
    lake = Lake(uri=str(tmp_path / "lake"))
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda n: LakeRegistry(lake).register(made(f"digest{n}"), "training", "ok").number, range(8))
        assert sorted(found) == list(range(1, 9))


def test_files_are_stored_by_their_content(tmp_path: Path) -> None:
    lake, folder = Lake(uri=str(tmp_path / "lake")), tmp_path / "model"
    (folder / "part").mkdir(parents=True)
    (folder / "model.json").write_text("{}")
    (folder / "part" / "model.json").write_text("{}")
    where, digest, files, size = store_files(lake, "emotion", folder)
    assert where == f"models/emotion/files/{digest}"
    assert sorted(files) == ["model.json", "part/model.json"]
    assert size == 4
    assert lake.get(f"{where}/part/model.json") == b"{}"
    (folder / "model.json").write_text("[]")
    assert store_files(lake, "emotion", folder)[1] != digest


# What is SageMaker's own

GROUP = "nlp-emotion"


def test_a_version_is_a_package_of_its_models_group_and_only_the_one_in_service_is_approved(
    sagemaker: SageMakerRegistry, fake: FakeSageMaker
) -> None:
    first = made("one").model_copy(
        update={"archive": "s3://models/one.tar.gz", "recipe": "linear", "labels": "ab", "code": "0.1+cd"}
    )
    sagemaker.register(first, "training", "passed the gate")
    for digest in ("two", "three"):
        sagemaker.register(made(digest), "training", "passed the gate")
    approve(sagemaker, 1)
    approve(sagemaker, 3)
    assert fake.approvals(GROUP) == ["PendingManualApproval", "PendingManualApproval", "Approved"]
    sagemaker.rollback("emotion", "ada", "complaints")
    assert fake.approvals(GROUP) == ["Approved", "PendingManualApproval", "PendingManualApproval"]
    package = fake.groups[GROUP][0]
    assert package["ApprovalDescription"] == "ada: complaints"
    assert package["CustomerMetadataProperties"]["labels"] == "ab"
    assert package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == "s3://models/one.tar.gz"


@pytest.mark.parametrize(
    ("status", "in_service", "state"),
    [("Approved", 2, "approved"), ("Rejected", 1, "rejected"), ("PendingManualApproval", 1, "pending")],
)
def test_what_somebody_decides_in_sagemaker_is_taken_over_once(
    sagemaker: SageMakerRegistry, fake: FakeSageMaker, status: str, in_service: int, state: str
) -> None:
    for digest in ("one", "two"):
        sagemaker.register(made(digest), "training", "passed the gate")
    approve(sagemaker, 1)
    fake.set_approval(GROUP, 2, status, "looked at it", "grace")
    told = sagemaker.keep_in_step("emotion")
    assert sagemaker.keep_in_step("emotion") == []
    history = sagemaker.history("emotion")
    version = history.in_service()
    assert version is not None
    assert version.number == in_service
    assert history.versions()[2].state == state
    if state != "pending":
        assert (history.entries[-1].who, history.entries[-1].why) == ("grace", "looked at it")
        assert told == [f"version 2 of emotion was {status} in SageMaker by grace: looked at it"]


def test_the_sensor_takes_over_what_was_decided_of_every_model(
    sagemaker: SageMakerRegistry, fake: FakeSageMaker
) -> None:
    sagemaker.register(made("one"), "training", "passed the gate")
    fake.set_approval(GROUP, 1, "Approved", "looked at it", "grace")
    resource = ModelRegistry(
        lake=sagemaker.lake.uri, is_on_sagemaker=True, image="image", region="eu-west-1", endpoint_url=fake.url
    )
    sensor = approvals(["sentiment", "emotion"])
    told = []
    for _ in range(2):
        with dg.build_sensor_context(resources={"registry": resource}) as context:
            told.append(str(sensor(context).skip_message))  # type: ignore[union-attr]
    assert told == [
        "version 1 of emotion was Approved in SageMaker by grace: looked at it",
        "nothing was decided in SageMaker",
    ]
    assert states(sagemaker) == {1: "approved"}


def test_who_withdraws_the_version_in_service_brings_back_the_one_before(
    sagemaker: SageMakerRegistry, fake: FakeSageMaker
) -> None:
    for number, digest in enumerate(("one", "two"), 1):
        sagemaker.register(made(digest), "training", "passed the gate")
        approve(sagemaker, number)
    fake.set_approval(GROUP, 2, "Rejected", "rude")
    sagemaker.keep_in_step("emotion")
    assert states(sagemaker) == {1: "approved", 2: "rejected"}
    assert fake.approvals(GROUP) == ["Approved", "Rejected"]
    fake.set_approval(GROUP, 2, "Approved")  # which is for good: it is set right again
    assert sagemaker.keep_in_step("emotion") == []
    assert fake.approvals(GROUP) == ["Approved", "Rejected"]


def test_what_sagemaker_did_not_take_is_made_up_for(sagemaker: SageMakerRegistry, fake: FakeSageMaker) -> None:
    sagemaker.register(made("one"), "training", "passed the gate")
    fake.fault("UpdateModelPackage", error=AwsError("AccessDeniedException", "you may not"))
    with pytest.raises(RegistryError, match="Grant that action to the role"):
        approve(sagemaker, 1)
    version = sagemaker.history("emotion").in_service()  # which is decided all the same
    assert version is not None
    assert fake.approvals(GROUP) == ["PendingManualApproval"]
    assert sagemaker.keep_in_step("emotion") == []
    assert fake.approvals(GROUP) == ["Approved"]
