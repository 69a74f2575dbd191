"""Forms of the Swahili verbs in `lexicon/` with their English: subject, tense and stem are one word.

After Loogman, Swahili Grammar and Syntax (1965): `ni-li-nunua`, "I bought"; `ha-wa-ja-lipa`, "they have not paid".
Some forms do not exist; that costs a little space and no quality.
"""

from __future__ import annotations

from collections.abc import Iterator

from socialnlp_assets.training.english import gerund, participle, past, third
from socialnlp_assets.training.italian import LESS, entries

# Prefix, its negative, the English subject, and the forms of "be" and "have" that agree with it.
PEOPLE = (
    ("ni", "si", "I", "am", "have"),
    ("u", "hu", "you", "are", "have"),
    ("a", "ha", "he", "is", "has"),
    ("tu", "hatu", "we", "are", "have"),
    ("m", "ham", "you", "are", "have"),
    ("wa", "hawa", "they", "are", "have"),
)
# Of things, whose nouns stand before the verb.
THINGS = (("i", "hai", "is", "has"), ("zi", "hazi", "are", "have"), ("li", "hali", "is", "has"),
          ("ya", "haya", "are", "have"), ("ki", "haki", "is", "has"), ("vi", "havi", "are", "have"))  # fmt: skip


def swahili() -> Iterator[tuple[str, str, float, str]]:
    """Swahili, English, how sure (log10, 0 at most), and no kind."""
    for stem, verb in entries("sw_verbs.txt"):
        yield f"ku{stem}", f"to {verb}", -0.3, ""
        yield f"hu{stem}", third(verb), -LESS, ""
        for prefix, negative, subject, be, have in PEOPLE:
            for form, said in _forms(prefix, negative, stem, verb, be, have):
                yield form, f"{subject} {said}", -0.2, ""
                if subject in ("he", "they"):
                    yield form, said, -0.2 if subject == "he" else -0.2 - LESS, ""
        for prefix, negative, be, have in THINGS:
            for form, said in _forms(prefix, negative, stem, verb, be, have):
                yield form, said, -0.3, ""


def _forms(prefix: str, negative: str, stem: str, verb: str, be: str, have: str) -> Iterator[tuple[str, str]]:
    lasting = stem[:-1] + "i" if stem.endswith("a") else stem  # of the present that is denied
    does = "does" if have == "has" else "do"
    yield f"{prefix}na{stem}", third(verb) if have == "has" else verb
    yield f"{prefix}na{stem}", f"{be} {gerund(verb)}"
    yield f"{prefix}li{stem}", past(verb)
    yield f"{prefix}ta{stem}", f"will {verb}"
    yield f"{prefix}me{stem}", f"{have} {participle(verb)}"
    state = verb.removeprefix("be ")  # "be late": "is not late", "was not late"
    yield f"{negative}{lasting}", f"{be} not {state}" if state != verb else f"{does} not {verb}"
    yield f"{negative}ku{stem}", f"{past('be')} not {state}" if state != verb else f"did not {verb}"
    yield f"{negative}ta{stem}", f"will not {verb}"
    yield f"{negative}ja{stem}", f"{have} not {participle(verb)}"
