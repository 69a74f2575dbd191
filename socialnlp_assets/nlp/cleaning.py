"""Text as the topic classifiers want it: only the words that carry a topic, in their base form.

Training and prediction must prepare text alike, so this is the one place that does it.
Lemmas are simplemma's, whose English table travels inside its wheel; NLTK's WordNet lemmatizer
needs a corpus that has to be downloaded at run time, which an endpoint without a network cannot do.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|@\w+", re.IGNORECASE)
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")
_MARK = re.compile(r"[.,;:!?()\n]+(?=\s|$)")
_JOINT = re.compile(r" \. |\b(?:and|but|however|although)\b")
_FROM_TO = re.compile(
    r"\bfrom (?P<before>\d{1,9}(?:[.,]\d{1,2})?)(?P<unit> ?(?:euros?|€))? to (?P<after>\d{1,9}(?:[.,]\d{1,2})?)"
)
_APOSTROPHES = str.maketrans("’‘ʼ`", "''''")


@cache
def stop_words() -> frozenset[str]:
    """NLTK's English stop words and those of social media, lower-case."""
    lines = (Path(__file__).parent / "data" / "stop_words.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def prepare_for_classification(text: str) -> str:
    """The lemmas of the content words of an English `text`, lower-case ASCII, separated by single blanks.

    URLs and user names go; of a hashtag the word stays; accented letters keep their base letter and
    whatever else is not ASCII goes. Empty when nothing is left.

    >>> prepare_for_classification("The #meters are BROKEN again!! https://t.co/x")
    'meter break'
    """
    return " ".join([lemmas for lemmas in map(_content, _words(text)) if lemmas])


def prepare_review(text: str) -> str:
    """As `prepare_for_classification`, but every word stays: an opinion hangs on "not", "no", "too", "few". A mark
    between clauses becomes " . ", and of two numbers it is said which way they go.

    >>> prepare_review("The prices weren't too high! Mine went from 80 to 140...")
    'the price be not too high . mine go from 80 up to 140'
    """
    parts = (" ".join(map(_base, _words(part))) for part in _MARK.split(_FROM_TO.sub(_way, text)))
    return " . ".join(part for part in parts if part)


def clauses(prepared: str) -> list[str]:
    """The clauses of a text that `prepare_review` gave, at least one.

    >>> clauses("the staff be kind but slow . never again")
    ['the staff be kind', 'slow', 'never again']
    """
    return [part for part in _JOINT.split(prepared) if part.strip()] or [prepared]


def _way(match: re.Match[str]) -> str:
    before, after = float(match["before"].replace(",", ".")), float(match["after"].replace(",", "."))
    return f"from {match['before']}{match['unit'] or ''} {'up' if after > before else 'down'} to {match['after']}"


def _words(text: str) -> list[str]:
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES)).encode("ascii", "ignore").decode()
    return _WORD.findall(_ADDRESS.sub(" ", text).lower())


@lru_cache(maxsize=100_000)
def _base(word: str) -> str:
    if word in ("can't", "won't", "cannot"):
        return "not"
    if word.endswith("n't"):
        return f"{_lemma(word[:-3])} not"
    return _lemma(word.split("'")[0])


@lru_cache(maxsize=100_000)
def _content(word: str) -> str:
    """What is left of one word: its lemma, or nothing. Most of a corpus is few words: remember them."""
    stops = stop_words()
    if word in stops:
        return ""
    parts = word.removesuffix("'s").split("'")
    return " ".join(lemma for part in parts if part not in stops and (lemma := _lemma(part)) not in stops)


def _lemma(word: str) -> str:
    from simplemma import lemmatize

    lemma: str = lemmatize(word, lang="en").lower()
    return lemma if lemma.isascii() and lemma.isalnum() else word
