"""`prepare_for_classification`: what the topic classifiers see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialnlp_assets.nlp.cleaning import prepare_for_classification, stop_words

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=200)


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("The #meters are BROKEN again!! https://t.co/x", "meter break"),
        ("I don’t like the company's bills, @enel_it", "like company bill"),
        ("Café closed 😀 at 5pm", "cafe close 5pm"),
        ("RT lol omg www.example.com/a?b=c", ""),
        ("", ""),
        (" \n\t", ""),
        ("😀😀", ""),
        ("مرحبا", ""),
        ("\ud800\x00", ""),
        ("can’t won't shouldn't", ""),
        ("O'Brien's dogs", "brien dog"),
    ],
)
def test_prepares(text: str, prepared: str) -> None:
    assert prepare_for_classification(text) == prepared


@given(ANY_TEXT)
def test_any_text_gives_lower_case_ascii_words(text: str) -> None:
    prepared = prepare_for_classification(text)
    words = prepared.split(" ") if prepared else []
    assert all(word.isascii() and word.isalnum() and word == word.lower() for word in words)
    assert not stop_words().intersection(words)


def test_a_megabyte_without_a_blank_is_one_word() -> None:
    assert prepare_for_classification("x" * 1_000_000) == "x" * 1_000_000
    assert prepare_for_classification("'" * 1_000_000) == ""


def test_the_stop_words_hold_both_lists() -> None:
    assert {"the", "don't", "we've"} <= stop_words()  # NLTK's
    assert {"rt", "lol"} <= stop_words()  # social media's
