"""Noise that social media and translation leave in English text, and how to take it out.

Two halves. `remove_noise` drops what is no language at all: addresses, user names, emoji, escapes,
floods of punctuation. `normalise` then rewrites words that are not standard English ("u" → "you",
"can't" → "cannot"): the lexicon proposes, a chooser decides. The chooser is what differs between
profiles: a masked language model in production, the lexicon itself where there is none.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Sequence

from socialnlp_assets.nlp.contractions import expand_contraction
from socialnlp_assets.nlp.lexicon import Lexicon, Slot
from socialnlp_assets.nlp.lexicon import lexicon as shipped_lexicon

_ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_NO_CHARACTER = re.compile(r"&#[0-9]{8,};?")  # html.unescape raises at numbers of thousands of digits
_ADDRESS = re.compile(
    r"(?:https?:|www\.|pic\.twitter\.com|t\.co/)\S*"
    r"|(?<![\w.@-])[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,3}/\S*",
    re.IGNORECASE,
)
_LINK = re.compile(r"(?:https?://|www\.|pic\.twitter\.com/|(?<!\w)t\.co/)\S*", re.IGNORECASE)
_NAME = re.compile(r"(?<![\w.@])@\w+")
_RETWEET = re.compile(r"(?<!\w)(?:RT|MT)\s*@\w+\s*:?|(?<!\w)RT(?!\w)\s*:?")
_USER = re.compile(r"(?<![\w.])\.?@\w+(?:'s\b)?:?")
_HASH = re.compile(r"#(?=\w)")
_EMOTICON = re.compile(r"(?<!\S)(?:[<>]?[:;=8xX][-'^o]?[)(\]\[DPpOo/\\|3*@$]{1,9}|<3+|\^_*\^)(?!\w)")
_EMPHASIS = re.compile(r"[!?]{2,}")
_DOTS = re.compile(r"\.{4,}")
_REPEATED = re.compile(r"([,;:~*_=+|<>&^%$\"-])\1+")
_SPACE_BEFORE_STOP = re.compile(r"\s+(?=[,.!?;:](?:\s|$))")
_PUNCTUATION_ONLY = re.compile(r"[\W_]+")
TOKEN = re.compile(
    r"w/o?(?!\w)|b/c(?!\w)|(?:[a-z]\.){2,}"  # abbreviations: "w/o", "U.S."
    r"|\d[\d.,:/-]*\d(?!\w)"  # numbers, times, dates
    r"|[^\W_]+(?:'[^\W_]+)*"  # words
    r"|[^\w\s]+|_+",  # marks
    re.IGNORECASE,
)

# What the lexicon's annotators wrote for milder words; a platform does not put slurs into people's mouths.
_UNWRITTEN = frozenset(("nigger", "niggers", "whore", "whores"))

_KEPT_SYMBOLS = "°©®№"
_TYPOGRAPHY = {
    "‘": "'",
    "’": "'",
    "ʼ": "'",
    "`": "'",
    "´": "'",
    "“": '"',
    "”": '"',
    "«": '"',
    "»": '"',
    "–": "-",
    "—": "-",
}


class _Characters(dict[int, str]):
    """What each character becomes: a table for `str.translate` that fills itself."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if character in _TYPOGRAPHY:
            kept = _TYPOGRAPHY[character]
        elif character in _KEPT_SYMBOLS or (code < 128 and category != "Cc"):
            kept = character
        elif character.isspace() or category in ("Cc", "So", "Sk"):  # controls, emoji and their skin tones
            kept = " "
        elif category in ("Cs", "Cf", "Co", "Cn", "Me") or 0xFE00 <= code <= 0xFE0F:
            kept = ""  # lone surrogates, direction marks, joiners, variation selectors
        else:
            kept = character
        self[code] = kept
        return kept


_CHARACTERS = _Characters()


Chooser = Callable[[Sequence[Slot]], Sequence[str]]
"""Answers one candidate's text a slot, in order. It sees the slots of all texts at once, to batch them."""


def remove_noise(text: str) -> str:
    """`text` without what is no language: one line, single blanks; empty when nothing is left.

    >>> remove_noise("RT @enel: it\\\\u2019s out again!!!! &amp; dark 😡 #blackout https://t.co/x")
    "it's out again! & dark blackout"
    """
    text = _ADDRESS.sub(" ", unescape(text))
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    text = text.translate(_CHARACTERS)
    text = _USER.sub(" ", _RETWEET.sub(" ", text))
    text = _EMOTICON.sub(" ", _HASH.sub("", text))
    text = _EMPHASIS.sub(lambda marks: "?" if "?" in marks[0] else "!", text)
    text = _REPEATED.sub(r"\1", _DOTS.sub("...", text))
    text = _SPACE_BEFORE_STOP.sub("", " ".join(text.split()))
    return "" if _PUNCTUATION_ONLY.fullmatch(text) else text


def unescape(text: str) -> str:
    r"""`text` with the characters that HTML entities and ``\u2019`` stand for.

    >>> unescape("it&amp;#39;s R\\u0026D")
    "it's R&D"
    """
    if "\\u" in text:
        text = _ESCAPE.sub(_unescape, text)
    for _ in range(2):  # what was escaped twice
        if "&" in text:
            text = html.unescape(_NO_CHARACTER.sub(" ", text))
    return text


def as_tweet(text: str) -> str:
    """`text` as the models of tweets learned to read it: ``http`` for a link, ``@user`` for a user name; emoji,
    hashtags and slang stay. Empty where there is nothing but links and user names.

    >>> as_tweet("@enel  it&#39;s out AGAIN 😡 #blackout https://t.co/x")
    "@user it's out AGAIN 😡 #blackout http"
    """
    text = _NAME.sub("@user", _LINK.sub("http", unescape(text)))
    return "" if all(word in ("http", "@user") for word in text.split()) else " ".join(text.split())


def normalise(texts: Sequence[str], choose: Chooser | None = None, *, lexicon: Lexicon | None = None) -> list[str]:
    """`texts` in standard English, one a text, in order: noise removed, words rewritten, contractions
    written out. A capital first letter stays; a word that may be read in several ways is `choose`'s, by
    default the lexicon's own, which looks at the two neighbours.
    """
    cleaned = [remove_noise(text) for text in texts]
    matches = [list(TOKEN.finditer(text)) for text in cleaned]
    readings = normalise_tokens([[match[0] for match in found] for found in matches], choose, lexicon=lexicon)
    return [_rewrite(*row) for row in zip(cleaned, matches, readings, strict=True)]


def normalise_tokens(
    sentences: Sequence[Sequence[str]], choose: Chooser | None = None, *, lexicon: Lexicon | None = None
) -> list[list[str]]:
    """Each token of each sentence in standard spelling, lower-case; contractions stay.

    This is lexical normalisation as the W-NUT 2015 shared task measures it: one answer a token, several
    words in one answer where one stands for several ("lol"); addresses and names are left alone.
    """
    lexicon = lexicon or shipped_lexicon()
    lowered = [[token.lower() for token in sentence] for sentence in sentences]
    answers = [list(tokens) for tokens in lowered]
    slots: list[Slot] = []
    rows: list[int] = []
    for row, tokens in enumerate(lowered):
        for position, candidates in enumerate(lexicon.candidates(tokens)):
            answers[row][position] = candidates[0].text
            if len(candidates) > 1:
                slots.append(Slot(tokens, position, candidates))
                rows.append(row)
    if slots:
        chosen = (choose or lexicon.choose)(slots)
        for row, slot, text in zip(rows, slots, chosen, strict=True):
            answers[row][slot.position] = text
    return answers


def _rewrite(text: str, matches: Sequence[re.Match[str]], readings: Sequence[str]) -> str:
    """`text` with each match replaced by its reading, and contractions written out."""
    parts: list[str] = []
    end = 0
    for match, reading in zip(matches, readings, strict=True):
        word = match[0]
        new = " ".join(map(expand_contraction, (word.lower() if reading in _UNWRITTEN else reading).split()))
        parts.append(text[end : match.start()])
        parts.append(word if new == word.lower() else _with_case(new, word))
        end = match.end()
    parts.append(text[end:])
    return " ".join("".join(parts).split())


def _with_case(new: str, word: str) -> str:
    """`new` with a capital where `word` had one; a word all in capitals may have been shouted."""
    new = re.sub(r"\bi\b", "I", new)
    return new[:1].upper() + new[1:] if word[:1].isupper() else new


def _unescape(escapes: re.Match[str]) -> str:
    r"""The characters of literal ``\uXXXX`` escapes; two halves of a pair become one character."""
    units = b"".join(bytes.fromhex(unit) for unit in escapes[0].split("\\u")[1:])
    return units.decode("utf-16-be", errors="replace")
