"""Summaries of a text's own sentences: how long they are, and that each can stand where it does."""

from __future__ import annotations

import pytest

from socialnlp_assets.nlp.sentence_rank import count_tokens, summarise

MAYOR = "The mayor of the town opened the new power station by the river on Monday morning."
HE = "He said that the power station and the river would change the town for a new generation."
REST = [
    "Fishermen sold their boats and bought bicycles for the summer.",
    "Nobody expected rain, but clouds came over the hills at noon.",
    "Children were given orange juice and paper flags in the square.",
    "A band from the capital played old songs until late at night.",
]


def long_text(tokens: int) -> str:
    sentences = [f"Report number {n} says that line {n % 7} of the grid carries {n * 3} megawatts." for n in range(400)]
    return " ".join(sentences[: tokens // 15])


@pytest.mark.parametrize("tokens", [120, 300, 600, 840])
def test_a_summary_is_a_third_of_its_text(tokens: int) -> None:
    text = long_text(tokens)
    share = count_tokens(summarise(text)) / count_tokens(text)
    assert 0.2 < share <= 1 / 2.9 or count_tokens(summarise(text)) <= 50


def test_a_summary_of_a_very_long_text_has_300_tokens() -> None:
    assert 250 < count_tokens(summarise(long_text(4000))) <= 300


def test_no_sentence_points_at_one_that_was_left_out() -> None:
    text = " ".join([REST[0], MAYOR, HE, *REST[1:]])
    for length in range(15, 60):
        summary = summarise(text, max_length=length, min_length=length)
        assert HE not in summary or f"{MAYOR} {HE}" in summary
        assert summary
    assert f"{MAYOR} {HE}" in summarise(text, max_length=60, min_length=60)
