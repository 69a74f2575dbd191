"""Every form of the Italian words in `lexicon/` with its English: conjugation, plurals, a few fixed patterns.

The forms are generated, so some do not exist; that costs a little space and no quality.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from socialnlp_assets.training.english import gerund, participle, past, plural, third

LEXICON = Path(__file__).parent / "lexicon"
PRONOUNS = {
    "mi": "me",
    "ti": "you",
    "ci": "us",
    "vi": "you",
    "lo": "it",
    "la": "it",
    "l'": "it",
    "li": "them",
    "le": "them",
    "gli": "him",
}
HAVE = {
    "aveva": "had",
    "avevo": "I had",
    "avevano": "had",
    "avrebbe": "would have",
    "aver": "have",
}
LESS = 0.5  # off a form that is more often something else, and of what a lexicon marks with "?"
EXPRESSION = 0.5  # for each further word of an expression, which says more than its words
REFLEXIVE = {"mi": 0, "ti": 1, "si": 2, "ci": 3, "vi": 4}
# Endings by person, singular and then plural: present, imperfect, future, conditional.
PRESENT = {
    "are": ("o", "i", "a", "iamo", "ate", "ano"),
    "ere": ("o", "i", "e", "iamo", "ete", "ono"),
    "ire": ("o", "i", "e", "iamo", "ite", "ono"),
    "isc": ("isco", "isci", "isce", "iamo", "ite", "iscono"),
}
IMPERFECT = ("vo", "vi", "va", "vamo", "vate", "vano")
FUTURE = ("ò", "ai", "à", "emo", "ete", "anno")
CONDITIONAL = ("ei", "esti", "ebbe", "emmo", "este", "ebbero")
THEY = 5  # the number of a person that a sentence often leaves out, and English does not
SUBJECT = ("I ", "you ", "", "we ", "you ", "")
NOT_ISC = frozenset(
    [
        "riempire",
        "dormire",
        "partire",
        "sentire",
        "aprire",
        "offrire",
        "soffrire",
        "servire",
        "seguire",
        "vestire",
        "bollire",
        "coprire",
        "scoprire",
        "divertire",
        "fuggire",
        "pentire",
        "inseguire",
        "avvertire",
    ]
)


def italian() -> Iterator[tuple[str, str, float, str]]:
    """Italian, English, how sure (log10, 0 at most), and N for a noun, A for an adjective, else nothing."""
    for word, english in entries("it_forms.txt", ";"):
        sure = EXPRESSION * word.count(" ") - LESS * english.count("?")
        yield word, english.rstrip("?"), sure, ""
    names: set[str] = set()
    for row in _nouns_and_adjectives():
        names.add(row[0])
        yield row
    pairs = [pair.split() for pair in sections("it_participles.txt", ";")]
    irregular = {infinitive: form for infinitive, form in pairs}  # noqa: C416 (dict() loses the type)
    for verb, english in entries("it_verbs.txt"):
        for form, said, sure, kind in verb_forms(verb, english.rstrip("*"), english.endswith("*"), irregular):
            yield form, said, sure - LESS * (form in names and said.startswith(("I ", "you "))), kind


def _nouns_and_adjectives() -> Iterator[tuple[str, str, float, str]]:
    for noun, english in entries("it_nouns.txt"):
        yield noun, english, -0.1, "N"
        for doubt, form in enumerate(plurals(noun)):
            yield form, plural(english), -0.2 - 1.5 * doubt, "N"
    for adjective, english in entries("it_adjectives.txt"):
        for form in adjective_forms(adjective):
            yield form, english, -0.5, "A"
        if adjective.endswith(("o", "e")):
            stem = adjective[:-1] + ("h" if adjective.endswith(("co", "go")) else "")
            for ending in ("issimo", "issima", "issimi", "issime"):
                yield stem + ending, f"very {english}", -0.3, "A"
            root = adjective[:-1] + "a" if adjective.endswith("o") else adjective[:-1]
            adverb = (adjective[:-1] if adjective.endswith(("le", "re")) else root) + "mente"
            yield adverb, english + "ly" if not english.endswith("y") else english[:-1] + "ily", -0.3, ""


def verb_forms(
    verb: str, english: str, transitive: bool, irregular: dict[str, str]
) -> Iterator[tuple[str, str, float, str]]:
    if verb.endswith("rre"):  # produrre: forms from producere
        stem = verb[:-3] + ("c" if verb.endswith("urre") else "n")
        kind, root = "ere", stem + "e"
    else:
        verb = verb[:-2] + "e" if verb.endswith("si") else verb
        kind, stem, root = verb[-3:], verb[:-3], verb[:-2]
    present = PRESENT["isc" if kind == "ire" and verb not in NOT_ISC else kind]
    says = (f"I {english}", f"you {english}", third(english), f"we {english}", f"you {english}", english)
    denies = (
        f"I do not {english}",
        f"you do not {english}",
        f"does not {english}",
        f"we do not {english}",
        f"you do not {english}",
        f"do not {english}",
    )
    for number, ending in enumerate(present):
        form = _spelled(stem, ending, kind)
        yield form, says[number], -0.2, ""
        yield f"non {form}", denies[number], -0.1, ""
        yield (
            f"non {form} mai",
            says[number].replace(" ", " never ") if SUBJECT[number] else f"never {says[number]}",
            2 * EXPRESSION,
            "",
        )
        if number == THEY:
            yield form, f"they {english}", -LESS, ""
            yield f"non {form}", f"they do not {english}", -LESS, ""
        for pronoun in (name for name, person in REFLEXIVE.items() if person == number):
            yield f"{pronoun} {form}", says[number], -0.3, ""
            yield f"non {pronoun} {form}", denies[number], -0.3, ""
        for pronoun, thing in PRONOUNS.items() if transitive else ():
            if REFLEXIVE.get(pronoun) != number:
                yield f"{pronoun} {form}", f"{says[number]} {thing}", -0.2, ""
                yield f"non {pronoun} {form}", f"{denies[number]} {thing}", -0.2, ""
    done, was = participle(english), past(english)
    for number, ending in enumerate(IMPERFECT):
        yield root + ending, SUBJECT[number] + was, -0.3, ""
        yield f"non {root}{ending}", f"{SUBJECT[number]}did not {english}", -0.2, ""
    future = verb[:-1] if kind != "are" or verb.endswith("rre") else _spelled(stem, "er", kind)
    for number in range(6):
        yield future + FUTURE[number], f"{SUBJECT[number]}will {english}", -0.2, ""
        yield f"non {future}{FUTURE[number]}", f"{SUBJECT[number]}will not {english}", -0.2, ""
        yield f"non {future}{FUTURE[number]} mai", f"{SUBJECT[number]}will never {english}", 2 * EXPRESSION, ""
        yield (
            f"non {future}{FUTURE[number]} mai più",
            f"{SUBJECT[number]}will never {english} again",
            3 * EXPRESSION,
            "",
        )
        yield future + CONDITIONAL[number], f"{SUBJECT[number]}would {english}", -0.2, ""
        yield f"non {future}{CONDITIONAL[number]}", f"{SUBJECT[number]}would not {english}", 0.0, ""
    yield verb, english, -0.2, ""
    yield verb, f"to {english}", -1.0, ""
    for before, said in (("senza", "without"), ("prima di", "before"), ("invece di", "instead of")):
        yield f"{before} {verb}", f"{said} {gerund(english)}", EXPRESSION, ""
    yield verb[:-1], english, -0.3, ""
    for pronoun, thing in {**PRONOUNS, "si": ""}.items():
        yield verb[:-1] + pronoun, f"{english} {thing}".strip(), -0.4, ""
    yield stem + {"are": "ando"}.get(kind, "endo"), gerund(english), -0.2, ""
    for helper, start in (
        ("sto", "I am"),
        ("stai", "you are"),
        ("sta", "is"),
        ("stiamo", "we are"),
        ("stanno", "are"),
        ("stavo", "I was"),
        ("stava", "was"),
    ):
        yield f"{helper} {stem}{'ando' if kind == 'are' else 'endo'}", f"{start} {gerund(english)}", -0.1, ""
    regular = stem + {"are": "ato", "ere": "uto", "ire": "ito"}[kind]
    for masculine in {irregular.get(verb, regular), regular}:
        for ending in "oaie":
            form = masculine[:-1] + ending
            yield form, done, -0.35, ""
            for helper, start in HAVE.items() if ending == "o" else ():
                yield f"{helper} {form}", f"{start} {done}", -0.1, ""
                yield f"non {helper} {form}", f"{start} not {done}", -0.1, ""
            yield f"è stato {form}", f"has been {done}", -0.1, ""
        yield from perfect(masculine[:-1], english, transitive)
    if kind != "are":
        yield _spelled(stem, "a", kind), third(english), -0.6, ""
        yield _spelled(stem, "ano", kind), english, -0.6, ""
    else:
        yield stem + "ò", was, -0.3, ""
        yield stem + "arono", was, -0.3, ""
        yield stem + "asse", was, -0.5, ""
        yield stem + "ino", english, -0.5, ""


def perfect(stem: str, english: str, transitive: bool) -> Iterator[tuple[str, str, float, str]]:
    """What was done, as Italians tell it: "ho visto", "mi hanno visto", "si è visto", "è arrivato"."""
    was = past(english)
    for number, helper in enumerate(("ho", "hai", "ha", "abbiamo", "avete", "hanno")):
        said = SUBJECT[number] + was
        yield f"{helper} {stem}o", said, 0.0, ""
        yield f"non {helper} {stem}o", f"{SUBJECT[number]}did not {english}", 0.0, ""
        yield f"non {helper} mai {stem}o", f"{SUBJECT[number]}never {was}", 3 * EXPRESSION, ""
        if number == THEY:
            yield f"{helper} {stem}o", f"they {was}", -LESS, ""
            yield f"non {helper} {stem}o", f"they did not {english}", -LESS, ""
            said = f"they {was}"
        for pronoun, thing in PRONOUNS.items() if transitive else ():
            for ending in "oa":
                yield f"{pronoun} {helper} {stem}{ending}", f"{said} {thing}", 2 * EXPRESSION, ""
    reflexive = (
        ("mi sono", 0, "oa"),
        ("ti sei", 1, "oa"),
        ("si è", 2, "oa"),
        ("ci siamo", 3, "ie"),
        ("si sono", 5, "ie"),
    )
    for helper, number, endings in reflexive:
        for ending in endings:
            yield f"{helper} {stem}{ending}", SUBJECT[number] + was, 0.0, ""
            yield f"non {helper} {stem}{ending}", f"{SUBJECT[number]}did not {english}", 0.0, ""
    for helper, number, endings in (
        ("sono", 0, "oa"),
        ("sei", 1, "oa"),
        ("è", 2, "oa"),
        ("siamo", 3, "ie"),
        ("sono", 5, "ie"),
    ):
        for ending in endings if not transitive else "":
            yield f"{helper} {stem}{ending}", SUBJECT[number] + was, 0.0, ""
            yield f"non {helper} {stem}{ending}", f"{SUBJECT[number]}did not {english}", 0.0, ""


def _spelled(stem: str, ending: str, kind: str) -> str:
    """Italian keeps the sound of an infinitive in -are: cerco, cerchi; mangio, mangi."""
    if kind == "are" and ending[0] in "ei":
        if stem.endswith(("c", "g")):
            return f"{stem}h{ending}"
        if stem.endswith(("ci", "gi", "sci")) or (stem.endswith("i") and ending[0] == "i"):
            return stem[:-1] + ending
    return stem + ending


def plurals(noun: str) -> list[str]:
    if noun.endswith(("ca", "ga")):
        return [noun[:-1] + "he", noun[:-1] + "hi"]
    if noun.endswith(("co", "go")):
        return [noun[:-1] + "hi", noun[:-1] + "i"]
    if noun.endswith("io"):
        return [noun[:-1], noun[:-2] + "ii"]
    if noun.endswith(("cia", "gia")):
        return [noun[:-2] + "e", noun[:-1] + "e"]
    if noun.endswith("a"):
        return [noun[:-1] + "e", noun[:-1] + "i"]
    return [noun[:-1] + "i"] if noun.endswith(("o", "e")) else []


def adjective_forms(adjective: str) -> list[str]:
    if adjective.endswith("o"):
        feminine = adjective[:-1] + "a"
        return [adjective, feminine, *plurals(adjective), plurals(feminine)[0]]
    return [adjective, *plurals(adjective)]


def entries(name: str, separator: str | None = None) -> Iterator[tuple[str, str]]:
    for entry in sections(name, separator):
        word, english = entry.split("=")
        yield word.strip(), english.strip().replace("_", " ")


def sections(name: str, separator: str | None) -> Iterator[str]:
    """The entries of a file in `lexicon/`: by lines and within them by `separator`, else blanks."""
    for line in (LEXICON / name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            yield from (entry for entry in line.split(separator) if entry.strip())
