"""`detect`: the language of a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialnlp_assets.nlp.language import UNDETERMINED, detect

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=200)
OURS = ("it", "en", "fr", "sw")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("La bolletta è arrivata due volte questo mese", "it"),
        ("The power has been out since this morning", "en"),
        ("Le compteur ne marche plus depuis hier soir", "fr"),
        ("Umeme umekatika tangu asubuhi katika mtaa wetu", "sw"),
        ("RT @enel: grazie mille per tutto https://t.co/abc", "it"),
        ("LA BOLLETTA È SBAGLIATA", "it"),
    ],
)
def test_tells_the_workflows_languages(text: str, code: str) -> None:
    found, probability = detect(text, OURS)
    assert found == code
    assert 0.5 < probability <= 1
    assert detect(text)[0] == code


@pytest.mark.parametrize("text", ["", "  \n", "😀😀😀", "12 34!", "@someone https://t.co/abc", "\ud800", "\x00", "a"])
def test_a_text_without_words_is_undetermined(text: str) -> None:
    assert detect(text) == (UNDETERMINED, 0.0)


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(ValueError, match="xx"):
        detect("hello there", ["xx"])


def test_sets_of_languages_do_not_disturb_each_other() -> None:
    assert detect("Das ist ein ganz normaler Satz", ("it", "en"))[0] in ("it", "en")
    assert detect("Das ist ein ganz normaler Satz")[0] == "de"


@given(ANY_TEXT)
def test_any_text_gets_an_answer(text: str) -> None:
    code, probability = detect(text, OURS)
    assert code in (*OURS, UNDETERMINED)
    assert 0 <= probability <= 1


def test_a_megabyte_is_no_slower_than_its_beginning() -> None:
    assert detect("La bolletta è sbagliata. " * 40_000, OURS)[0] == "it"
