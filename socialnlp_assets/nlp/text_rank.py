"""Keywords by TextRank: phrases of the words that the other words of a text stand next to.

Source: Mihalcea and Tarau, TextRank: Bringing Order into Texts, EMNLP 2004 (section 3). Added to it: a
phrase counts more the earlier it stands, and words that only point at the text ("paper", "different") do
not count. The tagger reads a text with its capitals, which tell names apart; phrases are lower-case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from socialnlp_assets.nlp.english import pipeline, read
from socialnlp_assets.nlp.noise import remove_noise

if TYPE_CHECKING:
    from spacy.tokens import Doc

DAMPING = 0.85
WINDOW = 2  # how many kept words on its right a word is linked to
EARLY = 1.0  # how much more a phrase counts at the very beginning than at the end

_NOUNS = frozenset(("NN", "NNS", "NNP", "NNPS"))  # Penn tags of spaCy's NOUN and PROPN
_KEPT = _NOUNS | {"JJ", "JJR", "JJS"}  # and of ADJ
_TIED = _KEPT | {"VBN", "VBG", "VBD"}  # what a hyphen may tie to a word: "web-based"

_EMPTY = """
able available bad best better certain common current different due few first further general good great
high important large last least less likely little low main many more most much new next other overall own
particular possible present previous recent same second several similar small such various whole
case figure fig kind lot number paper part ref result study table thing use way work
"""
_EMPTY_WORDS = frozenset(_EMPTY.split())


def extract(texts: Sequence[str], top_k: int = 10) -> list[list[tuple[str, float]]]:
    """The `top_k` best phrases of each English text with their scores, best first; one list a text, in order.

    A phrase is adjectives and nouns that end in a noun. Its score is the sum of its words' PageRank, halved
    for a single word (in a long text more than doubled), and up to doubled for standing early. A text without
    nouns has no phrases.

    >>> extract(["The smart meters of our energy company fail. Smart meters are new."])[0][0][0]
    'smart meters'
    """
    phrases: list[list[tuple[str, float]]] = [[] for _ in texts]
    with pipeline().memory_zone():  # spaCy forgets the words of these texts: a server reads without end
        for index, doc in read(texts, ("tok2vec", "tagger"), remove_noise):
            habit = _LONG_TEXT if len(doc) > LONG else _SHORT_TEXT
            scores = _score(*_read(_words(doc), habit.most_words), habit.single_word)
            phrases[index] = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:top_k]
    return phrases


def page_rank(size: int, links: Mapping[tuple[int, int], float]) -> list[float]:
    """The PageRank of nodes 0 to `size` - 1 of an undirected graph, by power iteration; sums to 1.

    `links` weighs pairs of nodes. The cost grows with the links, not with the square of the nodes.
    """
    import numpy as np

    if not size:
        return []
    ends = np.array(list(links), dtype=np.intp).reshape(-1, 2)
    source, target = np.concatenate([ends, ends[:, ::-1]]).T
    weights = np.tile(np.fromiter(links.values(), dtype=float), 2)
    degree = np.bincount(source, weights, minlength=size)
    weights /= degree[source]
    alone = degree == 0  # hands its rank to everybody
    ranks = np.full(size, 1 / size)
    for _ in range(100):
        moved = np.bincount(target, ranks[source] * weights, minlength=size) + ranks[alone].sum() / size
        previous, ranks = ranks, (1 - DAMPING) / size + DAMPING * moved
        if np.abs(ranks - previous).sum() < 1e-6:
            break
    return list(map(float, ranks))


class _Habit(NamedTuple):
    """How people name what a text is about."""

    single_word: float  # weight of a phrase of one word
    most_words: int  # of a phrase


# Of a post or an abstract by terms of two words and more; of an article, which says much about few things, by one.
LONG = 250  # words and marks that make a text an article
_SHORT_TEXT, _LONG_TEXT = _Habit(0.5, 6), _Habit(2.5, 3)


class _Word(NamedTuple):
    text: str
    tag: str
    lemma: str  # lower-case
    space: bool  # whether a blank follows


class _Phrase(NamedTuple):
    lemmas: tuple[str, ...]
    position: float  # 0 at the text's beginning, 1 at its end


def _words(doc: Doc) -> list[_Word]:
    """The words of a tagged text, read as arrays: a Python object for each token costs more than its rank."""
    strings = doc.vocab.strings
    columns: list[list[int]] = doc.to_array(["ORTH", "TAG", "SPACY"]).tolist()
    return [
        _Word(text := strings[orth], tag := strings[label], _lemma(doc, index, text, tag), bool(space))
        for index, (orth, label, space) in enumerate(columns)
    ]


def _lemma(doc: Doc, index: int, text: str, tag: str) -> str:
    """The base form: of nouns and adjectives, only plurals have another."""
    if tag not in ("NNS", "NNPS"):
        return text.lower()
    token = doc[index]
    token.pos_ = "NOUN"  # what the tag says; spaCy's attribute ruler costs as much as its tagger
    return str(_lemmatizer().rule_lemmatize(token)[0]).lower()


def _read(words: Sequence[_Word], most: int) -> tuple[list[list[str]], dict[str, _Phrase]]:
    """The kept lemmas of each sentence, and the candidate phrases as they are first written."""
    kept_lemmas: list[list[str]] = [[]]
    phrases: dict[str, _Phrase] = {}
    start = 0  # of the run of words that belong together
    for index, word in enumerate(words):
        kept = word.tag in _KEPT and any(map(str.isalpha, word.text))
        if kept and word.lemma not in _EMPTY_WORDS:
            kept_lemmas[-1].append(word.lemma)
        if not kept and not _tied(words, index, index > start):
            _add_phrase(words, start, index, most, phrases)
            start = index + 1
        if word.tag == ".":
            kept_lemmas.append([])
    _add_phrase(words, start, len(words), most, phrases)
    return kept_lemmas, phrases


def _tied(words: Sequence[_Word], index: int, in_run: bool) -> bool:
    """Whether a hyphen ties `words[index]` into a run that its tag would not put it in."""
    word = words[index]
    if word.text == "-":
        return in_run and not words[index - 1].space and not word.space
    if in_run and words[index - 1].text == "-":
        return True
    if word.space or index + 2 >= len(words) or words[index + 1].text != "-":
        return False
    return not words[index + 1].space and words[index + 2].tag in _TIED and word.text.isalnum()


def _add_phrase(words: Sequence[_Word], start: int, end: int, most: int, phrases: dict[str, _Phrase]) -> None:
    """The phrase in `words[start:end]`, without empty words before it and adjectives after it."""
    while end > start and words[end - 1].tag not in _NOUNS:
        end -= 1
    while start < end and (words[start].lemma in _EMPTY_WORDS or words[start].text == "-"):
        start += 1
    run = words[start:end]
    lemmas = tuple(word.lemma for word in run if word.text != "-")
    if 0 < len(lemmas) <= most:
        text = "".join(word.text + " " * word.space for word in run).strip().lower()
        phrases.setdefault(text, _Phrase(lemmas, start / len(words)))


def _score(
    kept_lemmas: Sequence[Sequence[str]], phrases: Mapping[str, _Phrase], single_word: float
) -> dict[str, float]:
    """Each phrase's score; of phrases with the same lemmas, the first stands for all."""
    numbers: dict[str, int] = {}
    links: Counter[tuple[int, int]] = Counter()
    for lemmas in kept_lemmas:
        nodes = [numbers.setdefault(lemma, len(numbers)) for lemma in lemmas]
        for hop in range(1, WINDOW + 1):
            pairs = zip(nodes, nodes[hop:], strict=False)
            links.update((min(pair), max(pair)) for pair in pairs if pair[0] != pair[1])
    ranks = page_rank(len(numbers), links)
    first = {phrase.lemmas: text for text, phrase in reversed(list(phrases.items()))}
    scores: dict[str, float] = {}
    for lemmas, text in first.items():
        rank = sum(ranks[numbers[lemma]] for lemma in lemmas if lemma in numbers)
        weight = 1.0 if len(lemmas) > 1 else single_word
        scores[text] = rank * weight * (1 + EARLY * (1 - phrases[text].position))
    return scores


@cache
def _lemmatizer() -> Any:
    return pipeline().get_pipe("lemmatizer")
