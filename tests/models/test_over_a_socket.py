"""The production engines in real servers: odd texts over a socket, and memory that does not grow."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.models.conftest import Pair
from tests.serving.model_servers import resident_kilobytes, running

pytestmark = pytest.mark.slow
Pairs = Callable[[str], Pair]

PARAMETERS: dict[str, dict[str, Any]] = {
    "sentiment": {},
    "translator": {"src_lang": "it", "max_length": 16},
    "summarizer": {"max_length": 60, "min_length": 5},
    "normalizer": {},
}
CUT = {"sentiment", "translator", "summarizer"}  # the noise filter reads all, if not all of it with its model
WORDS = "the staff is kind and u r 2 late casa luce mare All about wind . It takes one yr to finish".split()  # noqa: SIM905


@pytest.mark.parametrize("name", PARAMETERS)
def test_odd_texts_get_an_answer_each(pair: Pairs, name: str) -> None:
    odd = ["", " \n", "kind \ud83d", "kind\x00kind", "😡🔥", "منار", "u r 2 late casa luce. " * 50_000, "x" * 1_000_000]
    with running("--model", str(pair(name).folder)) as server:
        reply = server.post({"inputs": odd, "parameters": PARAMETERS[name]})
        assert reply.status == 200, reply.data
        assert len(reply.json()) == len(odd)
        cut = reply.headers.get("X-Amzn-SageMaker-Custom-Attributes")
        assert cut == ("truncated=6,7" if name in CUT else None)
        assert server.get("/ping").status == 200


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_thousandth_request_finds_the_server_no_larger(pair: Pairs, name: str) -> None:
    rng = random.Random(name)

    def body(texts: int, words: int) -> dict[str, Any]:
        inputs = [" ".join(rng.choices(WORDS, k=rng.randint(1, words))) for _ in range(texts)]
        return {"inputs": inputs, "parameters": PARAMETERS[name]}

    with running("--model", str(pair(name).folder)) as server:
        sizes = []
        for number in range(1000):
            size = (16, 200) if number % 100 == 0 else (rng.randint(1, 4), rng.choice((5, 30, 100)))
            assert server.post(body(*size)).status == 200
            if number in (200, 999):  # after three large ones it has what it ever needs
                sizes.append(resident_kilobytes(server.process.pid))
    early, late = sizes
    assert late <= 1.2 * early, f"{early} kB after 200 requests, {late} kB after a thousand"
