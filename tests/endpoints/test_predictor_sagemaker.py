"""`predict` through boto3 and the fake of SageMaker: every way an invocation can go wrong, row by row right."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from socialnlp_assets.models.catalogue import ModelEntry, load_catalogue
from socialnlp_assets.resources.endpoints.backend import EndpointSpec
from socialnlp_assets.resources.endpoints.leases import LeaseManager, Terms
from socialnlp_assets.resources.endpoints.metering import Meter
from socialnlp_assets.resources.endpoints.predictor import Predictor
from socialnlp_assets.resources.endpoints.reaper import reap
from socialnlp_assets.resources.endpoints.records import Record
from socialnlp_assets.resources.endpoints.requester import PredictionFailed
from socialnlp_assets.resources.endpoints.sagemaker import SageMaker
from socialnlp_assets.resources.leases.sqlite import SqliteStore
from socialnlp_assets.tasks import Result, RowError
from tests.endpoints.given import acquired
from tests.fakes.aws_errors import TIMED_OUT, AwsError, model_error, not_ready, null_message, throttling
from tests.fakes.aws_http import serve
from tests.fakes.clock import VirtualClock
from tests.fakes.models import answer
from tests.fakes.sagemaker import Creation, FakeSageMaker

ENTRY = load_catalogue()["normalizer"]
CONFIG = {
    "image": "nlp:1",
    "role": "arn:aws:iam::123456789012:role/nlp",
    "model_data": "s3://models/normalizer.tar.gz",
    "instance_type": "ml.m5.xlarge",
    "instances": [1, 1],
}
SPEC = EndpointSpec("normalizer", "realtime", CONFIG, "00000000")
TEXTS = [f"TEXT {i:03}" for i in range(150)]
RESULTS = [text.lower() for text in TEXTS]


class Account:
    """An account of SageMaker, and a lease on the one endpoint in it."""

    def __init__(self, fake: FakeSageMaker, clock: VirtualClock, directory: Path, *, read_timeout: float) -> None:
        self.fake = fake
        self.meter = Meter("normalizer", "test")
        self.answered: list[list[str]] = []  # the texts of every request that the model answered
        self._clock = clock
        self._backend = SageMaker(
            region="eu-west-1",
            endpoint_url=fake.url,
            read_timeout=read_timeout,
            sleep=clock.advance,
        )
        self._store = SqliteStore(directory / "leases.db", Record, clock.now)
        manager = LeaseManager(self._store, self._backend, Terms(), sleep=clock.advance, heartbeats=False)
        fake.creations[""] = Creation(seconds=0, deletion_seconds=0)
        fake.models[""] = self.model
        self.lease = acquired(manager, SPEC)

    def model(self, body: bytes, _: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        self.answered.append(json.loads(body)["inputs"])
        return 200, {}, answer(ENTRY, body)

    def predictor(self, entry: ModelEntry = ENTRY) -> Predictor:
        lease = self.lease
        return Predictor(
            entry,
            lease.invoke,
            self.meter,
            in_flight=2,
            regain=lease.regain,
            sleep=self._clock.advance,
            now=self._clock.seconds,
        )

    def predict(self, texts: list[str] = TEXTS) -> list[Result]:
        return self.predictor().predict(texts)

    def finish(self) -> None:
        """Whatever happened, nothing is left of the endpoint."""
        self.lease.release()
        self._clock.advance(Terms().warm.total_seconds())
        reap(self._store, self._backend, "nlp")
        assert self.fake.existing() == {}


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


@pytest.fixture
def account(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Account]:
    """Its parameter, where there is one, is the read timeout in seconds."""
    clock = VirtualClock()
    with serve(FakeSageMaker(clock.now)) as fake:
        account = Account(fake, clock, tmp_path, read_timeout=getattr(request, "param", 60.0))
        yield account
        account.finish()


def poisoned(account: Account, status: int, message: str) -> Callable[..., tuple[int, dict[str, str], bytes]]:
    """A model that fails on any batch with TEXT 077 in it."""

    def model(body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if "TEXT 077" in json.loads(body)["inputs"]:
            return status, {}, json.dumps({"code": status, "type": "ModelFailed", "message": message}).encode()
        return account.model(body, headers)

    return model


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(not_ready(), id="429 ModelNotReady"),
        pytest.param(null_message(), id="400 with a null message"),
        pytest.param(throttling(), id="throttling"),
        pytest.param(AwsError("ServiceUnavailable", "The service is unavailable", 503), id="503"),
        pytest.param(AwsError("InternalFailure", "An internal failure occurred", 500), id="500"),
        pytest.param(AwsError("InternalDependencyException", "A dependency failed", 530), id="530"),
        pytest.param(model_error(429, '{"message": "queue is full"}'), id="container's queue is full"),
    ],
)
def test_what_passes_costs_a_retry_and_no_row(account: Account, error: AwsError) -> None:
    account.fake.fault("InvokeEndpoint", error=error, times=3)
    assert account.predict() == RESULTS
    assert account.meter.usage.retries == 3  # all of them ours, none by boto3


def test_a_container_that_times_out_is_asked_for_less(account: Account) -> None:
    account.fake.fault("InvokeEndpoint", error=TIMED_OUT, times=2)
    assert account.predict() == RESULTS


def test_a_lost_answer_after_the_model_ran_costs_no_row(account: Account) -> None:
    account.fake.fault("InvokeEndpoint", lost=True)
    assert account.predict() == RESULTS


@pytest.mark.parametrize("account", [0.5], indirect=True)
def test_a_read_timeout_after_the_model_ran_costs_no_row(account: Account) -> None:
    account.fake.fault("InvokeEndpoint", hang=5)
    assert account.predict() == RESULTS
    assert sum(map(len, account.answered)) > len(TEXTS)  # it did run, and was asked again
    assert len({tuple(texts) for texts in account.answered}) == len(account.answered)  # for less; boto3 would not


@pytest.mark.parametrize("status", [400, 500])
def test_424_for_one_poison_text_costs_one_row(account: Account, status: int) -> None:
    account.fake.models[""] = poisoned(account, status, "inputs are strange")
    results = account.predict()
    assert results[:77] + results[78:] == RESULTS[:77] + RESULTS[78:]
    assert isinstance(results[77], RowError)
    assert f"{status}: inputs are strange" in results[77].reason


@pytest.mark.parametrize(("status", "message"), [(503, "Worker died."), (400, "CUDA out of memory."), (500, "killed")])
def test_424_out_of_memory_is_met_with_smaller_batches(account: Account, status: int, message: str) -> None:
    def small_machine(body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if len(json.loads(body)["inputs"]) > 10:
            return status, {}, json.dumps({"code": status, "type": "Internal", "message": message}).encode()
        return account.model(body, headers)

    account.fake.models[""] = small_machine
    assert account.predict() == RESULTS


@pytest.mark.parametrize("message", ["CUDA out of memory. Tried to allocate 2 GiB", "Worker died.", "OutOfMemoryError"])
def test_memory_that_is_short_for_once_is_no_fault_of_the_text_whatever_its_status(
    account: Account, message: str
) -> None:
    account.fake.fault("InvokeEndpoint", error=model_error(400, message))  # stock containers answer 400 to anything
    assert account.predict(["A"]) == ["a"]


def test_one_text_that_kills_the_worker_costs_one_row(account: Account) -> None:
    account.fake.models[""] = poisoned(account, 503, "Worker died.")
    results = account.predict()
    assert results[:77] + results[78:] == RESULTS[:77] + RESULTS[78:]
    assert isinstance(results[77], RowError)


def test_a_container_that_fails_on_everything_raises_its_own_words(account: Account) -> None:
    account.fake.models[""] = lambda *_: (500, {}, b'{"message": "model.bin is missing"}')
    with pytest.raises(PredictionFailed, match=r"model\.bin is missing.*Read the endpoint's log"):
        account.predict()


def test_an_endpoint_that_vanishes_in_the_middle_of_a_batch_costs_no_row(account: Account) -> None:
    first = account.lease.endpoint

    def vanishing(body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        account.fake.models[""] = account.model
        account.fake.vanish(first)
        return account.model(body, headers)

    account.fake.models[""] = vanishing
    assert account.predict() == RESULTS
    assert account.lease.endpoint == SPEC.endpoint_name(2)
    assert account.fake.existing() == {SPEC.endpoint_name(2): "InService"}


def test_a_body_over_the_limit_is_never_sent_and_costs_no_row(account: Account) -> None:
    texts = [f"{i} " + "X" * 500_000 for i in range(20)]
    assert account.predict(texts) == [text.lower() for text in texts]


def test_one_row_over_the_limit_costs_that_row_and_is_never_sent(account: Account) -> None:
    results = account.predict(["A", "X" * (6 * 1024**2), "B"])
    assert [results[0], results[2]] == ["a", "b"]
    assert isinstance(results[1], RowError)
    assert "a request holds at most" in results[1].reason
    assert all(len(text) < 10 for texts in account.answered for text in texts)


def test_a_lower_limit_than_documented_costs_no_row(account: Account) -> None:
    too_large = AwsError("ValidationError", "Value at 'body': Member must have length less than or equal to 100")
    account.fake.fault("InvokeEndpoint", error=too_large, times=2)
    assert account.predict() == RESULTS


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda rows: rows[1:], id="fewer"),
        pytest.param(lambda rows: [{**row, "index": i} for i, row in enumerate(rows)][::-1], id="reordered"),
        pytest.param(lambda _: "Internal Server Error", id="not a list"),
    ],
)
def test_an_answer_that_cannot_be_trusted_is_asked_for_again(
    account: Account, spoil: Callable[[list[dict[str, str]]], object]
) -> None:
    account.fake.fault("InvokeEndpoint", times=2, reply=lambda reply: json.dumps(spoil(json.loads(reply))).encode())
    assert account.predict() == RESULTS


def test_throttling_that_speaks_of_limits_is_not_taken_for_a_large_body(account: Account) -> None:
    error = AwsError("ThrottlingException", "The request rate exceeded the limit of this account")
    account.fake.fault("InvokeEndpoint", error=error)
    assert account.predict(["A"]) == ["a"]


def test_an_answer_that_is_not_json_is_asked_for_again(account: Account) -> None:
    account.fake.fault("InvokeEndpoint", times=2, reply=lambda _: b"<html>502 Bad Gateway</html>")
    assert account.predict() == RESULTS


def test_nan_costs_its_own_row_only(account: Account) -> None:
    entry = load_catalogue()["sentiment"]
    account.fake.models[""] = lambda body, _: (200, {}, answer(entry, body))
    account.fake.fault("InvokeEndpoint", reply=lambda reply: reply.replace(b"0.9", b"NaN", 1))
    results = account.predictor(entry).predict(TEXTS[:20])
    (broken,) = (result for result in results if isinstance(result, RowError))
    assert "is not a finite number" in broken.reason


def test_an_endpoint_that_stays_unready_ends_in_a_clear_error(account: Account) -> None:
    account.fake.fault("InvokeEndpoint", error=not_ready(), times=10_000)
    with pytest.raises(PredictionFailed, match=r"gave up after \d+ s and \d+ tries: .*Model is not ready"):
        account.predict()
