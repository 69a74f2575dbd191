"""The normaliser's lexicon: what is written, and what neighbours are learned for it."""

from __future__ import annotations

from socialnlp_assets.nlp.lexicon import Context, Lexicon
from socialnlp_assets.nlp.noise import normalise_tokens
from socialnlp_assets.training.normalisation import neighbours, written_readings


def test_the_shares_of_each_written_word_make_a_hundred() -> None:
    found = written_readings()
    assert len(found) > 20
    assert {token: sum(shares.values()) for token, shares in found.items()} == dict.fromkeys(found, 100)


def test_a_reading_is_known_by_what_stands_beside_it_where_it_is_spelled_out() -> None:
    readings = {"ur": {"your": 50, "you're": 50}}
    comments = [["pay", "your", "bill"], ["pay", "your", "bill"], ["you're", "late"], ["you're", "late"]]
    contexts = neighbours(readings, comments)
    assert contexts[Context("ur", "your", "right", "bill")] == 2
    learned = Lexicon(readings, contexts, slang={}, words=["pay", "bill", "late"])
    assert normalise_tokens([["pay", "ur", "bill"], ["ur", "late"]], lexicon=learned) == [
        ["pay", "your", "bill"],
        ["you're", "late"],
    ]
