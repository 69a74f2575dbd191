"""Bad input over a real socket: each a documented result or a 4xx with a clear sentence; the server stays up."""

from __future__ import annotations

import json
import socket
from contextlib import suppress

import pytest
from model_servers import Server

TOO_DEEP = b'{"inputs": ' + b"[" * 100_000

REFUSED: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "the body is not JSON"),
    "not JSON": (b"good lamp", 400, "the body is not JSON"),
    "truncated JSON": (b'{"inputs": ["good la', 400, "the body is not JSON"),
    "not UTF-8": (b'{"inputs": ["caff\xe8"]}', 400, "the body is not UTF-8: byte 17 is 0xe8"),
    "nested too deeply": (TOO_DEEP, 400, "the body is nested too deeply"),
    "a huge number": (b'{"inputs": ' + b"9" * 5000 + b"}", 400, "the body is not JSON"),
    "a list": (b'["good lamp"]', 400, "the body must be an object"),
    "null": (b"null", 400, "the body must be an object"),
    "no texts": (b'{"text": ["good"]}', 400, "the body has neither 'inputs' nor 'instances'"),
    "a single text": (b'{"inputs": "good lamp"}', 400, "inputs must be a list of texts"),
    "texts null": (b'{"inputs": null}', 400, "inputs must be a list of texts, not null"),
    "texts by name": (b'{"inputs": {"a": "b"}}', 400, "inputs must be a list of texts"),
    "a number among texts": (b'{"inputs": ["a", 3]}', 400, "inputs[1]: must be a text, not 3"),
    "null among texts": (b'{"instances": [null]}', 400, "instances[0]: must be a text, not null"),
    "a list among texts": (b'{"inputs": ["a", "b", ["c"]]}', 400, 'inputs[2]: must be a text, not ["c"]'),
    "both shapes": (b'{"inputs": [], "instances": []}', 400, "unknown field 'instances'"),
    "an unknown field": (b'{"inputs": [], "options": {}}', 400, "unknown field 'options'"),
    "unknown parameter": (b'{"inputs": [], "parameters": {"beams": 2}}', 400, "unknown parameter 'beams'"),
    "parameters a list": (b'{"inputs": [], "parameters": [1]}', 400, "parameters must be an object"),
    "k zero": (b'{"inputs": [], "parameters": {"k": 0}}', 400, "parameters.k must be a whole number from 1"),
    "k true": (b'{"inputs": [], "parameters": {"k": true}}', 400, "parameters.k must be a whole number"),
    "k NaN": (b'{"inputs": [], "parameters": {"k": NaN}}', 400, "parameters.k must be a whole number"),
    "k text": (b'{"inputs": [], "parameters": {"k": "2"}}', 400, "parameters.k must be a whole number"),
    "too many texts": (json.dumps({"inputs": [""] * 50_001}).encode(), 413, "over 50000 texts in one request"),
    "too many values": (b'{"inputs": [' + b"[]," * 2_000_000 + b"[]]}", 413, "the body has over 200000 values"),
    "over the payload limit": (b'{"inputs": ["' + b"x" * 7 * 2**20 + b'"]}', 413, "the body is over 6 MB"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_body_is_refused_with_a_sentence(themes: Server, case: str) -> None:
    body, status, message = REFUSED[case]
    reply = themes.post(body)
    assert reply.status == status
    error = reply.json()
    assert error["code"] == status
    assert error["message"].startswith(message)
    assert themes.post({"inputs": ["the new lamp"]}).status == 200


ODD_TEXTS: dict[str, str] = {
    "emoji only": "😀🔥",
    "right to left": "מנורה חדשה وطن",
    "lone surrogate": "lamp \ud83d",
    "NUL": "lamp\x00lamp",
    "line ends": "lamp\n\r\n__label__Products\u2028lamp",
    "1 MB": "lamp " * 200_000,
    "one word of 1 MB": "x" * 1_000_000,
    "control characters": "".join(map(chr, range(32))),
}


@pytest.mark.parametrize("case", ODD_TEXTS)
def test_an_odd_text_gets_scores(themes: Server, case: str) -> None:
    reply = themes.post({"inputs": [ODD_TEXTS[case], "the new lamp"]})
    assert reply.status == 200
    odd, lamp = reply.json()
    assert sorted(odd["label"]) == ["__label__Foreign_news", "__label__Products"]
    assert all(0 <= score <= 1 for score in odd["prob"])
    assert lamp == themes.post({"inputs": ["the new lamp"]}).json()[0]


def test_no_texts_no_results(themes: Server) -> None:
    assert themes.post({"inputs": []}).json() == []
    assert themes.post(b"", Content_Type="application/jsonlines").data == b""


@pytest.mark.parametrize("text", ["", " ", "\t\n\u00a0\u2003"])
def test_a_blank_text_is_about_nothing(themes: Server, text: str) -> None:
    assert themes.post({"inputs": [text]}).json()[0]["prob"] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "text/csv"}, 415),
        ({"Content_Type": "application/json; charset=latin-1"}, 415),
        ({"Content_Type": "application/json", "Content_Encoding": "gzip"}, 415),
        ({"Accept": "text/html"}, 406),
        ({"Content_Type": "application/json; charset=UTF-8", "Accept": "application/json;q=0.9"}, 200),
        ({"Content_Type": "", "Accept": ""}, 200),
    ],
)
def test_media_types(themes: Server, headers: dict[str, str], status: int) -> None:
    reply = themes.post({"inputs": ["lamp"]}, **headers)
    assert reply.status == status
    if status != 200:
        assert "application/json" in reply.json()["message"] or "Content-Encoding" in reply.json()["message"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (b'"a"\n{"inputs": "b"', "line 1 is not JSON"),
        (b'"a"\n3', "lines[1]: must be a text, not 3"),
        (b'{"source": "a", "k": 1}\n{"source": "b", "k": 2}', "k must be the same on every line"),
        (b'{"inputs": "a", "parameters": [1]}', "line 0: the parameters must be an object"),
    ],
)
def test_a_bad_line_is_named(themes: Server, lines: bytes, message: str) -> None:
    reply = themes.post(lines, Content_Type="application/jsonlines")
    assert reply.status == 400
    assert reply.json()["message"].startswith(message)


def test_what_only_the_model_can_refuse_names_the_text_in_the_request(scripted: Server) -> None:
    reply = scripted.post({"inputs": ["", "x", "refuse", "y"]})
    assert reply.status == 400
    assert reply.json()["message"] == "inputs[2]: is refused"


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01 not HTTP at all\r\n\r\n",
        b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /invocations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",  # and then hangs up
    ],
)
def test_broken_http_does_not_bring_the_server_down(themes: Server, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", themes.announcement["port"]), timeout=10) as connection:
        answer = b""
        with suppress(OSError):  # the server may have hung up before we are done
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(1024)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert themes.get("/ping").status == 200
