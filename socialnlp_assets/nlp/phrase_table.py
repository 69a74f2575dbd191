"""Translation by a table of phrases: the small engine for where no neural one can run.

Words in order, the best-scored cover of each sentence by known phrases and, where a language model is given, of their
English by what follows what (the monotone special case of Koehn, Och and Marcu, Statistical Phrase-Based Translation,
NAACL 2003; a beam search).
Of reordering it knows one kind: an adjective after its noun comes before it, as in English (any two words that the
language model wants the other way round helped by 0.1 chrF and harmed Italian). No agreement; what it does not know it
leaves as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from socialnlp_assets.nlp.word_pairs import START, WordPairs

ENGLISH = "english.tsv.gz"  # the language model, beside the tables
LONGEST = 5  # words of a source phrase
UNKNOWN = -8.0  # log10 score of leaving a word as it is: below any entry worth having
BY_LEMMA = -2.0  # added where only the word's base form is known
NOUN, ADJECTIVE = "N", "A"
SWAP = 0.5  # above leaving both in place
SUBJECTS = frozenset(["i", "you", "he", "she", "it", "we", "they"])
BEAM = 6  # partial translations kept at each word
FLUENCY = 0.4  # what the language model counts for
EACH_WORD = 0.7  # for each English word, which the language model would spare

_KEPT = r"(?:https?://|www\.)\S+|[@#]\w+|\d+(?:[.,:/]\d+)*"
_TOKEN = re.compile(rf"(?P<kept>{_KEPT})|(?P<word>[^\W\d_]+(?:-[^\W\d_]+)*['’]?)|(?P<mark>\S)")
_ACCENTED = dict(zip("aeiou", "àèìòù", strict=True))
_CLOSING = frozenset(",.;:!?)]}%…»”")
_OPENING = frozenset("([{«“¿¡")


def tokens(text: str) -> list[str]:
    """Words and marks as the table knows them: lower-case, straight apostrophes."""
    return [_key(match[0]) for match in _TOKEN.finditer(text)]


def _key(word: str) -> str:
    return word.lower().replace("’", "'")


@dataclass(frozen=True)
class PhraseTable:
    """Source phrases (lower-case words, single blanks, straight apostrophes ending a word: ``l' energia``)
    to English ones with a log10 score; `kinds` says which words are nouns and which adjectives; `lemma` finds a
    word's base form. `others` are further translations of a phrase, among which `english` chooses."""

    phrases: Mapping[str, tuple[str, float]]
    lemma: Callable[[str], str] = str
    kinds: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, list[tuple[str, float]]] = field(default_factory=dict)
    english: WordPairs | None = None

    @classmethod
    def parse(
        cls, lines: Iterable[str], lemma: Callable[[str], str] = str, english: WordPairs | None = None
    ) -> PhraseTable:
        """From lines of ``source <tab> English <tab> log10 score`` and, for a noun or an adjective, ``<tab> N`` or
        ``<tab> A``; of several for one source the best, and the others where there is a language model."""
        others: dict[str, list[tuple[str, float]]] = {}
        phrases: dict[str, tuple[str, float]] = {}
        kinds: dict[str, str] = {}
        for number, line in enumerate(lines, 1):
            try:
                source, translated, score, *kind = line.rstrip("\n").split("\t")
                entry = translated, float(score)
            except ValueError:
                raise ValueError(f"line {number} is not source, English, score: {line!r}") from None
            if english and source in phrases:
                others.setdefault(source, []).append(min(entry, phrases[source], key=lambda known: known[1]))
            if source not in phrases or phrases[source][1] < entry[1]:
                phrases[source] = entry
                kinds[source] = kind[0] if kind else ""
        return cls(phrases, lemma, kinds, others, english)

    @cached_property
    def longest(self) -> int:
        return min(LONGEST, max((source.count(" ") + 1 for source in self.phrases), default=1))

    def translate(self, text: str) -> str:
        """`text` in English, line by line; addresses, user names, tags and numbers stay as they are."""
        return "\n".join(self._line(line) for line in text.split("\n"))

    def _line(self, line: str) -> str:
        matches = list(_TOKEN.finditer(line))
        out: list[str] = []
        start = 0
        for end in range(len(matches) + 1):
            if end == len(matches) or matches[end].lastgroup != "word":
                out += self._words([match[0] for match in matches[start:end]])
                out += [match[0] for match in matches[end : end + 1]]
                start = end + 1
        return _join(out, line)

    def _words(self, words: list[str]) -> list[str]:
        """The English of `words`, between two marks: the cover of highest total score."""
        keys = [_key(word) for word in words]
        # By words covered: score, English so far, its last word.
        best: list[list[tuple[float, tuple[str, ...], str]]] = [[(0.0, (), START)]]
        for end in range(1, len(words) + 1):
            found: dict[str, tuple[float, tuple[str, ...], str]] = {}
            for start in range(max(0, end - self.longest), end):
                for option, score in self._options(words[start:end], keys[start:end]):
                    for so_far, text, last in best[start]:
                        english = _once(option, last)
                        spoken = english.lower().split()
                        total = so_far + score + self._fluency(last, spoken)
                        ending = spoken[-1] if spoken else last
                        if ending not in found or found[ending][0] < total:
                            found[ending] = (total, (*text, english), ending)
            best.append(sorted(found.values(), key=lambda option: -option[0])[: BEAM if self.english else 1])
        return [english for english in best[-1][0][1] if english]

    def _options(self, words: list[str], keys: list[str]) -> list[tuple[str, float]]:
        """What `words` may be in English as one phrase, with scores."""
        source = " ".join(keys)
        if words[0] in self.phrases and words[0].isupper():  # "USA", which is no "usa"
            source = words[0] if len(words) == 1 else source
        entry = self.phrases.get(source)
        if entry is None and len(words) == 1:
            entry = self._single(words[0], keys[0])
        if entry is not None:
            return [(_with_case(english, words), score) for english, score in (entry, *self.others.get(source, ()))]
        return self._swapped(words, keys) if len(words) == 2 else []

    def _fluency(self, last: str, spoken: list[str]) -> float:
        if self.english is None:
            return 0.0
        score = EACH_WORD * len(spoken)
        for word in spoken:
            score += FLUENCY * self.english.score(last, word)
            last = word
        return score

    def _single(self, word: str, key: str) -> tuple[str, float]:
        if key.endswith("'") and (bare := next(filter(self.phrases.__contains__, _without_apostrophe(key)), None)):
            return self.phrases[bare]
        known = self.phrases.get(self.lemma(key).lower())
        return (known[0], known[1] + BY_LEMMA) if known else (word, UNKNOWN)

    def _swapped(self, words: list[str], keys: list[str]) -> list[tuple[str, float]]:
        """A noun and its adjective, the other way round; nothing where `words` are no such pair."""
        if self.kinds.get(keys[0]) != NOUN or self.kinds.get(keys[1]) != ADJECTIVE:
            return []
        noun, adjective = self.phrases[keys[0]], self.phrases[keys[1]]
        english = f"{_with_case(adjective[0], words[1:])} {_with_case(noun[0], words[1:])}"
        return [(english, noun[1] + adjective[1] + SWAP)]


def _without_apostrophe(key: str) -> tuple[str, str]:
    """ "realta'" as people mean it: with an accent, or as the end of a quotation."""
    return key[:-2] + _ACCENTED.get(key[-2:-1], key[-2:-1]), key[:-1]


def _once(english: str, last: str) -> str:
    """`english` without the subject that `last` was: "we" and "we pay" are "we pay"."""
    subject, _, rest = english.partition(" ")
    return rest if rest and subject.lower() == last in SUBJECTS else english


def _with_case(english: str, words: list[str]) -> str:
    if len(words[0].rstrip("'’")) > 1 and all(word.isupper() for word in words):
        return english.upper()
    return english[:1].upper() + english[1:] if words[0][:1].isupper() else english


def _join(tokens: list[str], line: str) -> str:
    """English spacing: none before a closing mark or after an opening one."""
    text = ""
    quoted = False
    glue = True  # nothing between the text so far and the next token
    for token in tokens:
        closing = token in _CLOSING or (token == '"' and quoted)
        text += token if glue or closing else " " + token
        quoted ^= token == '"'
        glue = token in _OPENING or (token == '"' and quoted)
    return text[:1].upper() + text[1:] if line[:1].isupper() else text
