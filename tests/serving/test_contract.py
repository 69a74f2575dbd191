"""docs/contracts.md over a real socket: what is asked, what is answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from model_servers import Server, running

from socialnlp_assets.serving.app import Limits, ModelServer
from socialnlp_assets.serving.headers import TARGET


def test_ping_names_the_loaded_models(themes: Server) -> None:
    reply = themes.get("/ping")
    assert reply.status == 200
    assert [model["modelName"] for model in reply.json()["models"]] == ["themes"]


def test_multi_label_answers_as_blazingtext(themes: Server) -> None:
    texts = ["the new lamp", "war in a far country"]
    reply = themes.post({"instances": texts, "configuration": {"k": 2}})
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json"
    lamp, war = reply.json()
    assert lamp["label"] == ["__label__Products", "__label__Foreign_news"]
    assert war["label"] == ["__label__Foreign_news", "__label__Products"]
    assert all(0 <= score <= 1 for row in (lamp, war) for score in row["prob"])
    assert lamp["prob"] == sorted(lamp["prob"], reverse=True)


def test_k_cuts_the_labels(themes: Server) -> None:
    reply = themes.post({"instances": ["the new lamp"], "configuration": {"k": 1}})
    assert reply.json()[0]["label"] == ["__label__Products"]


def test_both_request_shapes_ask_the_same(themes: Server) -> None:
    texts = ["the new lamp", "war"]
    hugging_face = themes.post({"inputs": texts, "parameters": {"k": 2}})
    blazing_text = themes.post({"instances": texts, "configuration": {"k": 2}})
    assert hugging_face.json() == blazing_text.json()
    assert themes.post({"inputs": texts}).json() == blazing_text.json()


def test_results_come_in_the_order_of_the_texts(themes: Server) -> None:
    texts = [f"lamp {n}" if n % 3 else f"war {n}" for n in range(50)]
    together = themes.post({"inputs": texts}).json()
    one_by_one = [themes.post({"inputs": [text]}).json()[0] for text in texts]
    assert together == one_by_one


def test_text_classification_answers_as_the_hugging_face_toolkit(scripted: Server) -> None:
    parameters = {"top_k": None, "truncation": True, "max_length": 512}
    reply = scripted.post({"inputs": ["x"], "parameters": parameters})
    assert reply.json() == [[{"label": "yes", "score": 0.75}, {"label": "no", "score": 0.25}]]


def test_cut_texts_are_named_in_the_custom_attributes(scripted: Server) -> None:
    reply = scripted.post({"inputs": ["x", "long text", "", "long again"]})
    assert reply.headers["X-Amzn-SageMaker-Custom-Attributes"] == "truncated=1,3"
    assert "X-Amzn-SageMaker-Custom-Attributes" not in scripted.post({"inputs": ["x"]}).headers


def test_the_custom_attributes_keep_within_sagemakers_limit(scripted: Server) -> None:
    value = scripted.post({"inputs": ["long"] * 2000}).headers["X-Amzn-SageMaker-Custom-Attributes"]
    assert len(value) <= 1024
    positions = [int(position) for position in value.removeprefix("truncated=").split(",")]
    assert positions == list(range(len(positions)))
    full = scripted.post({"inputs": ["long"] * 256}).headers["X-Amzn-SageMaker-Custom-Attributes"]
    assert full.endswith(",255")


def test_without_truncation_a_long_text_is_refused(scripted: Server) -> None:
    reply = scripted.post({"inputs": ["x", "long text"], "parameters": {"truncation": False}})
    assert reply.status == 400
    assert reply.json()["message"].startswith("inputs[1]: is longer than 512 tokens")


def test_json_lines_in_and_out(themes: Server) -> None:
    body = b'"the new lamp"\n{"inputs": "war", "parameters": {"k": 1}}\n{"source": "lamp", "k": 1}\n\n'
    reply = themes.post(body, Content_Type="application/jsonlines")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/jsonlines"
    rows = [json.loads(line) for line in reply.data.decode().splitlines()]
    assert [row["label"] for row in rows] == [
        ["__label__Products"],
        ["__label__Foreign_news"],
        ["__label__Products"],
    ]


def test_the_caller_chooses_the_form_of_the_reply(themes: Server) -> None:
    reply = themes.post({"inputs": ["a", "b"]}, Accept="application/jsonlines")
    assert len(reply.data.decode().splitlines()) == 2
    reply = themes.post(b'"a"\n"b"', Content_Type="application/x-ndjson", Accept="application/json, */*;q=0.1")
    assert len(reply.json()) == 2


@pytest.fixture(scope="module")
def aspects(aspects_folder: Path) -> Iterator[Server]:
    with running("--model", str(aspects_folder)) as server:
        yield server


def test_targets_are_chosen_by_header(aspects: Server) -> None:
    body = {"instances": ["price good", "staff bad"], "configuration": {"k": 1}}
    prices = aspects.post(body, X_Amzn_SageMaker_Target_Model="prezzi").json()
    staff = aspects.post(body, X_Amzn_SageMaker_Target_Model="gentilezza").json()
    assert prices[0]["label"] == ["__label__positive"]
    assert staff[1]["label"] == ["__label__negative"]
    assert prices != staff


def test_targets_are_chosen_by_custom_attribute_where_the_header_cannot_pass(aspects: Server) -> None:
    body = {"instances": ["price good"]}
    by_header = aspects.post(body, X_Amzn_SageMaker_Target_Model="prezzi").json()
    assert aspects.post(body, X_Amzn_SageMaker_Custom_Attributes="run=7; target=prezzi").json() == by_header


def test_a_target_must_be_named_and_known(aspects: Server) -> None:
    missing = aspects.post({"instances": ["x"]})
    assert missing.status == 400
    assert missing.json()["message"].endswith("there are: gentilezza, prezzi")
    unknown = aspects.post({"instances": ["x"]}, X_Amzn_SageMaker_Target_Model="cortesia")
    assert (unknown.status, unknown.json()["type"]) == (404, "NotFound")


def test_an_aspects_labels_sum_to_one(aspects: Server) -> None:
    row = aspects.post({"instances": ["price good"]}, X_Amzn_SageMaker_Target_Model="prezzi").json()[0]
    assert sorted(row["label"]) == ["__label__negative", "__label__not_mentioned", "__label__positive"]
    assert sum(row["prob"]) == pytest.approx(1, abs=1e-3)


def test_a_blank_review_mentions_nothing(aspects: Server) -> None:
    row = aspects.post({"instances": [" \n"]}, X_Amzn_SageMaker_Target_Model="prezzi").json()[0]
    assert (row["label"][0], row["prob"][0]) == ("__label__not_mentioned", 1.0)


def test_the_only_model_may_be_named_too(themes: Server) -> None:
    assert themes.post({"inputs": ["x"]}, X_Amzn_SageMaker_Target_Model="themes").status == 200


def test_the_event_loop_goes_on_while_a_large_body_is_parsed(aspects_folder: Path) -> None:
    """In this process: how often another task gets its turn, until the last of many lines is found wrong."""
    body = b'"price"\n' * 49_999 + b"{"

    async def turns() -> int:
        app = ModelServer(aspects_folder, Limits(threads=1))
        app.repository.load_folder(aspects_folder)
        app.ready = True
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/invocations",
            "headers": [(b"content-type", b"application/jsonlines"), (TARGET.lower().encode(), b"prezzi")],
        }
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            sent.append(message)

        answering, count = asyncio.create_task(app(scope, receive, send)), 0
        while not answering.done():
            await asyncio.sleep(0)
            count += 1
        assert sent[0]["status"] == 400
        return count

    assert asyncio.run(turns()) > 100


def test_batch_transform_learns_how_to_ask(themes: Server) -> None:
    parameters = themes.get("/execution-parameters").json()
    assert parameters == {"MaxConcurrentTransforms": 2, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}


def test_wrong_paths_and_methods_are_explained(themes: Server) -> None:
    assert themes.get("/invocations").json() == {
        "code": 405,
        "type": "MethodNotAllowed",
        "message": "/invocations does not take GET",
    }
    assert themes.get("/nothing").json()["message"] == "there is nothing at /nothing; see /openapi.json"
