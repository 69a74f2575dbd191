"""HTML as a reader sees it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialnlp_assets.landing.html import plain_line, plain_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two<br>Three</p>", "One\nTwo\nThree"),
        ("AT&amp;T &lt;3 &#x1F600; &egrave;", "AT&T <3 😀 è"),
        ("no <b>markup</b> <i>to</i>\n  speak of", "no markup to speak of"),
        ("<script>alert(1)</script><style>p {}</style>Seen", "Seen"),
        (
            '<a href="https://x.example"><span class="invisible">https://</span><span>x.example</span></a>',
            "https://x.example",
        ),
        ("<ul><li>a<li>b</ul>", "a\nb"),
        ("5 < 6 and 7 > 2", "5 < 6 and 7 > 2"),
        ("half a tag <p", "half a tag <p"),
        ("<![x oddity <p>after</p>", "<![x oddity after"),
        ("", ""),
        ("half an emoji \ud83d", "half an emoji \ufffd"),
    ],
)
def test_what_a_reader_sees(html: str, text: str) -> None:
    assert plain_text(html) == text


def test_a_title_is_one_line_or_none() -> None:
    assert plain_line("<b>Power</b>\n is back") == "Power is back"
    assert plain_line("<br>") is None
    assert plain_line(None) is None


@given(st.text(st.characters(exclude_categories=())) | st.text("<>![]-/?& ;#xp"))
def test_anything_is_read(html: str) -> None:
    plain_text(html).encode()


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="no text where HTML is expected"):
        plain_text(7)
