"""English contractions, written out ("can't" → "cannot"), and those that lost their apostrophe ("dont")."""

from __future__ import annotations

_WHOLE = {
    "ain't": "is not",
    "b/c": "because",
    "c'mon": "come on",
    "can't": "cannot",
    "dunno": "do not know",
    "gimme": "give me",
    "gonna": "going to",
    "gotta": "got to",
    "kinda": "kind of",
    "lemme": "let me",
    "let's": "let us",
    "ma'am": "madam",
    "outta": "out of",
    "shan't": "shall not",
    "sorta": "sort of",
    "w/": "with",
    "w/o": "without",
    "wanna": "want to",
    "won't": "will not",
    "y'all": "you all",
}
_ENDINGS = {"n't": " not", "'re": " are", "'ve": " have", "'ll": " will", "'m": " am", "'d": " would"}
_BEFORE_IS = "he here how it she that there what when where who why everything nothing something".split()  # noqa: SIM905

_NEGATED = "are could did does do had has have is must need should was were would".split()  # noqa: SIM905
WITHOUT_APOSTROPHE = {
    word.replace("'", ""): word
    for word in (
        *(f"{verb}n't" for verb in _NEGATED),
        *(f"{pronoun}'ve" for pronoun in ("i", "you", "we", "they", "could", "should", "would")),
        *(f"{pronoun}'re" for pronoun in ("you", "they")),
        *(f"{pronoun}'ll" for pronoun in ("you", "they", "it", "that")),
        *(f"{word}'s" for word in ("that", "what", "there", "where", "how", "everyone", "someone", "today")),
        *("ain't", "can't", "i'm", "y'all"),
    )
}
"""The contraction that a word without its apostrophe stands for; no English words ("well", "its") among them."""


def expand_contraction(word: str) -> str:
    """`word`, lower-case, with its contraction written out; a possessive ('s) stays.

    >>> expand_contraction("can't"), expand_contraction("it's"), expand_contraction("meter's")
    ('cannot', 'it is', "meter's")
    """
    if word in _WHOLE:
        return _WHOLE[word]
    for ending, written in _ENDINGS.items():
        stem = word.removesuffix(ending)
        if stem and stem != word:
            return expand_contraction(stem) + written
    if word.endswith("'s") and word[:-2] in _BEFORE_IS:
        return word[:-2] + " is"
    return word
