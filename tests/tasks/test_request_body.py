"""Whatever the body, parsing ends in a valid request or in a `BadInput`; every result can be written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socialnlp_assets.tasks import BadInput, Task, reply_body, task, task_names
from socialnlp_assets.tasks.request_body import JSON, JSON_LINES, parse

TASKS = st.sampled_from(task_names()).map(lambda name: task(name, ["a", "b"]))
TYPES = st.sampled_from([JSON, JSON_LINES])
TEXTS = st.text(st.characters(), max_size=20)  # lone surrogates among them
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from(sorted({parameter for name in task_names() for parameter in task(name).parameters} | {"other"}))
OBJECTS = st.dictionaries(
    st.sampled_from(["inputs", "instances", "parameters", "configuration", "source", "k", "x"]),
    st.lists(TEXTS, max_size=4) | st.dictionaries(NAMES, VALUES | TEXTS, max_size=3) | VALUES,
    max_size=4,
)


def encode(value: Any) -> bytes:
    return json.dumps(value).encode()


BODIES = st.one_of(
    st.binary(max_size=100),
    VALUES.map(encode),
    OBJECTS.map(encode),
    st.lists(VALUES | OBJECTS, max_size=4).map(lambda values: b"\n".join(map(encode, values))),
    # Valid bodies cut, or with a byte changed.
    st.tuples(OBJECTS.map(encode), st.integers(0, 200)).map(lambda cut: cut[0][: cut[1]]),
    st.tuples(OBJECTS.map(encode), st.integers(0, 200), st.integers(0, 255)).map(
        lambda change: change[0][: change[1]] + bytes([change[2]]) + change[0][change[1] + 1 :]
    ),
)


def parse_anything(body: bytes, task: Task, content_type: str) -> None:
    try:
        request = parse(body, task, content_type)
    except BadInput as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        assert refused.status in (400, 413)
        assert str(refused).encode()  # it has a text, and one that can be sent
        return
    assert request.parameters.keys() == task.parameters.keys()
    for text in request.texts:
        assert "\x00" not in text.encode().decode()
    if "src_lang" in request.parameters:
        assert len(request.parameters["src_lang"]) == len(request.texts)


@pytest.mark.slow
@given(body=BODIES, task=TASKS, content_type=TYPES)
@settings(max_examples=300, deadline=None)
def test_any_body_is_a_request_or_bad_input(body: bytes, task: Task, content_type: str) -> None:
    parse_anything(body, task, content_type)


@pytest.mark.slow
@given(body=BODIES, task=TASKS, content_type=TYPES)
@settings(max_examples=3_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_three_thousand_bodies(body: bytes, task: Task, content_type: str) -> None:
    parse_anything(body, task, content_type)


@given(texts=st.lists(st.text(), max_size=5), scores=st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_a_valid_body_is_read_as_it_was_meant(texts: list[str], scores: list[float]) -> None:
    request = parse(encode({"inputs": texts}), task("aspects"))
    assert [text.replace("\x00", "\ufffd") for text in texts] == request.texts
    labels = ["positive", "negative", "not mentioned"]
    body = reply_body.write(request, [dict(zip(labels, scores, strict=True))] * len(texts))
    for row in json.loads(body):
        assert row["prob"] == sorted(scores, reverse=True)
        assert set(row["label"]) == {"__label__positive", "__label__negative", "__label__not_mentioned"}


LANGUAGES = [
    ({"src_lang": "it"}, ["it", "it"]),
    ({"src_lang": ["it", "en"]}, ["it", "en"]),
]


@pytest.mark.parametrize(("given_parameters", "languages"), LANGUAGES)
def test_a_language_is_one_for_all_or_one_a_text(given_parameters: dict[str, Any], languages: list[str]) -> None:
    request = parse(encode({"inputs": ["a", "b"], "parameters": given_parameters}), task("translation"))
    assert request.parameters == {
        "src_lang": languages,
        "tgt_lang": "en",
        "num_beams": 1,
        "max_length": 512,
    }


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "parameters.src_lang is missing"),
        ({"src_lang": None}, "parameters.src_lang is missing"),
        ({"src_lang": ["it"]}, "parameters.src_lang has 1 entries for 2 texts"),
        ({"src_lang": ["it", None]}, "parameters.src_lang[1] must be a text, not null"),
        ({"src_lang": 1}, "parameters.src_lang must be a text, not 1"),
        ({"src_lang": "it", "tgt_lang": ["en"]}, "parameters.tgt_lang must be a text"),
        ({"src_lang": "it", "num_beams": 17}, "parameters.num_beams must be a whole number from 1 to 16"),
        ({"src_lang": "it", "max_length": 1.5}, "parameters.max_length must be a whole number"),
    ],
)
def test_translations_parameters_are_checked(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(encode({"inputs": ["a", "b"], "parameters": parameters}), task("translation"))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("lines", "status", "message"),
    [
        (b"0\n" * 50_000 + b"{", 413, "over 50000 texts"),
        (b'{"source": "a", "beams": 1}\n{', 400, "unknown parameter 'beams'"),
        (b'"a"\n{"inputs": "b", "parameters": [7]}\n{', 400, r"line 1: the parameters must be an object, not \[7\]"),
    ],
)
def test_lines_are_refused_where_they_go_wrong_and_not_read_to_their_end(
    lines: bytes, status: int, message: str
) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        parse(lines, task("multi-label"), JSON_LINES)
    assert caught.value.status == status


def test_json_lines_may_differ_in_language_only() -> None:
    lines = [{"inputs": text, "parameters": {"src_lang": language}} for text, language in (("a", "it"), ("b", "sw"))]
    request = parse(b"\n".join(map(encode, lines)), task("translation"), JSON_LINES)
    assert request.parameters["src_lang"] == ["it", "sw"]


def test_a_large_body_may_hold_long_texts_but_not_many_values() -> None:
    text = "[{,\\" * 100_000  # what stands in a text is no value
    assert parse(encode({"inputs": [text]}), task("multi-label")).texts == [text]
    with pytest.raises(BadInput, match="has over 200000 values; send fewer texts") as caught:
        parse(b'{"inputs": [' + b"[]," * 100_001 + b"]}", task("multi-label"))
    assert caught.value.status == 413
