"""`predict` against a model in this process: retries, poison, bad answers, endpoints that go away."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from socialnlp_assets.resources.endpoints.backend import (
    EndpointGone,
    InvocationTimeout,
    ModelFailed,
    NotReady,
    Reply,
    Throttled,
)
from socialnlp_assets.resources.endpoints.metering import Meter, Price
from socialnlp_assets.resources.endpoints.requester import PredictionFailed
from socialnlp_assets.tasks import RowError, Scores
from tests.endpoints.scripted import Endpoint, failing_on, once

# Retries


@pytest.mark.parametrize("error", [Throttled("slow down"), NotReady("loading"), InvocationTimeout("lost")])
def test_what_may_pass_is_asked_again(error: Exception) -> None:
    endpoint = Endpoint(rule=once(error))
    assert endpoint.predictor().predict(["A"]) == ["a"]
    assert endpoint.meter.usage.retries == 1


def test_an_endpoint_that_never_gets_ready_ends_in_a_clear_error() -> None:
    endpoint = Endpoint(rule=lambda _: NotReady("the model is loading"))
    started = endpoint.clock.seconds()
    with pytest.raises(PredictionFailed, match=r"gave up after \d+ s and \d+ tries: the model is loading"):
        endpoint.predictor().predict(["A"])
    assert 580 < endpoint.clock.seconds() - started <= 600


def test_one_failure_for_good_stops_the_others_and_is_the_one_raised() -> None:
    def fail(texts: list[str]) -> Exception | None:
        return PermissionError("not allowed") if "T1500" in texts else None

    endpoint = Endpoint("summarizer", fail)
    with pytest.raises(PermissionError, match="not allowed"):
        endpoint.predictor(in_flight=4).predict([f"T{i}" for i in range(2000)])
    assert len(endpoint.requests) < 125


# Poison


@pytest.mark.parametrize("status", [400, 422, 500])
def test_one_poison_text_costs_one_row(status: int) -> None:
    endpoint = Endpoint(rule=failing_on("T13", status=status, message="cannot tokenise"))
    texts = [f"T{i}" for i in range(64)]
    results = endpoint.predictor().predict(texts)
    assert [r for i, r in enumerate(results) if i != 13] == [t.lower() for i, t in enumerate(texts) if i != 13]
    assert results[13] == RowError("the model cannot take this text: cannot tokenise")
    assert len(endpoint.requests) <= 2 * 7 + 2  # a binary search, not a text at a time
    assert endpoint.meter.usage.row_errors == 1


def test_a_row_that_the_model_names_is_set_aside_at_once() -> None:
    def rule(texts: list[str]) -> Exception | None:
        return ModelFailed(f"inputs[{texts.index('T13')}]: bad", status=400) if "T13" in texts else None

    endpoint = Endpoint(rule=rule)
    results = endpoint.predictor().predict([f"T{i}" for i in range(64)])
    assert isinstance(results[13], RowError)
    assert len(endpoint.requests) == 3


def test_a_poison_text_that_comes_twice_is_an_error_in_both_places() -> None:
    results = Endpoint(rule=failing_on("BAD", status=400)).predictor().predict(["BAD", "OK", "BAD"])
    assert [isinstance(result, RowError) for result in results] == [True, False, True]


def test_a_model_that_runs_out_of_memory_gets_smaller_batches_from_then_on() -> None:
    endpoint = Endpoint(rule=lambda texts: ModelFailed("out of memory", status=500) if len(texts) > 20 else None)
    texts = [f"T{i:03}" for i in range(600)]
    assert endpoint.predictor().predict(texts) == [text.lower() for text in texts]
    assert sum(len(request) > 20 for request in endpoint.requests) < 12


def test_a_model_that_fails_on_everything_is_an_error_not_a_quarantined_hour() -> None:
    endpoint = Endpoint(rule=lambda _: ModelFailed("cannot load weights", status=500))
    with pytest.raises(PredictionFailed, match=r"failed on 8 texts and answered none.*cannot load weights"):
        endpoint.predictor().predict([f"T{i}" for i in range(200)])


@pytest.mark.parametrize("in_flight", [1, 4])
@pytest.mark.parametrize("texts", [1, 7])
def test_a_broken_model_is_told_by_few_texts_too(texts: int, in_flight: int) -> None:
    endpoint = Endpoint(rule=lambda _: ModelFailed("model.bin is missing", status=500))
    with pytest.raises(PredictionFailed, match=rf"failed on {texts} texts .*nor 'good morning': model.bin is missing"):
        endpoint.predictor(in_flight=in_flight).predict([f"T{i}" for i in range(texts)])


def test_a_call_of_nothing_but_poison_is_no_broken_model() -> None:
    endpoint = Endpoint(rule=failing_on("BAD"))
    assert isinstance(endpoint.predictor().predict(["BAD"])[0], RowError)
    assert endpoint.requests[-1] == ["good morning"]


@pytest.mark.parametrize("status", [400, 500])
def test_eight_poison_texts_that_are_the_longest_cost_eight_rows(status: int) -> None:
    poison = [f"{'X' * 50}{i}" for i in range(8)]
    fine = [f"t{i}" for i in range(500)]
    results = Endpoint(rule=failing_on(*poison, status=status)).predictor().predict([*poison, *fine])
    assert all(isinstance(result, RowError) for result in results[:8])
    assert results[8:] == fine


def test_throttling_does_not_count_against_a_text() -> None:
    said = [NotReady("throttled"), NotReady("throttled"), InvocationTimeout("one lost answer")]
    endpoint = Endpoint(rule=lambda _: said.pop(0) if said else None)
    assert endpoint.predictor().predict(["A"]) == ["a"]


def test_requests_that_fail_are_counted_and_paid_for() -> None:
    endpoint = Endpoint(rule=failing_on("T13", status=400))
    endpoint.meter = Meter("normalizer", "test", Price(byte=1.0))
    endpoint.predictor().predict([f"T{i}" for i in range(64)])
    usage = endpoint.meter.usage
    assert usage.requests + usage.failures == len(endpoint.requests)
    assert usage.failures == 7  # 64, 32, … 1
    assert usage.cost_usd == usage.bytes_sent + usage.bytes_received


def test_seconds_of_requests_that_fail_are_paid_for() -> None:
    endpoint = Endpoint()
    endpoint.meter = Meter("normalizer", "test", Price(request_second=0.01))

    def slow_and_dead(texts: list[str]) -> Exception | None:
        endpoint.clock.advance(10)
        return ModelFailed("worker died", status=500) if len(texts) > 1 else None

    endpoint.rule = slow_and_dead
    endpoint.predictor().predict(["A", "B"])
    assert (endpoint.meter.usage.failures, endpoint.meter.usage.requests) == (1, 2)
    assert endpoint.meter.usage.cost_usd == pytest.approx(0.3)


def test_an_endpoint_that_was_regained_has_its_full_time_to_get_ready() -> None:
    endpoint = Endpoint()
    said: list[Exception] = [NotReady("loading"), EndpointGone("gone"), NotReady("loading again")]

    def rule(_: list[str]) -> Exception | None:
        endpoint.clock.advance(400)  # the two waits are longer than one may be
        return said.pop(0) if said else None

    endpoint.rule = rule
    assert endpoint.predictor(regain=lambda _: None).predict(["A"]) == ["a"]


def test_a_call_that_is_interrupted_ends_the_regaining_too() -> None:
    regaining, ended = threading.Event(), threading.Event()

    def regain(stopped: threading.Event) -> None:
        regaining.set()
        assert stopped.wait(20)
        ended.set()
        raise EndpointGone("nobody waits any more")

    def interrupt() -> None:
        regaining.wait(20)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    endpoint = Endpoint("summarizer", lambda _: EndpointGone("no such endpoint"))
    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        endpoint.predictor(in_flight=4, regain=regain).predict([f"T{i}" for i in range(64)])
    interrupter.join()
    assert ended.wait(20)
    assert len(endpoint.requests) <= 4


def test_a_text_that_is_no_unicode_is_set_aside() -> None:
    results = Endpoint().predictor().predict(["A", "half \ud83d", "B"])
    assert isinstance(results[1], RowError)
    assert [results[0], results[2]] == ["a", "b"]


# Answers that cannot be trusted


def texts_reply(*texts: str, **more: Any) -> Reply:
    return Reply(json.dumps([{"generated_text": text, **more} for text in texts]).encode())


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        (lambda texts: texts_reply(*texts[1:]), "0 results for 1 texts"),
        (lambda texts: texts_reply(*texts, "more"), "2 results for 1 texts"),
        (lambda _: Reply(b"<html>502</html>"), "not JSON"),
        (lambda _: Reply(b'{"error": "?"}'), "not a list"),
        (lambda texts: Reply(b'[{"text": "?"}]' if len(texts) == 1 else b"[]"), "generated_text"),
    ],
)
def test_an_answer_that_does_not_fit_costs_only_the_rows_that_cause_it(
    spoilt: Callable[[list[str]], Reply], reason: str
) -> None:
    endpoint = Endpoint(rule=lambda texts: spoilt(texts) if "BAD" in texts else None)
    results = endpoint.predictor().predict([f"T{i}" for i in range(20)] + ["BAD"])
    assert results[:20] == [f"t{i}" for i in range(20)]
    assert isinstance(results[20], RowError)
    assert reason in results[20].reason


def test_an_answer_out_of_order_is_not_believed() -> None:
    def reversed_when_many(texts: list[str]) -> Reply:
        rows = [{"generated_text": text.lower(), "index": i} for i, text in enumerate(texts)]
        return Reply(json.dumps(rows[::-1]).encode())

    texts = [f"T{i}" for i in range(9)]
    assert Endpoint(rule=reversed_when_many).predictor().predict(texts) == [text.lower() for text in texts]


@pytest.mark.parametrize("score", ["NaN", "Infinity", "1.5", "-0.2", '"0.9"', "null", "true"])
def test_a_score_that_is_no_number_from_0_to_1_costs_its_row(score: str) -> None:
    def rule(texts: list[str]) -> Reply:
        rows = [
            '[{"label": "negative", "score": 0.1}, {"label": "neutral", "score": 0.2}, '
            f'{{"label": "positive", "score": {score if text == "BAD" else 0.7}}}]'
            for text in texts
        ]
        return Reply(f"[{','.join(rows)}]".encode())

    results = Endpoint("sentiment", rule).predictor().predict(["fine", "BAD"])
    assert results[0] == Scores({"negative": 0.1, "neutral": 0.2, "positive": 0.7}, "positive")
    assert isinstance(results[1], RowError)
    assert "score of positive" in results[1].reason


def test_labels_that_the_catalogue_lacks_are_an_error_that_names_both() -> None:
    reply = Reply(b'[[{"label": "LABEL_0", "score": 1.0}]]')
    with pytest.raises(PredictionFailed, match=r"LABEL_0.*neutral"):
        Endpoint("sentiment", lambda _: reply).predictor().predict(["fine"])


# Endpoints that go away


def test_a_lost_endpoint_is_regained_once_for_all_requests_in_flight() -> None:
    lives, lock = [1], threading.Lock()
    both_in = threading.Barrier(4, timeout=10)

    def rule(_: list[str]) -> Exception | None:
        with lock:
            life = lives[0]
        if life == 1:
            both_in.wait()
            return EndpointGone("no such endpoint")
        return None

    def regain(_: threading.Event) -> None:
        with lock:
            lives[0] += 1

    endpoint = Endpoint("summarizer", rule)
    texts = [f"T{i}" for i in range(64)]
    assert endpoint.predictor(in_flight=4, regain=regain).predict(texts) == texts
    assert lives == [2]


def test_an_endpoint_that_keeps_vanishing_ends_in_a_clear_error() -> None:
    regained: list[int] = []
    endpoint = Endpoint(rule=lambda _: EndpointGone("no such endpoint"))
    with pytest.raises(PredictionFailed, match="vanished 4 times"):
        endpoint.predictor(regain=lambda _: regained.append(1)).predict(["A"])
    assert len(regained) == 3


def test_without_a_lease_a_lost_endpoint_is_the_callers_business() -> None:
    with pytest.raises(EndpointGone):
        Endpoint(rule=lambda _: EndpointGone("no such endpoint")).predictor().predict(["A"])
