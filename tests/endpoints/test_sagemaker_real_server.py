"""boto3 → the fake of SageMaker → a real model server with an embedded model: the whole way of an invocation."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import urllib3

from socialnlp_assets.models.catalogue import load_catalogue
from socialnlp_assets.resources.endpoints.backend import Reply
from socialnlp_assets.resources.endpoints.metering import Meter
from socialnlp_assets.resources.endpoints.predictor import Predictor
from socialnlp_assets.resources.endpoints.sagemaker import SageMaker
from socialnlp_assets.tasks import Scores
from tests.endpoints.world import spec
from tests.fakes.aws_errors import not_ready
from tests.fakes.aws_http import forward_to, serve
from tests.fakes.clock import VirtualClock
from tests.fakes.sagemaker import FakeSageMaker

pytestmark = pytest.mark.slow

MODEL = "aspects-stores"
ENTRY = load_catalogue()[MODEL]
REVIEWS = ["The staff were very kind and helpful", "", "Far too expensive, never again", "Rude staff, I waited an hour"]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a model server that serves the five embedded models of a store's aspects."""
    command = [sys.executable, "-m", "socialnlp_assets.serving", "--model", str(ENTRY.embedded.path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout
            url = f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"
            while not _answers(url):
                assert process.poll() is None, "the server has ended"
                time.sleep(0.05)
            yield url
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/ping", retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


@pytest.fixture
def predictor(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Predictor, FakeSageMaker]]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    clock, name = VirtualClock(), spec(MODEL).endpoint_name(1)
    with serve(FakeSageMaker(clock.now)) as fake:
        fake.models[name] = forward_to(server)
        backend = SageMaker(region="eu-west-1", endpoint_url=fake.url)
        backend.create(name, spec(MODEL), {})
        clock.advance(300)

        def invoke(body: bytes, target: str | None) -> Reply:
            return backend.invoke(name, body, target=target)

        yield (
            Predictor(ENTRY, invoke, Meter(MODEL, "test"), kind="serverless", sleep=clock.advance, now=clock.seconds),
            fake,
        )


def test_reviews_are_read_by_the_model_of_each_aspect(predictor: tuple[Predictor, FakeSageMaker]) -> None:
    predict = predictor[0].predict
    prices, kindness = predict(REVIEWS, target="prezzi"), predict(REVIEWS, target="gentilezza")
    for result in [*prices, *kindness]:
        assert isinstance(result, Scores)
        assert sum(result.scores.values()) == pytest.approx(1, abs=0.01)
    assert prices[1] == kindness[1] == Scores({"positive": 0.0, "negative": 0.0, "not mentioned": 1.0}, "not mentioned")
    assert prices != kindness


def test_many_reviews_through_a_runtime_that_stutters_lose_no_row(
    predictor: tuple[Predictor, FakeSageMaker],
) -> None:
    predict, fake = predictor[0].predict, predictor[1]
    reviews = [f"{review} {word}" for review in REVIEWS for word in ("today", "yesterday", "again", "always") * 40]
    steady = predict(reviews, target="gentilezza")
    fake.fault("InvokeEndpoint", error=not_ready(), times=2)
    fake.fault("InvokeEndpoint", lost=True, times=2)
    assert predict(reviews, target="gentilezza") == steady
    assert all(isinstance(result, Scores) for result in steady)
