"""`predict` against a model in this process: order, batches, retries, poison, bad answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from socialnlp_assets.models.catalogue import load_catalogue
from socialnlp_assets.resources.endpoints.metering import Meter
from socialnlp_assets.resources.endpoints.predictor import PredictionFailed, Predictor, Retry
from socialnlp_assets.resources.endpoints.protocol import (
    EndpointGone,
    InvocationTimeout,
    ModelFailed,
    NotReady,
    PayloadTooLarge,
    Reply,
    Throttled,
)
from socialnlp_assets.resources.endpoints.tasks import Keyword, RowError, Scores
from tests.fakes.clock import VirtualClock
from tests.fakes.models import answer

CATALOGUE = load_catalogue()


class Endpoint:
    """Answers as the contract says, unless a rule, called with the texts of each request, says otherwise."""

    def __init__(self, model: str = "normalizer", rule: Callable[[list[str]], Any] | None = None) -> None:
        self.entry = CATALOGUE[model]
        self.rule = rule
        self.requests: list[list[str]] = []
        self.targets: list[str | None] = []
        self.clock = VirtualClock()
        self.meter = Meter(model, "test")
        self._lock = threading.Lock()

    def invoke(self, body: bytes, target: str | None) -> Reply:
        request = json.loads(body)
        texts = request.get("inputs", request.get("instances"))
        with self._lock:
            self.requests.append(texts)
            self.targets.append(target)
        said = self.rule(texts) if self.rule else None
        if isinstance(said, Exception):
            raise said
        if isinstance(said, Reply):
            return said
        return Reply(answer(self.entry, body))

    def predictor(self, **options: Any) -> Predictor:
        options = {"in_flight": 1} | options
        retry = Retry(now=self.clock.seconds, sleep=self.clock.advance)
        return Predictor(self.entry, self.invoke, self.meter, retry=retry, **options)


def once(error: Exception) -> Callable[[list[str]], Exception | None]:
    errors = [error]
    return lambda _: errors.pop() if errors else None


def failing_on(*poison: str, status: int = 500, message: str = "boom") -> Callable[[list[str]], Exception | None]:
    return lambda texts: ModelFailed(message, status=status) if set(poison) & set(texts) else None


# Results in order


def test_results_come_in_the_order_of_the_texts_whatever_was_sent_together() -> None:
    endpoint = Endpoint()
    texts = [f"TEXT {'x' * (i * 37 % 101)} {i}" for i in range(500)]
    assert endpoint.predictor(in_flight=4).predict(texts) == [text.lower() for text in texts]
    assert len(endpoint.requests) > 1


def test_identical_texts_are_sent_once_and_answered_everywhere() -> None:
    endpoint = Endpoint()
    assert endpoint.predictor().predict(["A", "B", "A", "A"]) == ["a", "b", "a", "a"]
    assert sorted(endpoint.requests[0]) == ["A", "B"]


def test_the_same_text_in_two_languages_is_two_questions() -> None:
    results = Endpoint("translator").predictor().predict(["casa"] * 3, src_lang=["it", "pt", "it"])
    assert results == ["it:casa", "pt:casa", "it:casa"]


def test_requests_hold_texts_of_like_length_within_the_catalogues_count() -> None:
    endpoint = Endpoint()
    endpoint.predictor().predict([f"{i:03}" + "x" * (i % 50) for i in range(200)])
    assert all(len(request) <= 64 for request in endpoint.requests)
    shortest_and_longest = [(min(map(len, request)), max(map(len, request))) for request in endpoint.requests]
    for (shortest, _), (_, longest) in pairwise(shortest_and_longest):
        assert longest <= shortest


@pytest.mark.parametrize(
    ("model", "options", "blank"),
    [
        ("translator", {"src_lang": "it"}, ""),
        ("normalizer", {}, ""),
        ("summarizer", {}, ""),
        ("keywords", {}, []),
        ("sentiment", {}, Scores({"negative": 0.0, "neutral": 1.0, "positive": 0.0}, "neutral")),
        ("emotion", {}, Scores({"joy": 0.25, "optimism": 0.25, "anger": 0.25, "sadness": 0.25}, "joy")),
        (
            "aspects-stores",
            {"target": "prezzi"},
            Scores({"positive": 0.0, "negative": 0.0, "not mentioned": 1.0}, "not mentioned"),
        ),
    ],
)
def test_blank_texts_are_answered_without_a_request(model: str, options: dict[str, Any], blank: Any) -> None:
    endpoint = Endpoint(model)
    assert endpoint.predictor().predict(["", "  \n\t", "\u00a0"], **options) == [blank] * 3
    assert endpoint.requests == []


def test_a_blank_text_is_about_no_label() -> None:
    result = Endpoint("themes").predictor().predict([""])[0]
    assert isinstance(result, Scores)
    assert set(result.scores.values()) == {0.0}


def test_nothing_asked_nothing_sent() -> None:
    endpoint = Endpoint()
    assert endpoint.predictor().predict([]) == []
    assert endpoint.requests == []


def test_classification_texts_are_prepared_and_labels_spelled_as_in_the_catalogue() -> None:
    endpoint = Endpoint("themes")
    result = endpoint.predictor().predict(["The #Economy is GROWING!! https://example.com"])[0]
    assert isinstance(result, Scores)
    assert set(result.scores) == set(CATALOGUE["themes"].labels)
    sent = endpoint.requests[0][0]
    assert sent == sent.lower()
    assert "#" not in sent


def test_each_target_is_asked_by_name() -> None:
    endpoint = Endpoint("aspects-stores")
    endpoint.predictor().predict(["cheap and friendly staff"], target="gentilezza")
    assert endpoint.targets == ["gentilezza"]


def test_keywords_come_best_first() -> None:
    reply = Reply(b'[[{"phrase": "b", "score": 0.1}, {"phrase": "a", "score": 0.7}]]')
    endpoint = Endpoint("keywords", lambda _: reply)
    assert endpoint.predictor().predict(["a b"]) == [[Keyword("a", 0.7), Keyword("b", 0.1)]]


def test_truncation_is_told_by_row() -> None:
    def cut_the_second(texts: list[str]) -> Reply:
        rows = [[{"label": x, "score": 1 / 3} for x in CATALOGUE["sentiment"].labels]] * len(texts)
        return Reply(json.dumps(rows).encode(), {"x-amzn-sagemaker-custom-attributes": "truncated=0"})

    results = Endpoint("sentiment", cut_the_second).predictor().predict(["short", "much longer"])
    assert [result.truncated for result in results if isinstance(result, Scores)] == [False, True]


# Wrong calls


def test_a_wrong_call_says_what_is_wrong() -> None:
    translator = Endpoint("translator").predictor()
    with pytest.raises(TypeError, match="needs src_lang="):
        translator.predict(["ciao"])
    with pytest.raises(ValueError, match="src_lang has 2 values for 1 texts"):
        translator.predict(["ciao"], src_lang=["it", "it"])
    with pytest.raises(TypeError, match="not one text"):
        translator.predict("ciao", src_lang="it")
    with pytest.raises(TypeError, match=r"texts\[1\] is NoneType"):
        translator.predict(["ciao", None], src_lang="it")  # type: ignore[list-item]
    with pytest.raises(ValueError, match="'prices' is not one of this endpoint's models: prezzi"):
        Endpoint("aspects-stores").predictor().predict(["x"], target="prices")
    with pytest.raises(ValueError, match="None is not one of"):
        Endpoint("aspects-stores").predictor().predict(["x"])


# Bytes and time


def test_requests_stay_under_the_byte_limit_of_the_endpoint() -> None:
    endpoint = Endpoint("keywords")
    sizes: list[int] = []
    original = endpoint.invoke

    def invoke(body: bytes, target: str | None) -> Reply:
        sizes.append(len(body))
        return original(body, target)

    predictor = Predictor(endpoint.entry, invoke, endpoint.meter, kind="serverless", in_flight=1)
    texts = [f"{i} " + '"quoted" è ' * 60_000 for i in range(12)]  # 0.9 MB each in JSON
    results = predictor.predict(texts)
    assert not any(isinstance(result, RowError) for result in results)
    assert max(sizes) <= 4 * 1024**2


def test_one_row_over_the_limit_costs_that_row() -> None:
    endpoint = Endpoint()
    results = endpoint.predictor(kind="serverless").predict(["A", "x" * (4 * 1024**2), "B"])
    assert [results[0], results[2]] == ["a", "b"]
    assert isinstance(results[1], RowError)
    assert "a request holds at most" in results[1].reason


def test_a_body_that_the_endpoint_finds_too_large_is_halved() -> None:
    endpoint = Endpoint(rule=lambda texts: PayloadTooLarge("too large") if len(texts) > 8 else None)
    texts = [f"T{i}" for i in range(64)]
    assert endpoint.predictor().predict(texts) == [text.lower() for text in texts]


def test_slow_answers_make_requests_smaller_and_quick_ones_larger() -> None:
    endpoint = Endpoint("themes")
    seconds_per_row = 1.0

    def slow(texts: list[str]) -> None:
        endpoint.clock.advance(seconds_per_row * len(texts))

    endpoint.rule = slow
    predictor = endpoint.predictor()
    words = [f"economy{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676)}" * 20 for i in range(1000)]
    predictor.predict(words[:500])
    assert len(endpoint.requests[-2]) <= 25  # near 20 seconds
    first_sizes = [len(request) for request in endpoint.requests]
    seconds_per_row = 0.001
    endpoint.requests.clear()
    predictor.predict(words[500:])
    assert max(map(len, endpoint.requests)) > first_sizes[-2]


def test_a_batch_that_times_out_is_sent_in_halves() -> None:
    endpoint = Endpoint(rule=lambda texts: InvocationTimeout("60 s") if len(texts) > 10 else None)
    texts = [f"T{i}" for i in range(64)]
    assert endpoint.predictor().predict(texts) == [text.lower() for text in texts]


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
    assert 600 <= endpoint.clock.seconds() - started < 640


def test_pauses_have_full_jitter_under_a_growing_cap() -> None:
    pauses: list[float] = []
    retry = Retry(base=1, cap=8, sleep=pauses.append)
    for attempt in range(5):
        for _ in range(200):
            retry.pause(attempt)
    for attempt in range(5):
        sample = pauses[attempt * 200 : (attempt + 1) * 200]
        cap = min(8, 2**attempt)
        assert max(sample) <= cap
        assert min(sample) < cap / 4  # full, not equal, jitter
        assert max(sample) > cap * 3 / 4


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
    result = Endpoint("sentiment", lambda _: reply).predictor().predict(["fine"])[0]
    assert isinstance(result, RowError)
    assert "LABEL_0" in result.reason
    assert "neutral" in result.reason


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

    def regain() -> None:
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
        endpoint.predictor(regain=lambda: regained.append(1)).predict(["A"])
    assert len(regained) == 3


def test_without_a_lease_a_lost_endpoint_is_the_callers_business() -> None:
    with pytest.raises(EndpointGone):
        Endpoint(rule=lambda _: EndpointGone("no such endpoint")).predictor().predict(["A"])


# Metering


def test_use_is_counted() -> None:
    endpoint = Endpoint(rule=once(NotReady("loading")))
    endpoint.predictor().predict(["A", "A", "", "B"])
    usage = endpoint.meter.usage
    assert (usage.texts, usage.rows, usage.requests, usage.retries) == (4, 2, 1, 1)
    assert usage.bytes_sent > 0
    assert usage.bytes_received > 0
