"""Noise that social media and translation leave in English text, and how to take it out.

Two halves. `remove_noise` drops what is no language at all: addresses, user names, emoji, escapes,
floods of punctuation. `normalise` then rewrites words that are not standard English ("u" → "you",
"can't" → "cannot"): `candidates` proposes, a chooser decides. The chooser is what differs between
profiles: a masked language model in production, `most_likely` where there is none.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

from socialnlp_assets.nlp.lexicon import Candidate, candidates, expand_contraction

_ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_ADDRESS = re.compile(
    r"(?:https?:|www\.|pic\.twitter\.com|t\.co/)\S*"
    r"|(?<![\w.@-])[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,3}/\S*",
    re.IGNORECASE,
)
_RETWEET = re.compile(r"(?<!\w)(?:RT|MT)\s*@\w+\s*:?|(?<!\w)RT(?!\w)\s*:?")
_USER = re.compile(r"(?<![\w.])\.?@\w+(?:'s\b)?:?")
_HASH = re.compile(r"#(?=\w)")
_EMOTICON = re.compile(
    r"(?<!\S)(?:[<>]?[:;=8xX][-'^o]?[)(\]\[DPpOo/\\|3*@$]{1,9}|<3+|\^_*\^|[-._]{0,2};[-._]{0,2})(?!\w)"
)
_EMPHASIS = re.compile(r"[!?]{2,}")
_DOTS = re.compile(r"\.{4,}")
_REPEATED = re.compile(r"([,;:~*_=+|<>&^%$\"-])\1+")
_SPACE_BEFORE_STOP = re.compile(r"\s+(?=[,.!?;:](?:\s|$))")
_PUNCTUATION_ONLY = re.compile(r"[\W_]+")
_WORD = re.compile(r"w/o?(?!\w)|[^\W_]+(?:'[^\W_]+)*", re.IGNORECASE)

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
        elif character in _KEPT_SYMBOLS:
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


class Slot(NamedTuple):
    """One word that may be written otherwise: where it stands, and its candidates, likeliest first."""

    tokens: Sequence[str]  # the words of the whole text, lower-case
    position: int
    candidates: Sequence[Candidate]  # two or more


Chooser = Callable[[Sequence[Slot]], Sequence[str]]
"""Answers one candidate's text a slot, in order. It sees the slots of all texts at once, to batch them."""


def most_likely(slots: Sequence[Slot]) -> list[str]:
    """The chooser that reads no context: each slot's likeliest candidate."""
    return [slot.candidates[0].text for slot in slots]


def remove_noise(text: str) -> str:
    """`text` without what is no language: one line, single blanks; empty when nothing is left.

    >>> remove_noise("RT @enel: it\\\\u2019s out again!!!! &amp; dark 😡 #blackout https://t.co/x")
    "it's out again! & dark blackout"
    """
    if "\\u" in text:
        text = _ESCAPE.sub(_unescape, text)
    if "&" in text:
        text = html.unescape(html.unescape(text))
    text = _ADDRESS.sub(" ", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    text = text.translate(_CHARACTERS)
    text = _USER.sub(" ", _RETWEET.sub(" ", text))
    text = _EMOTICON.sub(" ", _HASH.sub("", text))
    text = _EMPHASIS.sub(lambda marks: "?" if "?" in marks[0] else "!", text)
    text = _REPEATED.sub(r"\1", _DOTS.sub("...", text))
    text = _SPACE_BEFORE_STOP.sub("", " ".join(text.split()))
    return "" if _PUNCTUATION_ONLY.fullmatch(text) else text


def normalise(texts: Sequence[str], choose: Chooser = most_likely) -> list[str]:
    """`texts` in standard English, one a text, in order: noise removed, words rewritten, contractions
    expanded. Words keep a capital first letter; texts without anything to rewrite cost no choice.
    """
    cleaned = [remove_noise(text) for text in texts]
    matches = [list(_WORD.finditer(text)) for text in cleaned]
    words = [[match[0] for match in found] for found in matches]
    replacements = iter(normalise_tokens(words, choose))
    return [_rewrite(text, found, next(replacements)) for text, found in zip(cleaned, matches, strict=True)]


def normalise_tokens(sentences: Sequence[Sequence[str]], choose: Chooser = most_likely) -> list[list[str]]:
    """Each word of each tokenised sentence in standard spelling, lower-case; contractions stay.

    This is lexical normalisation as the W-NUT 2015 shared task measures it: one answer a token, several
    words in one answer where one stands for several ("lol"); addresses and names are left alone.
    """
    lowered = [[token.lower() for token in sentence] for sentence in sentences]
    answers = [list(tokens) for tokens in lowered]
    open_slots: list[tuple[int, Slot]] = []
    for row, tokens in enumerate(lowered):
        for position, proposed in enumerate(candidates(tokens)):
            if len(proposed) == 1:
                answers[row][position] = proposed[0].text
            else:
                open_slots.append((row, Slot(tokens, position, proposed)))
    chosen = choose([slot for _, slot in open_slots]) if open_slots else []
    for (row, slot), text in zip(open_slots, chosen, strict=True):
        answers[row][slot.position] = text
    return answers


def _rewrite(text: str, matches: Sequence[re.Match[str]], replacements: Sequence[str]) -> str:
    """`text` with each match replaced, and contractions expanded."""
    parts: list[str] = []
    end = 0
    for match, replacement in zip(matches, replacements, strict=True):
        word = match[0]
        new = expand_contraction(word.lower() if replacement == word.lower() else replacement)
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
