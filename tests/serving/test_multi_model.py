"""SageMaker's multi-model interface: models loaded and unloaded while the server runs."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from model_servers import Server, running, scripted_model, write_model


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A multi-model server that has no model yet, and the folder below which it may load some."""
    base = tmp_path_factory.mktemp("ml")
    for name in ("first", "second"):
        scripted_model(base / "models" / name / "model", name=name)
    scripted_model(base / "models" / "slow", load_seconds=0.5)
    write_model(base / "models" / "oddly_typed", task=[], engine=7)
    write_model(base / "models" / "several", task="aspects", engine="fasttext", targets=["a"])
    write_model(base / "models" / "bad", task="keywords", engine="abacus")
    scripted_model(base / "elsewhere")
    variables = {"SAGEMAKER_BASE_DIR": str(base), "SAGEMAKER_MULTI_MODEL": "true"}
    with running(env=variables) as server:
        yield server, base / "models"


def test_a_models_life(empty: tuple[Server, Path]) -> None:
    server, models = empty
    assert server.get("/ping").status == 200
    assert server.get("/models").json() == {"models": []}
    url = str(models / "first" / "model")
    loaded = server.post({"model_name": "4f1c", "url": url}, "/models")
    assert (loaded.status, loaded.json()) == (200, {"modelName": "4f1c", "modelUrl": url})
    assert server.post({"model_name": "4f1c", "url": url}, "/models").status == 409
    assert server.get("/models/4f1c").json()["modelUrl"] == url
    assert server.get("/models").json()["models"] == [{"modelName": "4f1c", "modelUrl": url}]
    answer = server.post({"inputs": ["x"]}, "/models/4f1c/invoke", X_Amzn_SageMaker_Target_Model="first.tar.gz")
    assert answer.json()[0][0] == {"label": "yes", "score": 0.75}
    assert server.post({"inputs": ["x"]}, X_Amzn_SageMaker_Target_Model="4f1c.tar.gz").status == 200
    assert server.http.request("DELETE", f"{server.url}/models/4f1c").status == 200
    assert server.post({"inputs": ["x"]}, "/models/4f1c/invoke").status == 404
    assert server.get("/models/4f1c").status == 404
    assert server.http.request("DELETE", f"{server.url}/models/4f1c").status == 404


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"model_name": "x"}, 400, "the body must be"),
        ({"model_name": 1, "url": "a"}, 400, "the body must be"),
        (b"{", 400, "the body is not JSON"),
        ({"model_name": "x", "url": "bad"}, 400, "no engine is called 'abacus'"),
        ({"model_name": "x", "url": "nothing"}, 400, "nothing is no model folder"),
        ({"model_name": "x", "url": "n" * 300}, 400, "cannot be read: File name too long"),
        ({"model_name": "x", "url": "oddly_typed"}, 400, "task must be a text"),
        ({"model_name": "x", "url": "several"}, 400, "holds several models"),
        ({"model_name": "x", "url": "../elsewhere"}, 404, "is not below"),
        ({"model_name": "x", "url": "a\x00b"}, 400, "the body must be"),
    ],
)
def test_what_cannot_be_loaded_is_explained(
    empty: tuple[Server, Path], body: object, status: int, message: str
) -> None:
    server, models = empty
    if isinstance(body, dict) and isinstance(body.get("url"), str):
        body = {**body, "url": f"{models}/{body['url']}"}
    reply = server.post(body, "/models")
    assert reply.status == status
    assert message in reply.json()["message"]
    assert server.get("/ping").status == 200


def test_of_two_callers_one_loads_a_model(empty: tuple[Server, Path]) -> None:
    server, models = empty
    body = {"model_name": "contested", "url": str(models / "slow")}
    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(lambda _: server.post(body, "/models"), range(2)))
    assert sorted(reply.status for reply in replies) == [200, 409]
    assert server.http.request("DELETE", f"{server.url}/models/contested").status == 200


def test_a_broken_model_is_not_mended_by_another_and_goes_when_it_is_unloaded(empty: tuple[Server, Path]) -> None:
    server, models = empty
    for name in ("first", "second"):
        assert server.post({"model_name": name, "url": str(models / name / "model")}, "/models").status == 200
    assert server.post({"inputs": ["break"]}, "/models/first/invoke").status == 500
    assert server.post({"inputs": ["x"]}, "/models/second/invoke").status == 200
    ping = server.get("/ping")
    assert (ping.status, ping.json()["message"]) == (503, "first is broken: RuntimeError: it broke")
    for name in ("first", "second"):
        assert server.http.request("DELETE", f"{server.url}/models/{name}").status == 200
        assert server.get("/ping").status == 200


def test_a_server_of_one_folder_loads_no_other(scripted: Server, scripted_folder: Path) -> None:
    reply = scripted.post({"model_name": "x", "url": str(scripted_folder)}, "/models")
    assert (reply.status, reply.json()["type"]) == (404, "NotFound")
