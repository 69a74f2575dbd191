"""A server's life: announcing itself, loading, being busy, breaking, draining, ending."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import urllib3
from model_servers import Server, running, scripted_model, write_model

from socialnlp_assets.serving.handler import BadModel
from socialnlp_assets.serving.loaded_model import WARM_UP, read_settings

pytestmark = pytest.mark.slow


def test_the_first_line_says_where_it_listens(themes: Server) -> None:
    assert themes.announcement["pid"] == themes.process.pid
    with socket.create_connection(("127.0.0.1", themes.announcement["port"])):
        pass


def test_starting_imports_neither_dagster_nor_other_weights() -> None:
    program = "import sys, socialnlp_assets.serving.__main__; print(*sys.modules, sep='\\n')"
    modules = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    heavy = {"dagster", "boto3", "pandas", "pyarrow", "numpy", "spacy", "torch", "transformers"}
    assert not heavy & set(modules.split())


def test_ping_waits_for_the_model(tmp_path: Path) -> None:
    server = Server("--port", "0", "--model", str(scripted_model(tmp_path, load_seconds=5)))
    try:
        early = server.get("/ping")
        assert (early.status, early.json()["type"]) == (503, "NotReady")
        assert server.post({"inputs": ["x"]}).status == 503
        server.wait_until_ready()
        assert server.post({"inputs": ["x"]}).status == 200
    finally:
        server.end()


def test_a_model_is_warmed_up_before_it_is_ready(scripted: Server) -> None:
    assert scripted.post({"inputs": [f"calls {WARM_UP}"]}).json()[0][0] == {"label": "yes", "score": 1.0}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (None, "it has no model.json"),
        ({"task": "poetry"}, "task must be one of aspects, entities"),
        ({"task": "keywords", "engine": "abacus"}, "no engine is called 'abacus'"),
        ({"task": "keywords", "engine": "this:Zen"}, "to run code of your own, set SOCIALNLP_ENGINES=this:Zen"),
        ({"task": "keywords", "engine": "no_such_module:Handler"}, "needs 'no_such_module'"),
        ({"task": "multi-label", "engine": "fasttext"}, "labels must list the labels"),
        ({"task": "multi-label", "engine": "fasttext", "labels": ["a"]}, "neither of model.bin and model.ftz"),
        ({"task": "aspects", "engine": "fasttext", "targets": ["prezzi"]}, "prezzi is no model folder"),
        ({"task": "aspects", "engine": "scripted:Scripted", "labels": ["a"], "panics": True}, "Panic: at the disco"),
    ],
)
def test_a_folder_that_cannot_be_served_ends_the_server_with_the_reason(
    tmp_path: Path, settings: dict[str, object] | None, message: str
) -> None:
    if settings is not None:
        write_model(tmp_path, **settings)
    allowed = {"SOCIALNLP_ENGINES": "scripted:Scripted no_such_module:Handler"}
    server = Server("--port", "0", "--model", str(tmp_path), env=allowed)
    assert server.process.wait(20) == 1
    assert server.process.stderr
    assert message in server.process.stderr.read()
    server.end()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"task": []}, "task must be a text"),
        ({"task": "keywords", "engine": 7}, "engine must be a text"),
        ({"task": "aspects", "labels": "positive"}, "labels must be a list of texts"),
        ({"task": "aspects", "targets": [1]}, "targets must be a list of texts"),
        ({"task": "aspects", "targets": []}, "labels must list the labels"),
    ],
)
def test_settings_of_wrong_types_are_named(tmp_path: Path, settings: dict[str, object], message: str) -> None:
    with pytest.raises(BadModel, match=message):
        read_settings(write_model(tmp_path, **settings))


def test_a_file_and_an_unreadable_folder_are_told_from_a_model(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("{}")
    (tmp_path / "unreadable" / "model.json").mkdir(parents=True)
    for name, message in {
        "file": "is no model folder",
        "n" * 300: "cannot be read: File name too long",
        "unreadable": "cannot be read: Is a directory",
    }.items():
        with pytest.raises(BadModel, match=message):
            read_settings(tmp_path / name)
    server = Server("--port", "0", "--model", str(tmp_path / "file"))
    assert server.process.wait(20) == 1
    server.end()


def test_a_body_that_does_not_arrive_gives_its_place_back(scripted_folder: Path) -> None:
    with running("--model", str(scripted_folder), "--queue", "1", "--body-timeout", "0.5") as server:
        with socket.create_connection(("127.0.0.1", server.announcement["port"]), timeout=10) as stalled:
            stalled.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            answer = b"".join(iter(lambda: stalled.recv(1024), b""))  # until the server hangs up
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"the body did not arrive within 0.5 s" in answer
        assert server.post({"inputs": ["x"]}).status == 200


def test_bodies_that_do_not_arrive_keep_nobody_out(scripted_folder: Path) -> None:
    head = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    with running("--model", str(scripted_folder), "--queue", "2") as server, ExitStack() as stalled:
        for _ in range(4):
            address = ("127.0.0.1", server.announcement["port"])
            stalled.enter_context(socket.create_connection(address)).sendall(head)
        assert server.get("/ping").status == 200  # the server has read the heads
        assert server.post({"inputs": ["x"]}).status == 200


@pytest.mark.parametrize("head", [b"", b"GET /ping HTTP/1.1\r\nHo", b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\nGET /pi"])
def test_a_head_that_does_not_arrive_ends_the_connection(scripted_folder: Path, head: bytes) -> None:
    with running("--model", str(scripted_folder), "--body-timeout", "0.5") as server:
        with socket.create_connection(("127.0.0.1", server.announcement["port"]), timeout=20) as slow:
            slow.sendall(head)
            answer = b"".join(iter(lambda: slow.recv(1024), b""))  # until the server hangs up
        assert answer.startswith(b"HTTP/1.1 200" if head.count(b"GET") == 2 else b"")
        assert server.get("/ping").status == 200


def test_chunks_of_one_byte_leave_pings_their_turn(scripted_folder: Path) -> None:
    body = json.dumps({"inputs": ["x" * 120_000]}).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    head = b"POST /invocations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with running("--model", str(scripted_folder)) as server, ThreadPoolExecutor(1) as pool:
        with socket.create_connection(("127.0.0.1", server.announcement["port"]), timeout=60) as connection:
            connection.sendall(head + chunks)
            answer = pool.submit(connection.recv, 1024)
            pings = 0
            while not answer.done():
                assert server.get("/ping").status == 200
                pings += 1
        assert answer.result().startswith(b"HTTP/1.1 200")
        assert pings > 15  # of some 90 reads


def test_batch_transforms_variables_bound_what_is_in_flight(scripted_folder: Path) -> None:
    variables = {"SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "9", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "20"}
    with running("--model", str(scripted_folder), "--queue", "1", env=variables) as server:
        asked = server.get("/execution-parameters").json()
        assert asked["MaxConcurrentTransforms"] * asked["MaxPayloadInMB"] <= 100
        with ThreadPoolExecutor(9) as pool:  # the queue has a place for each
            replies = list(pool.map(server.post, [{"inputs": ["sleep 0.1"]}] * 9))
        assert [reply.status for reply in replies] == [200] * 9
    with running("--model", str(scripted_folder), env={"SAGEMAKER_MAX_PAYLOAD_IN_MB": "0"}) as server:
        assert server.get("/execution-parameters").json() == {
            "MaxConcurrentTransforms": 1,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": 100,
        }


def test_a_taken_port_is_an_error_that_says_so(themes: Server) -> None:
    port = str(themes.announcement["port"])
    done = subprocess.run(
        [sys.executable, "-m", "socialnlp_assets.serving", "--port", port], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


def test_sagemakers_variables_say_where_the_model_and_the_port_are(tmp_path: Path) -> None:
    scripted_model(tmp_path / "model")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {
        "SAGEMAKER_BASE_DIR": str(tmp_path),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "1",
    }
    server = Server(env=variables)
    try:
        server.wait_until_ready()
        assert server.announcement["port"] == port
        assert server.get("/execution-parameters").json()["MaxPayloadInMB"] == 1
        assert server.post({"inputs": ["x" * 900_000]}).status == 200
        assert server.post({"inputs": ["x" * 1_100_000]}).status == 413
    finally:
        server.end()


def test_sigterm_lets_the_running_request_finish(scripted_folder: Path) -> None:
    server = Server("--port", "0", "--queue", "1", "--model", str(scripted_folder))
    server.wait_until_ready()
    with ThreadPoolExecutor(1) as pool:
        running_request = pool.submit(admitted, server, {"inputs": ["sleep 10"]})
        while server.post({"inputs": ["x"]}).status != 429:  # until that request has the only place
            time.sleep(0.02)
        assert server.end() == 0
        assert running_request.result().status == 200
    with pytest.raises(OSError):  # noqa: PT011 (refused or reset, by the system)
        socket.create_connection(("127.0.0.1", server.announcement["port"]), timeout=1).close()


def admitted(server: Server, body: dict[str, list[str]]) -> urllib3.BaseHTTPResponse:
    """The first reply that is not "busy"."""
    while (reply := server.post(body)).status == 429:
        time.sleep(0.02)
    return reply


def test_an_orphan_ends_itself_unless_somebody_asks(scripted_folder: Path) -> None:
    server = Server("--port", "0", "--model", str(scripted_folder), "--orphan-after", "10")
    try:
        server.wait_until_ready()
        for _ in range(15):  # more than its patience
            time.sleep(0.8)
            assert server.get("/ping").status == 200
        server.http.clear()
        assert server.process.wait(60) == 0
    finally:
        server.end()


def test_an_orphan_does_not_end_amid_a_long_request(scripted_folder: Path) -> None:
    with running("--model", str(scripted_folder), "--orphan-after", "5") as server:
        assert server.post({"inputs": ["sleep 8"]}).status == 200


def test_a_full_queue_answers_429_and_recovers(scripted_folder: Path) -> None:
    with running("--model", str(scripted_folder), "--queue", "2") as server, ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(lambda _: server.post({"inputs": ["sleep 1"]}), range(6)))
        busy = [reply for reply in replies if reply.status == 429]
        assert [reply.status for reply in replies].count(200) >= 2
        assert busy
        assert busy[0].json()["type"] == "Busy"
        assert busy[0].headers["Retry-After"] == "1"
        assert server.post({"inputs": ["x"]}).status == 200


def test_ping_answers_while_a_request_runs(scripted: Server) -> None:
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(scripted.post, {"inputs": ["sleep 10"]})
        assert scripted.get("/ping").status == 200
        assert not slow.done()
        assert slow.result().status == 200


def test_a_request_whose_caller_has_gone_is_not_run(scripted: Server) -> None:
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(scripted.post, {"inputs": ["sleep 3"]})
        time.sleep(0.5)  # until that is running
        body = json.dumps({"inputs": ["abandoned text"]}).encode()
        with socket.create_connection(("127.0.0.1", scripted.announcement["port"])) as connection:
            connection.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
            connection.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            time.sleep(0.5)
        assert slow.result().status == 200
    assert scripted.post({"inputs": ["calls abandoned text"]}).json()[0][0]["score"] == 0


def test_a_failing_text_is_named_and_the_rest_goes_on(scripted: Server) -> None:
    texts = ["a", "b", "fail", "c", "", "d", "e"]
    reply = scripted.post({"inputs": texts})
    assert reply.status == 500
    assert reply.json() == {
        "code": 500,
        "type": "ModelFailed",
        "message": "inputs[2]: the model failed: RuntimeError: it broke",
    }
    texts.remove("fail")
    assert len(scripted.post({"inputs": texts}).json()) == 6
    assert scripted.get("/ping").status == 200


def test_a_score_that_is_no_number_is_our_fault(scripted: Server) -> None:
    reply = scripted.post({"inputs": ["a", "nan"]})
    assert reply.status == 500
    assert reply.json()["message"].startswith("inputs[1]: the model failed: ValueError: the model answered")


def test_ping_says_that_a_model_is_broken_until_it_works_again(scripted_folder: Path) -> None:
    with running("--model", str(scripted_folder)) as server:
        assert server.post({"inputs": ["break"]}).status == 500
        ping = server.get("/ping")
        assert ping.status == 503
        assert ping.json()["message"] == "scripted is broken: RuntimeError: it broke"
        assert server.post({"inputs": ["repair"]}).status == 200
        assert server.get("/ping").status == 200


def test_the_console_script_is_the_same_program(themes_folder: Path) -> None:
    script = Path(sys.executable).with_name("socialnlp")
    command = [str(script), "serve", "--model", str(themes_folder), "--port", "0", "--orphan-after", "0.1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=os.environ)
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[0])["port"] > 0
