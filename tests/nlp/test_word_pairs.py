"""Of several translations of a phrase, what stands beside it decides."""

from __future__ import annotations

import pytest

from socialnlp_assets.nlp.phrase_table import PhraseTable
from socialnlp_assets.nlp.word_pairs import WordPairs

SAID = ["they are here", "they are tired", "i am here", "i am tired", "the workers are tired", "we pay"]
SAID += ["energy bills rise again this winter"] * 60
LINES = [
    "sono\tI am\t0",
    "sono\tare\t-0.05",
    "stanchi\ttired\t0",
    "gli operai\tthe workers\t0",
    "noi\twe\t0",
    "paghiamo\twe pay\t0",
]


@pytest.fixture
def english() -> WordPairs:
    return WordPairs.learn([text.split() for text in SAID], least=1)


def test_what_was_learned_is_read_again(english: WordPairs) -> None:
    read = WordPairs.parse(english.lines())
    assert read.score("workers", "are") == pytest.approx(english.score("workers", "are"), abs=0.01)
    assert read.score("workers", "are") > read.score("workers", "am") > read.score("workers", "unheard")


@pytest.mark.parametrize(
    ("text", "translated"),
    [("gli operai sono stanchi", "the workers are tired"), ("sono stanchi", "I am tired")],
)
def test_the_language_model_chooses_among_translations(english: WordPairs, text: str, translated: str) -> None:
    assert PhraseTable.parse(LINES, english=english).translate(text) == translated


def test_a_subject_is_said_once(english: WordPairs) -> None:
    assert PhraseTable.parse(LINES, english=english).translate("noi paghiamo") == "we pay"


def test_a_line_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="line 2"):
        WordPairs.parse(["a\t-1", "b"])
