"""What names a person in a text or an address is replaced, and what only looks like it stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.personal_data import SET, measure
from socialnlp_assets.nlp.permalinks import clean_permalink
from socialnlp_assets.nlp.personal_data import REGIONS, replace_personal_data


def test_the_labelled_set_in_four_languages() -> None:
    lines = SET.read_text(encoding="utf-8").splitlines()
    assert len(lines) >= 200
    for kind, score in measure(SET).items():
        assert score.recall >= 0.97, kind
        assert score.precision >= 0.97, kind


def test_all_of_a_text_and_nothing_else_of_it() -> None:
    text, counts = replace_personal_data("Anna: +39 340 123 4567, anna@example.com (o 06 6982 1234), 12 kWh!", ["it"])
    assert text == "Anna: [phone], [email] (o [phone]), 12 kWh!"
    assert counts == {"phone": 2, "email": 1}


def test_a_countrys_numbers_are_known_in_its_languages() -> None:
    assert replace_personal_data("0788 123 456", ["fr", "en", "sw"]) == ("[phone]", {"phone": 1})
    assert replace_personal_data("Anna 347 1234567", ["fr"]) == ("Anna 347 1234567", {})


@given(st.text(), st.lists(st.sampled_from(sorted(REGIONS))))
def test_what_was_replaced_is_not_replaced_again(text: str, languages: list[str]) -> None:
    once, counts = replace_personal_data(text, languages)
    assert (once == text) == (not counts)
    assert replace_personal_data(once, languages)[0] == once


@given(st.text("0123456789 .-/()+@,", max_size=60), st.sampled_from(sorted(REGIONS)))
def test_texts_of_digits_and_marks(text: str, language: str) -> None:
    replaced, counts = replace_personal_data(text, [language])
    assert replaced.count("[phone]") == counts["phone"]


@given(st.integers(1, 12), st.integers(1, 28), st.integers(1990, 2030), st.sampled_from("./-"))
def test_no_date_is_a_telephone_number(month: int, day: int, year: int, mark: str) -> None:
    for date in (f"{day:02}{mark}{month:02}{mark}{year}", f"{year}{mark}{month:02}{mark}{day:02}"):
        text = f"{date} 08:15, {date} - {date}"
        assert replace_personal_data(text, list(REGIONS)) == (text, {})


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        (
            "https://twitter.com/anna_rossi/status/1673461234567890123?s=20",
            "https://x.com/i/status/1673461234567890123",
        ),
        ("https://mobile.twitter.com/anna/statuses/17", "https://x.com/i/status/17"),
        ("https://x.com/anna", "https://x.com/"),
        ("https://www.instagram.com/anna/p/Cx1_-z/?igsh=x", "https://www.instagram.com/p/Cx1_-z/"),
        ("https://www.facebook.com/anna.rossi.5/posts/123456", "https://www.facebook.com/123456"),
        ("https://www.facebook.com/anna.rossi.5", "https://www.facebook.com/"),
        ("https://www.tiktok.com/@anna/video/71", "https://www.tiktok.com/@/video/71"),
        ("https://www.reddit.com/user/anna/comments/1a2b/title/", "https://www.reddit.com/comments/1a2b"),
        ("https://www.linkedin.com/in/anna-rossi", "https://www.linkedin.com/"),
        (
            "https://www.linkedin.com/posts/anna-rossi_power-activity-71-x",
            "https://www.linkedin.com/feed/update/urn:li:activity:71",
        ),
        ("https://www.youtube.com/watch?v=abc&user=anna", "https://www.youtube.com/watch?v=abc"),
        ("https://www.youtube.com/@anna", "https://www.youtube.com/"),
        ("https://mastodon.example/@anna/112", "https://mastodon.example/112"),
        ("https://anna:secret@news.example/a", "https://news.example/a"),
        ("https://news.example:8443/a?id=3&email=anna%40example.com#c", "https://news.example:8443/a?id=3"),
        ("https://news.example/unsubscribe/anna@example.com", "https://news.example/unsubscribe/-"),
        ("https://news.example/a?q=+39%20340%201234567&p=2", "https://news.example/a?p=2"),
        ("mailto:anna@example.com", ""),
    ],
)
def test_permalinks_keep_the_post_and_not_the_person(url: str, clean: str) -> None:
    assert clean_permalink(url) == clean
    assert clean_permalink(clean) == clean


@pytest.mark.parametrize(
    "url",
    [
        "https://news.example/2026/11/20/power-cut-in-the-north.html?id=30417&page=2",
        "https://www.google.com/maps/place/Store/@45.1,9.2,17z",
        "https://www.facebook.com/permalink.php?story_fbid=1&id=2",
        "",
        "not an address",
    ],
)
def test_other_addresses_stay(url: str) -> None:
    assert clean_permalink(url) == url


@given(st.text(), st.sampled_from(["", "https://", "https://news.example/", "https://x.com/"]))
def test_any_text_for_an_address(text: str, start: str) -> None:
    once = clean_permalink(start + text)
    assert clean_permalink(once) == once
