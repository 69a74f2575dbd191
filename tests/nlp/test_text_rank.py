"""Keywords: phrases ranked by TextRank."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialnlp_assets.nlp.text_rank import extract, page_rank

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=200)
METERS = (
    "The new smart meters of our energy company fail. Smart meters measure the consumption of electricity, "
    "and a well-known defect of smart meters is the display. The energy company replaces displays in Rome."
)


def phrases(text: str, top_k: int = 10) -> list[str]:
    return [phrase for phrase, _ in extract([text], top_k)[0]]


def test_the_subject_of_a_text_comes_first() -> None:
    found = phrases(METERS)
    assert found[:2] == ["smart meters", "energy company"]
    assert {"well-known defect", "consumption", "electricity", "rome"} <= set(found)


def test_phrases_are_nouns_with_their_adjectives_once_each() -> None:
    found = phrases(METERS)
    assert "new smart meters" not in found  # "new" only points
    assert "display" in found
    assert "displays" not in found  # the same lemma


def test_scores_fall_and_top_k_cuts() -> None:
    scores = [score for _, score in extract([METERS], 4)[0]]
    assert len(scores) == 4
    assert scores == sorted(scores, reverse=True)
    assert all(score > 0 for score in scores)


def test_addresses_and_names_of_users_are_no_phrases() -> None:
    assert phrases("A long power cut, says @enel_energia: https://t.co/power #blackout") == [
        "long power cut",
        "blackout",
    ]


def test_a_batch_gives_each_text_what_it_gets_alone() -> None:
    texts = [METERS, "", "A long power cut in the city centre.", METERS * 3, "😀", "Solar panels on every roof"]
    assert extract(texts) == [extract([text])[0] for text in texts]


@pytest.mark.parametrize("text", ["", " \n", "😀😀", "...", "\ud800", "\x00", "and then they did"])
def test_a_text_without_nouns_has_no_phrases(text: str) -> None:
    assert extract([text]) == [[]]


@settings(max_examples=50, deadline=None)
@given(st.lists(ANY_TEXT, max_size=4))
def test_any_texts_get_their_phrases(texts: list[str]) -> None:
    results = extract(texts)
    assert len(results) == len(texts)
    for result in results:
        assert all(phrase == phrase.lower() and score >= 0 for phrase, score in result)


def test_a_text_in_another_script() -> None:
    assert len(extract(["مرحبا بكم في المدينة الجديدة", "新しいメーターが壊れました"])) == 2


@pytest.mark.slow
@pytest.mark.parametrize("text", ["x" * 1_000_000, METERS * 5_000, "a-" * 500_000, "😀 " * 250_000])
def test_a_megabyte_is_read_at_its_beginning(text: str) -> None:
    assert len(extract([text])[0]) <= 10


def test_page_rank_of_a_star_is_its_closed_form() -> None:
    # Three leaves around a hub: hub = .15/4 + .85 × 3 × leaf, leaf = .15/4 + .85 × hub/3.
    hub, *leaves = page_rank(4, {(0, 1): 1, (0, 2): 1, (0, 3): 1})
    expected = (0.0375 + 0.85 * 3 * 0.0375) / (1 - 0.85**2)
    assert hub == pytest.approx(expected, abs=1e-5)
    assert leaves == pytest.approx([(1 - expected) / 3] * 3, abs=1e-5)


def test_page_rank_shares_out_what_reaches_a_dead_end() -> None:
    assert page_rank(3, {}) == pytest.approx([1 / 3] * 3)
    assert sum(page_rank(3, {(0, 1): 2.0})) == pytest.approx(1)
    assert page_rank(0, {}) == []


def test_a_long_text_is_named_by_words_and_a_short_one_by_terms() -> None:
    short = "The drought empties the reservoir of the old hydroelectric power station near the town."
    long = " ".join(f"{short} The drought of summer number {year} hurt farmers." for year in range(2000, 2016))
    of_short, of_long = ([phrase for phrase, _ in phrases] for phrases in extract([short, long], top_k=3))
    assert "drought" in of_long
    assert all(" " in phrase for phrase in of_short[:1])
    assert max(phrase.count(" ") for phrase in of_long) < max(phrase.count(" ") for phrase in of_short)
