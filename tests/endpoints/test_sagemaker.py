"""The SageMaker backend against the fake: an unmodified boto3 over HTTP, on virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC

import pytest

from socialnlp_assets.models.artefacts import Artefact
from socialnlp_assets.models.catalogue import EndpointShape, ModelEntry, load_catalogue
from socialnlp_assets.resources.endpoints.backend import (
    AlreadyExists,
    BackendError,
    EndpointBusy,
    EndpointGone,
    EndpointSpec,
    ModelFailed,
    NoCapacity,
    Status,
    Throttled,
)
from socialnlp_assets.resources.endpoints.sagemaker import SageMaker
from socialnlp_assets.resources.endpoints.sagemaker_resource import SageMakerEndpoints, sagemaker_spec
from tests.endpoints.world import ARTEFACT, IMAGE, ROLE
from tests.endpoints.world import spec as spec_of
from tests.fakes.aws_errors import AwsError, model_error, null_message, throttling
from tests.fakes.aws_http import serve
from tests.fakes.clock import VirtualClock
from tests.fakes.models import answer
from tests.fakes.sagemaker import Creation, FakeSageMaker

CATALOGUE = load_catalogue()
TAGS = {"owner": "run-1", "workflow": "sprinklr", "model": "translator", "deadline": "2026-11-20T14:00:00+00:00"}
MINUTES = 60


def spec(model: str = "translator") -> EndpointSpec:
    return spec_of(model)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def fake(clock: VirtualClock) -> Iterator[FakeSageMaker]:
    with serve(FakeSageMaker(clock.now)) as fake:
        yield fake


@pytest.fixture
def backend(fake: FakeSageMaker, clock: VirtualClock) -> SageMaker:
    return SageMaker(region="eu-west-1", endpoint_url=fake.url, sleep=clock.sleep)


def shaped(model: str, **shape: object) -> ModelEntry:
    """The catalogue's entry with another shape of endpoint."""
    entry = CATALOGUE[model]
    return entry.model_copy(update={"aws": entry.aws.model_copy(update={"endpoint": EndpointShape(**shape)})})  # type: ignore[arg-type]


def in_service(
    backend: SageMaker, fake: FakeSageMaker, clock: VirtualClock, spec: EndpointSpec, entry: ModelEntry
) -> str:
    """The name of an endpoint that answers as `entry` does."""
    name = spec.endpoint_name(1)
    fake.models[name] = lambda body, _: (200, {}, answer(entry, body))
    backend.create(name, spec, TAGS)
    clock.advance(5 * MINUTES)
    found = backend.describe(name)
    assert found
    assert found.status is Status.IN_SERVICE
    return name


# The life of an endpoint


def test_an_endpoint_comes_and_goes(backend: SageMaker, clock: VirtualClock) -> None:
    name = spec().endpoint_name(7)
    assert backend.describe(name) is None
    backend.create(name, spec(), TAGS)
    coming = backend.describe(name)
    assert coming
    assert coming.status is Status.CREATING
    assert coming.created_at == clock.now()
    assert coming.created_at.tzinfo is UTC
    clock.advance(5 * MINUTES)
    there = backend.describe(name)
    assert there
    assert there.status is Status.IN_SERVICE
    assert TAGS.items() <= there.tags.items()
    backend.delete(name)
    going = backend.describe(name)
    assert going
    assert going.status is Status.DELETING
    clock.advance(1 * MINUTES)
    assert backend.describe(name) is None


def test_nothing_is_left_of_an_endpoint_that_was_alone(
    backend: SageMaker, fake: FakeSageMaker, clock: VirtualClock
) -> None:
    name = in_service(backend, fake, clock, spec(), CATALOGUE["translator"])
    backend.scale(name, spec())
    assert (len(fake.configs), len(fake.model_entities), len(fake.scalable)) == (1, 1, 1)
    backend.delete(name)
    clock.advance(1 * MINUTES)
    assert (fake.existing(), fake.configs, fake.model_entities, fake.scalable) == ({}, {}, {}, {})


def test_what_another_epoch_uses_stays(backend: SageMaker, fake: FakeSageMaker, clock: VirtualClock) -> None:
    first, second = spec().endpoint_name(1), spec().endpoint_name(2)
    backend.create(first, spec(), TAGS)
    backend.create(second, spec(), TAGS)
    clock.advance(5 * MINUTES)
    backend.delete(first)
    assert list(fake.configs) == list(fake.model_entities) == [second]


def test_a_second_create_of_the_same_name_is_refused(backend: SageMaker) -> None:
    backend.create(spec().endpoint_name(1), spec(), TAGS)
    with pytest.raises(AlreadyExists, match="Cannot create already existing endpoint"):
        backend.create(spec().endpoint_name(1), spec(), TAGS)


def test_a_name_cannot_be_created_while_its_predecessor_is_deleting(
    backend: SageMaker, fake: FakeSageMaker, clock: VirtualClock
) -> None:
    name = in_service(backend, fake, clock, spec(), CATALOGUE["translator"])
    backend.delete(name)
    with pytest.raises(AlreadyExists):
        backend.create(name, spec(), TAGS)
    backend.create(spec().endpoint_name(2), spec(), TAGS)  # the next epoch need not wait


def test_delete_is_refused_while_creating(backend: SageMaker, fake: FakeSageMaker) -> None:
    backend.create(spec().endpoint_name(1), spec(), TAGS)
    with pytest.raises(EndpointBusy, match="Cannot update in-progress endpoint"):
        backend.delete(spec().endpoint_name(1))
    assert fake.configs  # not taken from under it


def test_deleting_what_is_gone_says_so(backend: SageMaker) -> None:
    with pytest.raises(EndpointGone, match="Could not find endpoint"):
        backend.delete(spec().endpoint_name(1))


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.UNKNOWN])
def test_all_nine_statuses_are_told_apart(
    backend: SageMaker, fake: FakeSageMaker, clock: VirtualClock, status: Status
) -> None:
    name = in_service(backend, fake, clock, spec(), CATALOGUE["translator"])
    fake.set_status(name, status)
    found = backend.describe(name)
    assert found
    assert found.status is status


def test_a_status_that_is_not_known_is_told_and_is_that_endpoints_alone(
    backend: SageMaker, fake: FakeSageMaker, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    odd = in_service(backend, fake, clock, spec(), CATALOGUE["translator"])
    other = in_service(backend, fake, clock, spec("sentiment"), CATALOGUE["sentiment"])
    fake.set_status(odd, "Hibernating")
    listed = {found.name: found.status for found in backend.list("nlp-")}
    assert listed == {odd: Status.UNKNOWN, other: Status.IN_SERVICE}
    assert f"{odd}: SageMaker calls its status 'Hibernating'" in caplog.text


def test_a_create_whose_answer_is_lost_has_created(backend: SageMaker, fake: FakeSageMaker) -> None:
    fake.fault("CreateEndpoint", lost=True)
    name = spec().endpoint_name(1)
    with pytest.raises(Throttled, match=f"no answer when trying to create {name}"):
        backend.create(name, spec(), TAGS)
    with pytest.raises(AlreadyExists):  # so that whoever asks again knows
        backend.create(name, spec(), TAGS)
    assert list(fake.existing()) == [name]


def test_the_accounts_limit_is_told_at_once(backend: SageMaker, fake: FakeSageMaker) -> None:
    fake.instance_limit = 1
    backend.create(spec("sentiment").endpoint_name(1), spec("sentiment"), TAGS)
    with pytest.raises(
        NoCapacity, match=r"'ml.m5.xlarge for endpoint usage' is 1 Instances.*Ask AWS for a higher quota"
    ):
        backend.create(spec("emotion").endpoint_name(1), spec("emotion"), TAGS)
    assert list(fake.configs) == list(fake.model_entities) == [spec("sentiment").endpoint_name(1)]


def test_lack_of_capacity_comes_later_as_failed(backend: SageMaker, fake: FakeSageMaker, clock: VirtualClock) -> None:
    fake.creations["translator"] = Creation(seconds=300, failure="Unable to provision requested ML compute capacity")
    backend.create(spec().endpoint_name(1), spec(), TAGS)
    clock.advance(301)
    found = backend.describe(spec().endpoint_name(1))
    assert found
    assert (found.status, found.reason) == (Status.FAILED, "Unable to provision requested ML compute capacity")


def test_what_a_dead_creator_has_made_of_it_is_used(backend: SageMaker, fake: FakeSageMaker) -> None:
    fake.fault("CreateEndpoint", error=throttling())
    with pytest.raises(Throttled):
        backend.create(spec().endpoint_name(1), spec(), TAGS)
    backend.create(spec().endpoint_name(1), spec(), TAGS)
    assert fake.existing() == {spec().endpoint_name(1): "Creating"}


def test_what_cannot_be_removed_of_an_endpoint_keeps_nothing_else(
    backend: SageMaker, fake: FakeSageMaker, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    name = in_service(backend, fake, clock, spec(), CATALOGUE["translator"])
    fake.fault("DeregisterScalableTarget", error=AwsError("AccessDeniedException", "not authorized"))
    fake.fault("DeleteEndpointConfig", error=throttling(), times=2)
    backend.delete(name)
    assert fake.existing() == {name: "Deleting"}
    assert (fake.configs, fake.model_entities) == ({}, {})
    assert f"could not stop scaling {name}: not authorized" in caplog.text


# Refusals


@pytest.mark.parametrize(
    "error",
    [
        throttling(),
        null_message(),
        AwsError("TooManyRequestsException", "Too many", 429),
        AwsError("InternalFailure", "oops", 500),
        AwsError("ServiceUnavailable", "later", 503),
    ],
)
def test_a_describe_that_is_throttled_may_be_asked_again(
    backend: SageMaker, fake: FakeSageMaker, error: AwsError
) -> None:
    fake.fault("DescribeEndpoint", error=error)
    with pytest.raises(Throttled):
        backend.describe(spec().endpoint_name(1))
    assert backend.describe(spec().endpoint_name(1)) is None
    assert len(fake.called("DescribeEndpoint")) == 2  # boto3 did not retry on its own


def test_a_validation_error_is_not_taken_for_an_absent_endpoint(backend: SageMaker, fake: FakeSageMaker) -> None:
    fake.fault("DescribeEndpoint", error=AwsError("ValidationException", "The security token is malformed."))
    with pytest.raises(BackendError, match="security token"):
        backend.describe(spec().endpoint_name(1))


def test_a_missing_permission_says_what_to_do(backend: SageMaker, fake: FakeSageMaker) -> None:
    message = "User is not authorized to perform: sagemaker:CreateEndpoint"
    fake.fault("CreateEndpoint", error=AwsError("AccessDeniedException", message))
    with pytest.raises(BackendError, match=r"sagemaker:CreateEndpoint.*Grant that action to the role"):
        backend.create(spec().endpoint_name(1), spec(), TAGS)


def test_settings_that_are_missing_are_named() -> None:
    endpoints = SageMakerEndpoints(role_arn=ROLE)
    with pytest.raises(ValueError, match="SOCIALNLP_MODEL_BUCKET, SOCIALNLP_ENDPOINT_IMAGE"):
        endpoints.specification("translator", CATALOGUE["translator"])


# Lists


def test_list_reads_all_pages_and_only_the_prefix(backend: SageMaker, fake: FakeSageMaker) -> None:
    for epoch in range(1, 13):
        backend.create(spec().endpoint_name(epoch), spec(), TAGS | {"epoch": str(epoch)})
    other = EndpointSpec("translator", "realtime", spec().config, "12345678", prefix="other-nlp")
    backend.create(other.endpoint_name(1), other, TAGS)
    listed = backend.list("nlp-")
    assert {found.name for found in listed} == {spec().endpoint_name(epoch) for epoch in range(1, 13)}
    assert {found.tags["epoch"] for found in listed} == {str(epoch) for epoch in range(1, 13)}
    assert len(fake.called("ListEndpoints")) == 2


def test_list_survives_what_goes_while_it_looks(backend: SageMaker, fake: FakeSageMaker) -> None:
    for epoch in (1, 2):
        backend.create(spec().endpoint_name(epoch), spec(), TAGS)
    gone = AwsError("ValidationException", f'Could not find endpoint "{spec().endpoint_name(1)}".')
    fake.fault("ListTags", endpoint="e1$", error=gone)
    assert [found.name for found in backend.list("nlp-")] == [spec().endpoint_name(2)]


# Kinds of endpoints


def test_a_real_time_endpoint_grows_between_its_bounds(
    backend: SageMaker, fake: FakeSageMaker, clock: VirtualClock
) -> None:
    name = in_service(backend, fake, clock, spec(), CATALOGUE["translator"])
    fake.fault("PutScalingPolicy", error=AwsError("ConcurrentUpdateException", "Concurrent update"), times=2)
    backend.scale(name, spec())
    (target,) = fake.scalable.values()
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 2)
    assert target["policy"]["TargetValue"] > 0
    (config,) = fake.configs.values()
    variant = config["ProductionVariants"][0]
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == ("ml.m5.xlarge", 1)


def test_a_serverless_endpoint_has_memory_and_concurrency_and_no_instances(
    backend: SageMaker, fake: FakeSageMaker, clock: VirtualClock
) -> None:
    name = in_service(backend, fake, clock, spec("keywords"), CATALOGUE["keywords"])
    backend.scale(name, spec("keywords"))
    variant = fake.configs[name]["ProductionVariants"][0]
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 3072, "MaxConcurrency": 10}
    assert "InstanceType" not in variant
    assert fake.scalable == {}


def test_several_models_of_ours_share_a_serverless_endpoint(
    backend: SageMaker, fake: FakeSageMaker, clock: VirtualClock
) -> None:
    name = in_service(backend, fake, clock, spec("aspects-stores"), CATALOGUE["aspects-stores"])
    fake.models[name] = lambda _, headers: (200, {}, headers["x-amzn-sagemaker-custom-attributes"].encode())
    assert backend.invoke(name, b"{}", target="prezzi").body == b"target=prezzi"


def test_what_would_be_created_decides_the_name() -> None:
    def key(artefact: Artefact = ARTEFACT, image: str = IMAGE, entry: ModelEntry = CATALOGUE["translator"]) -> str:
        return sagemaker_spec("translator", entry, artefact, image, ROLE, "store").key

    larger = shaped("translator", kind="realtime", instance_type="ml.g4dn.xlarge")
    retrained = replace(ARTEFACT, sha256="f" * 64)
    assert len({key(), key(image="nlp:2"), key(entry=larger), key(artefact=retrained)}) == 4
    assert key() == key()


def test_names_fit_sagemakers_63_characters() -> None:
    for model in CATALOGUE.names():
        assert len(spec(model).endpoint_name(99_999)) <= 63


def test_an_error_of_the_container_keeps_its_status(
    backend: SageMaker, fake: FakeSageMaker, clock: VirtualClock
) -> None:
    name = in_service(backend, fake, clock, spec(), CATALOGUE["translator"])
    fake.fault("InvokeEndpoint", error=model_error(400, '{"code": 400, "message": "inputs[3]: too strange"}'))
    with pytest.raises(ModelFailed, match=r"inputs\[3\]: too strange") as caught:
        backend.invoke(name, b"{}")
    assert caught.value.status == 400
