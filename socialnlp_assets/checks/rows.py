"""What can be told of one row's columns beside each other: pure functions, which `custom/rows.py` makes expectations
of. What a step derives of its answer must follow from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from socialnlp_assets.checks.texts import UNTOUCHED, words
from socialnlp_assets.nlp.cleaning import stop_words
from socialnlp_assets.nlp.left_words import share_known

SHORT_WORDS, SHORT_CHARACTERS, SHORT_MARKS = 25, 160, 15  # of a text that has fewer than 50 tokens for any model
LONG_WORDS = 300  # more than all tokens that a summary may have


def of_hour(when: datetime, hour: datetime) -> bool:
    """True where `when` lies in the hour that begins at `hour`."""
    return 0 <= (when - hour).total_seconds() < 3600


def translation_told(
    least_known: float,
    language: str,
    read: str,
    written: str,
    translated: bool,
    engine: str | None,
    known: float | None,
    doubtful: bool,
) -> bool:
    """True where engine, share of known words and doubt are those of a translation, or of a text that needed none."""
    if not isinstance(read, str) or translated != (language not in UNTOUCHED) or translated != isinstance(engine, str):
        return False
    if not translated:
        return (known is None or known != known) and not doubtful
    if known is None or abs(known - share_known(read, written)) > 0.01:
        return False
    return doubtful == (known < least_known)


def keywords_scored(most: int, keywords: Sequence[str], scores: Sequence[float]) -> bool:
    """True for at most so many different phrases in lower case, three not of stop words and single letters alone,
    each with a score, best first."""
    if len(keywords) != len(scores) or len(keywords) > most or len(set(keywords)) != len(keywords):
        return False
    if not all(math.isfinite(score) and score >= 0 for score in scores) or list(scores) != sorted(scores, reverse=True):
        return False
    if not all(phrase and phrase.strip() and phrase == phrase.lower() for phrase in keywords):
        return False
    found = [word for phrase in keywords for word in phrase.split() if len(word) > 1 and word not in stop_words()]
    return len(keywords) < 3 or bool(found)


def entities_agree(
    kinds: Sequence[str],
    text: str,
    entities: Sequence[str],
    entity_kinds: Sequence[str],
    starts: Sequence[int],
    ends: Sequence[int],
    *names: Sequence[str],
) -> bool:
    """True where every entity is what `text` has between its two offsets, in the order of the text, and each of `names`
    has those of its kind once."""
    if not len(entities) == len(entity_kinds) == len(starts) == len(ends) or list(starts) != sorted(set(starts)):
        return False
    if not all(start >= 0 and text[start:end] == e for e, start, end in zip(entities, starts, ends, strict=True)):
        return False
    found = list(zip(entities, entity_kinds, strict=True))
    return set(entity_kinds) <= set(kinds) and all(
        list(named) == list(dict.fromkeys(entity for entity, kind_of in found if kind_of == kind))
        for kind, named in zip(kinds, names, strict=True)
    )


def summary_told(text: str, summary: str, summarised: bool) -> bool:
    """True where the flag says whether the text stayed itself, as one of few words does."""
    if summarised != (summary != text):
        return False
    if not summarised:
        return len(words(text)) <= LONG_WORDS
    short = text.isascii() and len(text) < SHORT_CHARACTERS and len(words(text)) < SHORT_WORDS
    marks = sum(not (each.isalpha() or each.isspace()) for each in text) if short else 0  # each may be a token
    return not (short and marks < SHORT_MARKS)
