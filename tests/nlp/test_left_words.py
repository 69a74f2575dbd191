"""What a translation left untranslated."""

from __future__ import annotations

import pytest

from socialnlp_assets.nlp.left_words import share_known


@pytest.mark.parametrize(
    ("text", "english", "share"),
    [
        ("la bolletta di marzo", "the bill of March", 1.0),
        ("bolletta altissima", "bill altissima", 0.5),
        ("sconcertante bolletta", "Sconcertante bill", 0.5),
        ("Mario Rossi a Roma", "Mario Rossi in Roma", 1.0),  # names stay
        ("il computer nuovo", "the new computer", 1.0),  # English has it as well
        (
            "grazie @enel_energia #bollettone https://t.co/bolletta info@enel.it",
            "thanks @enel_energia #bollettone https://t.co/bolletta info@enel.it",
            1.0,
        ),
        ("", "", 1.0),
    ],
)
def test_the_share_of_words_that_a_translation_did_not_leave(text: str, english: str, share: float) -> None:
    assert share_known(text, english) == share
