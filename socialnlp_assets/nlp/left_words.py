"""How much of a text a translation leaves untranslated: what a small translator does not know stays as it was."""

from __future__ import annotations

import re
from functools import cache

from socialnlp_assets.nlp.lexicon import shipped_words

_ADDRESS = re.compile(r"\S*[@#/]\S*")  # links, user names and tags stay as they are in every language
_WORD = re.compile(r"[^\W\d_]{3,}")  # short words look alike


def share_known(text: str, english: str) -> float:
    """The share of the words of `text` that its translation did not leave as they were, 0 to 1; 1 without words.

    A word that English has as well counts as known. Names, short words, links, tags and user names do not count.

    >>> share_known("la bolletta di marzo è altissima", "the bill of March is altissima")
    0.6666666666666666
    """
    words = [word for word in _WORD.findall(_ADDRESS.sub(" ", text)) if word == word.lower()]
    kept = set(_WORD.findall(english.lower())) - _english()
    return 1 - sum(word in kept for word in words) / len(words) if words else 1.0


@cache
def _english() -> frozenset[str]:
    return frozenset(shipped_words())
