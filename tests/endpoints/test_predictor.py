"""`predict` against a model in this process: order, batches, wrong calls, use."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from socialnlp_assets.resources.endpoints.backend import (
    MAX_BODY_BYTES,
    InvocationTimeout,
    NotReady,
    PayloadTooLarge,
    Reply,
)
from socialnlp_assets.resources.endpoints.predictor import Predictor
from socialnlp_assets.tasks import Keyword, RowError, Scores
from socialnlp_assets.tasks.entities import Entity
from tests.endpoints.scripted import CATALOGUE, Endpoint, once

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


@pytest.mark.parametrize("kind", ["realtime", "serverless"])
def test_however_quick_the_model_no_request_is_over_the_limit(kind: str) -> None:
    bodies: list[int] = []
    endpoint = Endpoint()

    def invoke(body: bytes, target: str | None) -> Reply:
        bodies.append(len(body))
        return endpoint.invoke(body, target)

    predictor = Predictor(endpoint.entry, invoke, endpoint.meter, kind=kind, in_flight=1)
    predictor.predict([f"{i:03}" + "x" * 500_000 for i in range(40)])
    assert MAX_BODY_BYTES[kind] - 600_000 < max(bodies) <= MAX_BODY_BYTES[kind]


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


def test_the_models_of_tweets_are_asked_for_tweets() -> None:
    endpoint = Endpoint("emotion")
    endpoint.predictor().predict(["@enel it&#39;s dark 😡 #blackout https://t.co/x"])
    assert endpoint.requests[0][0] == "@user it's dark 😡 #blackout http"


def test_each_target_is_asked_by_name() -> None:
    endpoint = Endpoint("aspects-stores")
    endpoint.predictor().predict(["cheap and friendly staff"], target="gentilezza")
    assert endpoint.targets == ["gentilezza"]


def test_a_model_on_anothers_endpoint_is_asked_by_its_name() -> None:
    endpoint = Endpoint("entities")
    assert endpoint.predictor().predict(["Mario visited"]) == [[Entity("Mario", "person", 0, 5)]]
    assert endpoint.targets == ["entities"]


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


# Metering


def test_use_is_counted() -> None:
    endpoint = Endpoint(rule=once(NotReady("loading")))
    endpoint.predictor().predict(["A", "A", "", "B"])
    usage = endpoint.meter.usage
    assert (usage.texts, usage.rows, usage.requests, usage.retries) == (4, 2, 1, 1)
    assert usage.bytes_sent > 0
    assert usage.bytes_received > 0
