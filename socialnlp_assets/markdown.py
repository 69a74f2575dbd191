"""Text of people in Markdown, for Dagster's UI: shown as it was written, whatever it was written for.

A post may hold an image, a link or HTML; whoever opens the page would fetch it. So every character that means something
to Markdown, GitHub's tables or HTML is a numeric reference, and addresses are no links.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

_MARKS = re.compile(r"[!-/:-@\[-`{-~]")  # all of ASCII that is no letter, digit or blank
# Among them those that turn the order of what is shown.
_INVISIBLE = re.compile("[\0-\x08\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060-\u2069\ufeff]")
# What the UI makes links of, after it has read all references.
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)", re.IGNORECASE)
WORD_JOINER = "\u2060"  # no width, no line break


def plain(value: object, most: int | None = None) -> str:
    """`value` in one line of Markdown that shows its text and nothing else, cut to `most` characters as shown."""
    text = _INVISIBLE.sub("", " ".join(str("" if value is None else value).split()))
    if most is not None and len(text) > most:
        text = text[: most - 1] + "…"
    return _MARKS.sub(lambda mark: f"&#{ord(mark[0])};", _ADDRESS.sub(WORD_JOINER, text))


def table(names: Sequence[str], rows: Iterable[Sequence[Any]], most: int) -> str:
    """A Markdown table of `rows`, whose cells have `most` characters each."""
    lines = [
        [plain(name) for name in names],
        ["---"] * len(names),
        *([plain(cell, most) for cell in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
