"""What is read of a long text, and how long an answer may be; a token is a word, a translation an echo."""

from __future__ import annotations

from typing import Any

from socialnlp_assets.serving.handler import Predictions
from socialnlp_assets.serving.handlers.shared.long_texts import MOST_TRANSLATED, summarise, translate

SENTENCE = "The meter in our flat shows seven digits. "  # eight words


def words(text: str) -> int:
    return len(text.split())


class Model:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.most: list[int] = []

    def translate(self, texts: list[str], **parameters: Any) -> Predictions:
        def echo(pieces: list[str], _: list[str], most: list[int]) -> list[str]:
            self.pieces, self.most = pieces, most
            return pieces

        return translate(texts, {"src_lang": ["it"] * len(texts), "max_length": 512, **parameters}, words, echo)

    def summarise(self, texts: list[str]) -> Predictions:
        def first_words(chunks: list[str], _: int, most: list[int]) -> list[str]:
            self.pieces, self.most = chunks, most
            return [" ".join(chunk.split()[:2]) for chunk in chunks]

        return summarise(texts, {"max_length": 300, "min_length": 50}, words, first_words)


def test_a_text_up_to_the_limit_is_translated_whole() -> None:
    text = SENTENCE * (MOST_TRANSLATED // 8)
    found = Model().translate(["ciao", text])
    assert found.results == ["ciao", text.strip()]
    assert found.truncated == []


def test_beyond_the_limit_the_beginning_is_translated_and_the_position_told() -> None:
    model = Model()
    found = model.translate(["ciao", SENTENCE * 25_000, "a" * 1_000_000, " " * 100_000 + "ciao"])
    assert found.truncated == [1, 2, 3]
    assert MOST_TRANSLATED - 200 <= words(found.results[1]) <= MOST_TRANSLATED
    assert found.results[3] == "ciao"
    assert sum(map(len, model.pieces)) < 200_000


def test_how_long_an_answer_may_be_goes_by_the_text_alone() -> None:
    model = Model()
    model.translate(["ciao", SENTENCE * 10, SENTENCE * 20])
    together = model.most
    alone = []
    for text in ("ciao", SENTENCE * 10, SENTENCE * 20):
        model.translate([text])
        alone += model.most
    assert together == alone
    assert alone == sorted(alone)
    model.translate([SENTENCE * eights for eights in range(1, 26)], max_length=1024)
    assert len(set(model.most)) == 3  # so that batches stay large
    model.translate(["ciao", SENTENCE * 20], max_length=40)
    assert model.most == [40, 40]


def test_a_summary_shares_its_budget_among_so_many_chunks_that_each_can_say_something() -> None:
    model = Model()
    found = model.summarise([SENTENCE * 20, SENTENCE * 25_000, SENTENCE * 400])
    assert found.truncated == [1]
    assert min(model.most) >= 20
    assert all(words(piece) < 512 for piece in model.pieces)
    assert len(found.results) == 3
