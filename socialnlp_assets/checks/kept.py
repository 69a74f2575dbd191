"""What of an hour's texts is still there in what was written of them: pure functions of all texts, each of which
answers how much there was, and how much was kept. Only texts that were rewritten count."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from socialnlp_assets.checks.texts import NAME, NEGATION, cleaned, numbers, words
from socialnlp_assets.nlp.language import detect

Kept = tuple[int, int]  # how many there were, and how many of them were kept
ASKED = 100  # texts of an hour whose language is detected: it takes a millisecond
# Of Italian, French, Spanish and German.
_DENIED = re.compile(
    r"\b(?:non|mai|nessun[oa]?|niente|nulla|pas|jamais|rien|aucune?|nunca|nada|nadie|nicht|kein\w{0,2}|nie)\b",
    re.IGNORECASE,
)
_CAPITAL = re.compile(r"[A-ZÀ-Þ]")


def names(read: Sequence[str], written: Sequence[str]) -> Kept:
    """Names: capitalised words inside a sentence. The first four letters count, for names are translated, too:
    Italia, Italy."""
    return _sum(
        (len(found), sum(name[:4].lower() in answer.lower() for name in found))
        for text, answer in _rewritten(read, written)
        if (found := set(NAME.findall(text)))
    )


def numbers_of(read: Sequence[str], written: Sequence[str]) -> Kept:
    """Numbers of two digits or more."""
    return _sum(
        (len(found), len(found & numbers(answer)))
        for text, answer in _rewritten(read, written)
        if (found := numbers(cleaned(text)))
    )


def negations(read: Sequence[str], written: Sequence[str]) -> Kept:
    """Texts in another language that deny something."""
    return _sum(
        (1, bool(NEGATION.search(answer))) for text, answer in _rewritten(read, written) if _DENIED.search(text)
    )


def endings(read: Sequence[str], written: Sequence[str]) -> Kept:
    """Last words of texts of three words or more, whatever their form."""
    found = ((words(cleaned(text)), words(answer)) for text, answer in _rewritten(read, written))
    return _sum((1, any(word[:4] == all_[-1][:4] for word in answer[-4:])) for all_, answer in found if len(all_) > 2)


def vocabulary(read: Sequence[str], written: Sequence[str]) -> Kept:
    """Words, as often as they are there, with those beside which they stood."""
    found = ((_pairs(words(cleaned(text))), _pairs(words(answer))) for text, answer in _rewritten(read, written))
    return _sum((text.total(), (text & answer).total()) for text, answer in found)


def capitals(read: Sequence[str], written: Sequence[str]) -> Kept:
    """Texts that are written in capital and small letters."""
    found = [(_CAPITAL.findall(text), _CAPITAL.findall(answer), text, answer)
             for text, answer in _rewritten(read, written) if len(text) >= 20]  # fmt: skip
    return _sum(
        (1, 0 < len(after) < len(answer) / 3)
        for before, after, text, answer in found
        if 2 <= len(before) < len(text) / 3 and answer
    )


def languages(known: Sequence[str], texts: Sequence[str], told: Sequence[str]) -> Kept:
    """Texts of six words or more, of which their language, one of the `known`, is told."""
    rows = [(text, language) for text, language in zip(texts, told, strict=True)
            if language in known and len(words(text)) > 5]  # fmt: skip
    asked = rows[:: max(1, len(rows) // ASKED)]
    return _sum((1, detect(text, known)[0] == language) for text, language in asked)


def beginnings(read: Sequence[str], written: Sequence[str]) -> Kept:
    """Texts that do not begin with the three words that most begin with, unless what they were made of does."""
    found = [(words(text)[:3], words(answer)[:3]) for text, answer in _rewritten(read, written)]
    openings = Counter(tuple(answer) for text, answer in found if len(answer) == 3 and answer != text)
    most = openings.most_common(1)[0][1] if openings else 0
    return len(found), len(found) - most


DETAILS: dict[str, Callable[[Sequence[str], Sequence[str]], Kept]] = {
    "names": names, "numbers": numbers_of, "negations": negations, "endings": endings, "vocabulary": vocabulary,
    "capitals": capitals, "beginnings": beginnings,
}  # fmt: skip


def _rewritten(read: Sequence[str], written: Sequence[str]) -> Iterator[tuple[str, str]]:
    return ((text, answer) for text, answer in zip(read, written, strict=True) if text != answer)


def _pairs(found: Sequence[str]) -> Counter[tuple[str, str]]:
    return Counter(itertools.pairwise(found))


def _sum(counts: Iterator[Kept]) -> Kept:
    had = kept = 0
    for one, other in counts:
        had, kept = had + one, kept + other
    return had, kept
