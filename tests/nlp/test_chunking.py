"""Sentences, and the plan of a summary: the 50 / 250 / 300 / 512 rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialnlp_assets.nlp.chunking import Mode, plan, sentences, split, whole_sentences

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=400)
SENTENCE = "The meter in our flat shows seven digits. "  # eight words


def words(text: str) -> int:
    return len(text.split())


def quarters(text: str) -> int:
    """A token every four letters: unlike words, also in a text without blanks."""
    return (len(text) + 3) // 4


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("He left! Did she? Yes.", ["He left!", "Did she?", "Yes."]),
        ("Dr. Smith of Enel Inc. paid 3.50 euros.", ["Dr. Smith of Enel Inc. paid 3.50 euros."]),
        ("See enel.it/a?b=c.d now. Then go.", ["See enel.it/a?b=c.d now.", "Then go."]),
        ("J. R. Tolkien wrote. We read.", ["J. R. Tolkien wrote.", "We read."]),
        ("Prices, e.g. of gas, rose. (Really?) Yes.", ["Prices, e.g. of gas, rose.", "(Really?)", "Yes."]),
        ('"It is dark." They waited.', ['"It is dark."', "They waited."]),
        ("Well... and then nothing. Next", ["Well... and then nothing.", "Next"]),
        ("A headline\nThe text. ", ["A headline", "The text."]),
        ("電気が止まった。明日直ります。", ["電気が止まった。", "明日直ります。"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences(text: str, found: list[str]) -> None:
    assert sentences(text) == found


@pytest.mark.parametrize(
    ("tokens", "mode"), [(0, Mode.KEEP), (49, Mode.KEEP), (50, Mode.WHOLE), (250, Mode.WHOLE), (251, Mode.SPLIT)]
)
def test_the_length_decides_the_mode(tokens: int, mode: Mode) -> None:
    text = " ".join(["word"] * tokens)
    found = plan(text, words)
    assert found.mode is mode
    assert found.chunks == [text]


def test_chunks_share_the_budget_and_are_about_as_long() -> None:
    found = plan(SENTENCE * 150, words)  # 1200 tokens
    assert [words(chunk) for chunk in found.chunks] == [400, 400, 400]
    assert found.max_length == 100
    assert all(chunk.endswith("digits.") for chunk in found.chunks)


def test_of_more_chunks_than_are_allowed_the_first_are_kept_and_share_the_budget() -> None:
    whole, cut = plan(SENTENCE * 150, words), plan(SENTENCE * 150, words, most_chunks=2)
    assert (whole.truncated, cut.truncated) == (False, True)
    assert cut.chunks == whole.chunks[:2]
    assert cut.max_length == 150


def test_no_summary_may_be_longer_than_its_text() -> None:
    found = plan(SENTENCE * 8, words)
    assert found.mode is Mode.WHOLE
    assert found.max_length == 64
    assert found.min_length <= 50


def test_a_sentence_over_the_limit_is_cut_at_clauses() -> None:
    chunks = split("the lamps were out, " * 200, words)
    assert len(chunks) == 2
    assert all(words(chunk) < 512 and chunk.endswith("out,") for chunk in chunks)


def test_a_clause_over_the_limit_is_cut_at_words_and_a_word_anywhere() -> None:
    assert [words(chunk) for chunk in split("word " * 1000, words)] == [500, 500]
    chunks = split("x" * 5000, quarters)
    assert "".join(chunks).replace(" ", "") == "x" * 5000
    assert all(quarters(chunk) < 640 for chunk in chunks)


@given(ANY_TEXT, st.integers(60, 200))
def test_nothing_is_lost(text: str, limit: int) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
    chunks = split(text, quarters, limit)
    assert "".join("".join(chunks).split()) == "".join(text.split())


@given(ANY_TEXT)
def test_any_text_has_a_plan_whose_budget_is_kept(text: str) -> None:
    found = plan(text, quarters)
    assert found.max_length * len(found.chunks) <= 300
    assert 0 <= found.min_length <= found.max_length


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["x", ".", "a. ", ", ", "?!", "\n", "(((", "..x", "' ", "。"])
def test_a_megabyte_of_anything_is_read_once(unit: str) -> None:
    text = unit * (1_000_000 // len(unit)) + "x"
    assert "".join("".join(split(text, quarters)).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("summary", "kept"),
    [
        ("He came. He saw. He conq", "He came. He saw."),
        ("He came. He saw.", "He came. He saw."),
        ("He only began", "He only began"),
        ("", ""),
    ],
)
def test_a_broken_off_sentence_goes(summary: str, kept: str) -> None:
    assert whole_sentences(summary) == kept
