"""The invented texts of the sample messages: sentences from `text/*.txt`, with their slots filled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

TEXT = Path(__file__).parent / "text"

_ITALIAN_PLACES = ("Modena", "Taranto", "Lecco", "Siena", "Cagliari", "Rovigo", "Matera", "Pavia", "Ancona", "Trapani")
_RWANDAN_PLACES = ("Kigali", "Huye", "Musanze", "Rubavu", "Rwamagana", "Nyagatare", "Karongi", "Muhanga")

_SLOTS: dict[str, dict[str, tuple[str, ...]]] = {
    "it": {
        "city": _ITALIAN_PLACES,
        "street": ("via Garibaldi", "viale dei Tigli", "piazza Nuova", "corso Mazzini", "via del Porto"),
        "month": ("gennaio", "marzo", "maggio", "luglio", "settembre", "ottobre", "dicembre"),
        "name": ("Giulia", "Marco", "Teresa", "Davide", "Ilaria"),
    },
    "en": {
        "city": (*_ITALIAN_PLACES, "Bristol", "Leeds", "Cork"),
        "street": ("Garibaldi Street", "Harbour Road", "Linden Avenue", "Station Square", "Mill Lane"),
        "month": ("January", "March", "April", "June", "September", "October", "December"),
        "name": ("Hannah", "Luca", "Teresa", "Oliver", "Priya"),
    },
    "fr": {
        "city": _RWANDAN_PLACES,
        "month": ("janvier", "mars", "mai", "juin", "septembre", "octobre", "décembre"),
        "name": ("Aline", "Claude", "Diane", "Eric", "Solange"),
    },
    "sw": {"city": _RWANDAN_PLACES, "name": ("Amina", "Baraka", "Neema", "Juma", "Zawadi")},
    "en_rwanda": {
        "city": _RWANDAN_PLACES,
        "month": ("January", "March", "May", "June", "September", "October", "December"),
        "name": ("Aline", "Claude", "Diane", "Eric", "Solange"),
    },
}
_TAILS = {
    "it": ("#Enervia", "#bollette", "@Enervia_IT", "😡", "👏👏", "#energia", "😂", "RT per favore", "🙏"),
    "en": ("#Enervia", "#energybills", "@Enervia", "😡", "👏👏", "smh", "lol", "pls fix", "🙏", "thx"),
    "fr": ("#Enervia", "@Enervia_RW", "😡", "👏", "svp", "#Rwanda"),
    "sw": ("#Enervia", "@Enervia_RW", "😡", "👏", "tafadhali", "#Rwanda"),
    "en_rwanda": ("#Enervia", "@Enervia_RW", "😡", "👏", "pls", "#RwOT"),
}


@dataclass(frozen=True)
class Phrase:
    """One sentence and the section that it stands in: a theme, a number of stars or a language."""

    section: str
    text: str


@cache
def phrases(name: str) -> tuple[Phrase, ...]:
    """All sentences of ``text/<name>.txt``; a line ``# section`` opens a section."""
    section, found = "", []
    for line in (TEXT / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            section = line[2:]
        else:
            found.append(Phrase(section, line))
    return tuple(found)


def fill(text: str, name: str, rng: Random) -> str:
    """`text` with its ``{city}``, ``{month}``, ``{euro}``… replaced."""
    slots = {slot: rng.choice(choices) for slot, choices in _SLOTS.get(name, _SLOTS["en"]).items()}
    return text.format(
        **slots,
        hours=rng.randint(2, 9),
        euro=rng.randint(18, 420),
        francs=rng.randrange(1000, 12000, 500),
        year=rng.randint(2027, 2031),
    )


def post(phrase: Phrase, name: str, rng: Random) -> str:
    """A post as people write them: one sentence, sometimes more of the same theme, sometimes noise at the end."""
    sentences = [phrase.text]
    if rng.random() < 0.22:
        same_theme = [other.text for other in phrases(name) if other.section == phrase.section and other != phrase]
        sentences += rng.sample(same_theme, k=min(len(same_theme), rng.choice((1, 1, 2, 4))))
    text = " ".join(fill(sentence, name, rng) for sentence in sentences)
    if rng.random() < 0.35:
        text += " " + " ".join(rng.sample(_TAILS[name], k=rng.choice((1, 1, 2))))
    if rng.random() < 0.08:
        text += f" https://t.example/{rng.randrange(16**6):06x}"
    if rng.random() < 0.05:
        text = text.lower().replace("!", "!!!!")
    return text
