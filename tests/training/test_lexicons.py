"""The forms that are generated of written words."""

from __future__ import annotations

import pytest

from socialnlp_assets.training.english import third
from socialnlp_assets.training.italian import italian
from socialnlp_assets.training.swahili import swahili
from socialnlp_assets.training.translator import best


@pytest.mark.parametrize(
    ("form", "english"),
    [
        ("tulinunua", "we bought"),
        ("hawajajibu", "they have not answered"),
        ("nitalipa", "I will pay"),
        ("sipendi", "I do not like"),
        ("zimepanda", "have risen"),
        ("kusaidia", "to help"),
    ],
)
def test_a_swahili_verb_says_who_and_when(form: str, english: str) -> None:
    assert english in {said for said, _, _ in best(swahili())[form]}


@pytest.mark.parametrize(
    ("form", "english"),
    [
        ("mi hanno rimborsato", "they refunded me"),
        ("non ho mai visto", "I have never seen"),
        ("non si è fermato", "did not stop"),
        ("parcheggio", "parking"),
        ("sono", "are"),
        ("USA", "USA"),
        ("usa", "uses"),
    ],
)
def test_the_first_choice_of_an_italian_form(form: str, english: str) -> None:
    assert best(entry for entry in italian() if entry[0] == form)[form][0][0] == english


def test_a_verb_that_is_also_an_uncounted_noun_has_a_third_person() -> None:
    assert third("work") == "works"
