"""Noise: what goes, what is rewritten, and who chooses."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialnlp_assets.nlp.lexicon import Slot
from socialnlp_assets.nlp.noise import as_tweet, normalise, normalise_tokens, remove_noise

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=200)
NOISY_TEXT = st.lists(
    st.sampled_from(["u ", "RT ", "@a", "#b ", "http://", "\\u2019", "&amp;", "&#", "😀", "soooo", "!?", "'s", ".."]),
    max_size=40,
).map("".join)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("it\\u2019s dark &amp; cold", "it's dark & cold"),
        ("\\ud83d\\ude00 hello \\ud83d", "hello"),
        ("&amp;lt;b&amp;gt; bold", "<b> bold"),
        ("see https://t.co/abc?d=e now", "see now"),
        ("see www.enel.it/x, bit.ly/abc and enel.it", "see and enel.it"),
        ("RT @enel: no power", "no power"),
        ("@user @other_one thanks @enel's team", "thanks team"),
        ("write to help@enel.it", "write to help@enel.it"),
        ("#blackout in #Rome", "blackout in Rome"),
        ("great 😡👍🏽 job ♥ :-) ^_^ <3", "great job"),
        ("what?!?! no!!!! well..... ok,,", "what? no! well... ok,"),
        ("costs 24.50€ at 21°C", "costs 24.50€ at 21°C"),
        ("“quoted” and ‘so’ – on", "\"quoted\" and 'so' - on"),
        ("𝗯𝗼𝗹𝗱 ｆｕｌｌ", "bold full"),
        ("two\nlines\tand  blanks", "two lines and blanks"),
        ("zero\u200bwidth \u202eturned\u202c", "zerowidth turned"),
        ("&#99999999999999999999999; a", "a"),
    ],
)
def test_what_is_no_language_goes(text: str, clean: str) -> None:
    assert remove_noise(text) == clean


@pytest.mark.parametrize(
    ("text", "tweet"),
    [
        ("@enel it\\u2019s out AGAIN 😡 #blackout https://t.co/x", "@user it’s out AGAIN 😡 #blackout http"),
        ("ask help@enel.it,  gr8 &lt;3", "ask help@enel.it, gr8 <3"),
        ("@enel https://t.co/x", ""),
    ],
)
def test_a_tweet_keeps_its_emoji_and_hashtags_and_hides_whom_and_where_it_points(text: str, tweet: str) -> None:
    assert as_tweet(text) == tweet


@pytest.mark.parametrize("text", ["", "  \n", "😀😀", "\ud800", "\x00", "@user https://t.co/abc", "?!", "..."])
def test_noise_alone_leaves_nothing(text: str) -> None:
    assert remove_noise(text) == ""
    assert normalise([text]) == [""]


@pytest.mark.parametrize(
    ("text", "standard"),
    [
        ("u cant, we will b there", "you cannot, we will be there"),
        ("I can’t, won't and don't", "I cannot, will not and do not"),
        ("It's John's meter", "It is John's meter"),
        ("Im sooooo happyyyy", "I am so happy"),
        ("OMG thx 4 nothing lol", "Oh my god thanks 4 nothing laughing out loud"),
        ("Workin w/o power, pls help", "Working without power, please help"),
        ("ppl r waiting b4 8:30", "people are waiting before 8:30"),
        ("The U.S. price is 24.50 at 2 kW", "The U.S. price is 24.50 at 2 kW"),
        ("Pay ur bill if ur going", "Pay your bill if you are going"),
        ("Standard English stays as it is, Mr. Rossi.", "Standard English stays as it is, Mr. Rossi."),
    ],
)
def test_words_become_standard_english(text: str, standard: str) -> None:
    assert normalise([text]) == [standard]


def test_no_slur_is_put_into_a_text() -> None:
    assert normalise(["my nigga"]) == ["my nigga"]


def test_the_chooser_gets_the_open_words_of_all_texts_at_once() -> None:
    calls: list[list[tuple[str, int]]] = []

    def last(slots: Sequence[Slot]) -> list[str]:
        calls.append([(slot.tokens[slot.position], len(slot.candidates)) for slot in slots])
        return [slot.candidates[-1].text for slot in slots]

    answers = normalise(["ur late", "nothing open here", "yes ur"], last)
    assert [[token for token, _ in call] for call in calls] == [["ur", "ur"]]
    assert all(count > 1 for _, count in calls[0])
    assert answers[1] == "nothing open here"
    assert answers[0] != "ur late"


def test_candidates_have_probabilities_and_the_best_come_first() -> None:
    def check(slots: Sequence[Slot]) -> list[str]:
        for slot in slots:
            shares = [candidate.probability for candidate in slot.candidates]
            assert shares == sorted(shares, reverse=True)
            assert all(share > 0 for share in shares)
            assert sum(shares) == pytest.approx(1)
        return [slot.candidates[0].text for slot in slots]

    normalise(["ur n 2 b w its c 4 yo"], check)


def test_tokens_are_normalised_one_by_one_and_contractions_stay() -> None:
    tokens = ["RT", "@Enel", ":", "U", "dont", "lol", "#ttyl", "http://t.co/A", "Can't", "!!!"]
    expected = ["rt", "@enel", ":", "you", "don't", "laughing out loud", "#ttyl", "http://t.co/a", "can't", "!!!"]
    assert normalise_tokens([tokens, []]) == [expected, []]


def test_texts_do_not_influence_each_other() -> None:
    texts = ["u r late", "", "its ur bill", "😀"]
    assert normalise(texts) == [normalise([text])[0] for text in texts]
    assert normalise([]) == []


@settings(deadline=None)
@given(st.one_of(ANY_TEXT, NOISY_TEXT))
def test_any_text_is_cleaned(text: str) -> None:
    clean = remove_noise(text)
    clean.encode("utf-8")  # no lone surrogate
    assert clean == " ".join(clean.split())
    assert "\x00" not in clean
    normalise([text])[0].encode("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["x", "@", "#", "&", "&#", "http:", "a.", "1.", "!?", "😀", "'", "\\u00", "a-", "RT "])
def test_a_megabyte_of_anything_is_read_in_linear_time(unit: str) -> None:
    normalise([unit * (1_000_000 // len(unit)) + "x"])  # a pattern that backtracks would take hours
