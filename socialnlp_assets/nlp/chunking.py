"""Sentences, and how a text is cut for summarisation.

The rules: a text under 50 tokens stays itself; up to 250 it is summarised whole; above, it is split at
sentence ends into chunks under 512 tokens, which share a budget of 300 tokens. What a token is, the
caller says: `count_tokens` counts those of the summarising model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

CountTokens = Callable[[str], int]

SHORT, LONG = 50, 250  # tokens: under SHORT a text stays itself, above LONG it is split
CHUNK = 512  # tokens that a chunk stays under
BUDGET = 300  # tokens of all summaries of one text together
MOST_CHUNKS = BUDGET // 20  # a share of fewer tokens is no sentence

_ABBREVIATIONS = """
mr mrs ms dr prof sr jr st vs etc eg ie cf al inc ltd co corp dept est fig figs no nos vol pp p ed eds
gen col capt lt sgt rev hon gov sen rep pres approx tel ext art sec ch jan feb mar apr jun jul aug sep
sept oct nov dec mon tue wed thu fri sat sun a.m p.m u.s u.k u.n e.u e.g i.e ph.d
"""
_NO_END = frozenset(_ABBREVIATIONS.split())
# Possessive, and only at the first of several marks: a megabyte of dots is read once.
_STOP = r"(?<![.!?…。！？])[.!?…。！？]++[\"'”’»)\]]{0,3}+"
_END = re.compile(rf"{_STOP}(?=\s|$)|[。！？]|\n\s*")
_ENDED = re.compile(rf"{_STOP}$")
_CLAUSE_END = re.compile(r"(?<=[,;:])\s+")
_MOST_LETTERS = 40  # of a piece of a word: few enough for any limit, though an emoji may be four tokens


class Mode(StrEnum):
    """What is done with a text."""

    KEEP = "keep"
    WHOLE = "whole"
    SPLIT = "split"


class SummaryPlan(NamedTuple):
    """How to summarise one text: its chunks in order, and the tokens that each chunk's summary may have."""

    mode: Mode
    chunks: list[str]
    max_length: int
    min_length: int
    truncated: bool = False  # the chunks are only the beginning of the text


def plan(
    text: str,
    count_tokens: CountTokens,
    *,
    max_length: int = BUDGET,
    min_length: int = SHORT,
    most_chunks: int | None = None,
) -> SummaryPlan:
    """The plan for `text`. `max_length` is the budget of all its summaries together; no chunk is asked for
    more tokens than it has, nor for a longer minimum than its share. Of a text in more than `most_chunks` only
    those are summarised."""
    total = count_tokens(text)
    if total < SHORT:
        return SummaryPlan(Mode.KEEP, [text], total, 0)
    found = [text] if total <= LONG else split(text, count_tokens)
    chunks = found[:most_chunks]
    share = max(1, min(max_length // len(chunks), total // len(chunks)))
    mode = Mode.WHOLE if total <= LONG else Mode.SPLIT
    return SummaryPlan(mode, chunks, share, min(min_length // len(chunks), share), len(chunks) < len(found))


def sentences(text: str) -> list[str]:
    """The sentences of `text` in order, without the blanks around them; a line end ends one too.

    Abbreviations, initials, decimals and addresses end none.
    """
    found: list[str] = []
    start = 0
    for match in _END.finditer(text):
        if match[0].startswith(".") and not _ends_sentence(text, match.start(), match.end()):
            continue
        found.append(text[start : match.end()].strip())
        start = match.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def _ends_sentence(text: str, dot: int, end: int) -> bool:
    """Whether the full stop at `dot` ends a sentence: not after an abbreviation or an initial, nor where
    the text goes on in lower case."""
    word = text[max(0, dot - 12) : dot].split()[-1:] or [""]
    letters = word[0].lstrip("(\"'[“‘").lower()
    if letters in _NO_END or (len(letters) == 1 and letters.isalpha()):
        return False
    following = text[end : end + 4].lstrip()
    return not following[:1].islower()


def split(text: str, count_tokens: CountTokens, limit: int = CHUNK) -> list[str]:
    """`text` in the fewest chunks of whole sentences, each under `limit` tokens and all about as long.

    A sentence that alone reaches the limit is cut at clauses, then at words, then within a word: every
    letter of the text is in one chunk.
    """
    parts = list(_parts(sentences(text), count_tokens, limit, _FINER))
    fewest = len(_pack(parts, limit, limit))
    even = sum(tokens for _, tokens in parts) / max(1, fewest)
    balanced = _pack(parts, limit, even)
    return balanced if len(balanced) <= fewest else _pack(parts, limit, limit)


def _letters(word: str) -> list[str]:
    return [word[start : start + _MOST_LETTERS] for start in range(0, len(word), _MOST_LETTERS)]


_FINER: tuple[Callable[[str], list[str]], ...] = (_CLAUSE_END.split, str.split, _letters)


def _parts(
    texts: list[str],
    count_tokens: CountTokens,
    limit: int,
    finer: tuple[Callable[[str], list[str]], ...],
) -> Iterator[tuple[str, int]]:
    """`texts` with their tokens, those that reach `limit` cut by the first of `finer` that helps."""
    for text in texts:
        tokens = count_tokens(text)
        if tokens >= limit and finer:
            yield from _parts(finer[0](text), count_tokens, limit, finer[1:])
        else:
            yield text, tokens


def _pack(parts: Sequence[tuple[str, int]], limit: int, enough: float) -> list[str]:
    """Neighbouring parts joined by blanks, as long as they stay under `limit` and were not `enough` yet."""
    chunks: list[list[str]] = []
    size = limit
    for text, tokens in parts:
        if size + tokens >= limit or size >= enough:
            chunks.append([])
            size = 0
        chunks[-1].append(text)
        size += tokens
    return [" ".join(chunk) for chunk in chunks]


def whole_sentences(summary: str) -> str:
    """A model's `summary` without the sentence that it broke off; itself where it has no whole one."""
    found = sentences(summary)
    while len(found) > 1 and not _ENDED.search(found[-1]):
        found.pop()
    return " ".join(found)
