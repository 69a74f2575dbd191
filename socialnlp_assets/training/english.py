"""English forms of a verb or a noun, from its base form."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

LEXICON = Path(__file__).parent / "lexicon"
PLURALS = {"man": "men", "woman": "women", "child": "children", "person": "people", "foot": "feet", "tooth": "teeth",
           "wife": "wives", "life": "lives", "leaf": "leaves", "thief": "thieves", "mouse": "mice", "wolf": "wolves",
           "gentleman": "gentlemen", "policeman": "policemen", "lady": "ladies"}  # fmt: skip
UNCOUNTED = frozenset(
    [
        "people",
        "news",
        "advice",
        "money",
        "information",
        "data",
        "evidence",
        "staff",
        "trust",
        "research",
        "bullshit",
        "luck",
        "water",
        "snow",
        "police",
        "politics",
        "work",
        "gas",
        "oil",
        "food",
        "bread",
        "fish",
        "rice",
        "justice",
        "waste",
        "holidays",
        "furniture",
        "hair",
    ]
)
_DOUBLED = frozenset(
    [
        "stop",
        "plan",
        "drop",
        "grab",
        "hug",
        "beg",
        "ban",
        "cut",
        "get",
        "put",
        "run",
        "sit",
        "win",
        "hit",
        "let",
        "set",
        "shut",
        "swim",
        "dig",
        "chat",
        "quit",
        "rob",
        "regret",
        "admit",
        "permit",
        "commit",
        "prefer",
        "refer",
        "occur",
        "control",
    ]
)


def plural(noun: str) -> str:
    """Of a noun or a phrase that ends with its noun.

    >>> plural("light bulb"), plural("city")
    ('light bulbs', 'cities')
    """
    before, _, last = noun.rpartition(" ")
    if last in UNCOUNTED:
        return noun
    return f"{before} {PLURALS.get(last) or _with_s(last)}".strip()


def _with_s(last: str) -> str:
    """A noun's plural, and a verb's third person."""
    if last.endswith(("s", "x", "ch", "sh")):
        return last + "es"
    return last[:-1] + "ies" if last.endswith("y") and last[-2:-1] not in "aeiou" else last + "s"


def third(verb: str) -> str:
    """ "get up" → "gets up"."""
    return _first(verb, lambda base: {"be": "is", "have": "has", "do": "does", "go": "goes"}.get(base) or _with_s(base))


def past(verb: str) -> str:
    return _first(verb, lambda base: _irregular().get(base, (_regular(base), ""))[0])


def participle(verb: str) -> str:
    return _first(verb, lambda base: _irregular().get(base, ("", _regular(base)))[1])


def gerund(verb: str) -> str:
    def form(base: str) -> str:
        if base.endswith("ie"):
            return base[:-2] + "ying"
        if base.endswith("e") and base not in ("be", "see", "flee", "free"):
            return base[:-1] + "ing"
        return (base + base[-1] if base in _DOUBLED else base) + "ing"

    return _first(verb, form)


def _first(verb: str, form: Callable[[str], str]) -> str:
    base, _, rest = verb.partition(" ")
    return f"{form(base)} {rest}".strip()


def _regular(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2:-1] not in "aeiou":
        return base[:-1] + "ied"
    return (base + base[-1] if base in _DOUBLED else base) + "ed"


@cache
def _irregular() -> dict[str, tuple[str, str]]:
    lines = (LEXICON / "english_irregular.txt").read_text(encoding="utf-8").splitlines()
    entries = " ".join(line for line in lines if not line.startswith("#")).split(";")
    return {base: (past_, participle_) for base, past_, participle_ in map(str.split, entries)}
