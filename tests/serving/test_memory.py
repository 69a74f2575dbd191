"""A server's memory does not grow with what it has been asked."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest
from model_servers import resident_kilobytes, running

from socialnlp_assets.models.catalogue import EMBEDDED_MODELS

SENTENCE = "the new lamp is on in our street and a bill of energy says that staff price war far country"
COMMON = SENTENCE.split()


def texts(rng: random.Random, count: int) -> list[str]:
    """Texts of common words with, as people write them, one in five never seen before."""

    def word() -> str:
        if rng.random() < 0.8:
            return rng.choice(COMMON)
        return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(3, 10)))

    return [" ".join(word() for _ in range(rng.randint(5, 40))) + "." for _ in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["themes", "emotion", "translator", "keywords", "normalizer", "summarizer"])
def test_the_thousandth_request_finds_the_server_no_larger(name: str, themes_folder: Path) -> None:
    folder = themes_folder if name == "themes" else EMBEDDED_MODELS / name
    rng, parameters = random.Random(name), {"src_lang": "fr"} if name == "translator" else {}
    with running("--model", str(folder)) as server:
        sizes = []
        for _ in range(1000):
            assert server.post({"inputs": texts(rng, 6), "parameters": parameters}).status == 200
            sizes.append(resident_kilobytes(server.process.pid) if len(sizes) in (0, 999) else 0)
    assert sizes[-1] <= 1.2 * sizes[0], f"{sizes[0]} kB after the first request, {sizes[-1]} kB after the last"
    print(name, sizes[0], sizes[-1])
