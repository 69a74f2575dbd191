"""Pages that are no article though their server says 200: consent walls, bot checks, "page not found", bare tables.

What such a page says would replace the post, be summarised and scored. They are told by what they say, in the languages
that are read: by a title that says nothing else, by the first sentences of a short text, or by a text most of whose
sentences are about consent. An article about cookies or robots has other sentences too.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml

CONSENT, ROBOT, GONE = "consent wall", "bot check", "page not found"
SHORT = 1500  # characters; walls are shorter, but for consent
BEGINNING = 400
OF_CONSENT = 0.5  # share of the sentences' characters from which a text is a consent wall
PROSE, CELL = 60, 40  # characters of a line that is prose, and of the mean cell of a table that holds none


_SITE = re.compile(r"\s*[|–—·»:]\s*|\s-\s|[.!?…]+\s*$|(?<=[!?.…])\s+")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?\n]*")


def wall(title: str | None, text: str) -> str | None:
    """What the page is instead of an article, as a status; None for an article."""
    if len(text) <= SHORT:
        beginning = f"{title or ''}\n{text[:BEGINNING]}"
        if (_says_only(title) or _says_only(text[:80].split("\n")[0])) or _phrases("gone_text").search(
            text[:BEGINNING]
        ):
            return GONE
        if len({found[0].lower() for found in _phrases("robot").finditer(beginning)}) >= 2:
            return ROBOT
    return CONSENT if _of_consent(text) >= OF_CONSENT else None


def _says_only(title: str | None) -> bool:
    """Whether a part of the title, which may name the site too, says that the page is gone and nothing else."""
    parts = [part.strip(" .!?…:\"'") for part in _SITE.split(title or "")]
    return any(part and _phrases("gone_title").fullmatch(part) for part in parts)


def _of_consent(text: str) -> float:
    """The share of the text that is in sentences of two or more of the words that consent is asked with."""
    sentences = _SENTENCE.findall(text[: 4 * SHORT])
    about = sum(len(one) for one in sentences if sum(term.search(one) is not None for term in _subjects()) >= 2)
    return about / (sum(map(len, sentences)) or 1)


def is_bare_table(text: str) -> bool:
    """Whether the text is short cells and nothing that somebody wrote about them."""
    lines = text.splitlines()
    rows = [line for line in lines if line.startswith("|")]
    cells = [cell.strip() for row in rows for cell in row.strip("| \n").split("|")]
    prose = max((len(line) for line in lines if not line.startswith("|")), default=0)
    return bool(rows) and prose < PROSE and sum(map(len, cells)) <= CELL * len(cells)


@cache
def _phrases(name: str) -> re.Pattern[str]:
    return re.compile("|".join(_listed()[name]), re.IGNORECASE)


@cache
def _subjects() -> list[re.Pattern[str]]:
    return [re.compile(subject, re.IGNORECASE) for subject in _listed()["consent"]]


@cache
def _listed() -> dict[str, list[str]]:
    found: dict[str, list[str]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return found
