"""HTML as the text that a reader sees: for messages whose source writes them as a piece of a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from .message import clean_text

_BLOCKS = """
    address article aside blockquote br dd div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li ol p pre
    section table td th tr ul
"""
BLOCKS = frozenset(_BLOCKS.split())
UNSEEN = frozenset({"script", "style", "template", "noscript"})


def plain_text(value: Any) -> str:
    """The text of a piece of HTML, a line a paragraph; a plain text stays what it is. Raises ValueError for no text."""
    if not isinstance(value, str):
        raise ValueError("no text where HTML is expected")
    reader = _Reader()
    try:
        reader.feed(clean_text(value))
        reader.close()
    except AssertionError:  # Python's own reader, of a declaration such as `<![x`
        reader.pieces = [re.sub(r"<[^<>]*>", " ", clean_text(value))]
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).splitlines())
    return "\n".join(line for line in lines if line)


def plain_line(value: Any) -> str | None:
    """The same on one line, for titles; None where nothing is left."""
    return " ".join(plain_text(value).split()) or None if isinstance(value, str) else None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._unseen += tag in UNSEEN
        if tag in BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in UNSEEN))
        if tag in BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(re.sub(r"\s+", " ", data))
