"""The phrase tables of the translator: learned from sentences that translate each other, and written by hand."""

from __future__ import annotations

import gzip
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from sacrebleu.metrics.chrf import CHRF

from socialnlp_assets.nlp.english import MODEL
from socialnlp_assets.nlp.phrase_table import ENGLISH, PhraseTable, tokens
from socialnlp_assets.nlp.word_pairs import WordPairs
from socialnlp_assets.training.alignment import phrase_counts
from socialnlp_assets.training.italian import EXPRESSION, entries, italian
from socialnlp_assets.training.swahili import swahili

LANGUAGES, LEARNED = ("it", "fr", "sw"), ("fr", "sw")
CHOICES = 3  # translations of a phrase, among which the language model chooses
CAREFUL = 3  # how often a sentence of TICO-19 counts in it
SEEDS = Path(__file__).parent / "seeds"
POSTS = ("themes.tsv", "reputation.tsv", "aspects.tsv", "emotions.tsv", "neutral.txt")
HELD_OUT = 300
LEAST = 2  # a phrase of several words seen less often is chance
Entry = tuple[str, str, float, str]


def translator(data: Path, folder: Path) -> dict[str, float]:
    """Learn French and Swahili from the TMX files below `data`/translation; the figures are entries by language, and
    chrF where it is learned."""
    folder.mkdir(parents=True, exist_ok=True)
    figures: dict[str, float] = {}
    for language in LANGUAGES:
        rows = best(table(data, language))
        _write(folder / f"{language}.tsv.gz", (
            "\t".join([source, english, f"{score:.2f}", kind]).rstrip("\t")
            for source, found in sorted(rows.items()) for english, score, kind in found
        ))  # fmt: skip
        figures[language] = len(rows)
        if language in LEARNED:
            figures[f"{language} chrF"] = round(chrf(data, language), 1)
    texts = [english for language in LEARNED for _, english in read_tmx(_tmx(data, language))]
    _write(folder / ENGLISH, language_model(data, texts).lines())
    settings = {"name": "translator", "task": "translation", "engine": "lexicon-translation", "languages": LANGUAGES}
    (folder / "model.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    return figures


def language_model(data: Path, texts: Iterable[str]) -> WordPairs:
    """Of `texts` (which count more: they are written carefully), GoEmotions' comments and the project's own posts."""
    comments = (data / "goemotions" / "train.tsv").read_text(encoding="utf-8").splitlines()
    posts = [text for name in POSTS for text in (SEEDS / name).read_text(encoding="utf-8").splitlines()]
    said = [line.split("\t")[0] for line in comments] + [line.split("\t")[-1] for line in posts]
    return WordPairs.learn([tokens(text) for text in said] + CAREFUL * [tokens(text) for text in texts])


def _write(path: Path, lines: Iterable[str]) -> None:
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        for line in lines:
            file.write(line.encode() + b"\n")


def _tmx(data: Path, language: str) -> Path:
    return data / "translation" / f"all.en-{language}.tmx"


def table(data: Path, language: str) -> Iterator[Entry]:
    """All entries of one language."""
    if language == "it":
        yield from italian()
        return
    for source, english in entries(f"{language}_forms.txt", ";"):
        kind, _, bare = english.rpartition(":")  # "N:friend"
        yield source, bare, EXPRESSION * source.count(" ") - 0.1, kind
    if language == "sw":
        yield from swahili()
    pairs = list(read_tmx(_tmx(data, language)))
    yield from learned([foreign for foreign, _ in pairs], [english for _, english in pairs])


def learned(sources: Sequence[str], targets: Sequence[str]) -> Iterator[Entry]:
    """The phrases of sentence pairs, scored by how often each stands for the other."""
    counts = phrase_counts([tokens(text) for text in sources], [tokens(text) for text in targets])
    of_source: Counter[str] = Counter()
    of_target: Counter[str] = Counter()
    for (source, target), count in counts.items():
        of_source[source] += count
        of_target[target] += count
    kinds, spelling = word_kinds(targets), names(targets)
    for (source, target), count in counts.items():
        if count >= LEAST or " " not in source:
            score = math.log10(count / (of_source[source] + 0.5)) + 0.3 * math.log10(count / (of_target[target] + 0.5))
            english = " ".join(spelling.get(word, word) for word in target.split())
            yield source, english, score, "" if " " in source else kinds.get(target, "")


def best(rows: Iterable[Entry]) -> dict[str, list[tuple[str, float, str]]]:
    """By source phrase its `CHOICES` best translations, the best first, each once."""
    found: dict[str, dict[str, tuple[float, str]]] = defaultdict(dict)
    for source, english, score, kind in rows:
        if english not in found[source] or found[source][english][0] < score:
            found[source][english] = (score, kind)
    return {
        source: [(english, score, kind) for english, (score, kind) in sorted(choices.items(), key=_rank)[:CHOICES]]
        for source, choices in found.items()
    }


def _rank(choice: tuple[str, tuple[float, str]]) -> tuple[float, str]:
    return -choice[1][0], choice[0]


def read_tmx(path: Path) -> Iterator[tuple[str, str]]:
    """Foreign and English sentences."""
    for unit in ElementTree.parse(path).iter("tu"):
        english, foreign = ((variant.findtext("seg") or "") for variant in unit.iter("tuv"))
        yield foreign, english


def word_kinds(texts: Sequence[str]) -> dict[str, str]:
    """N or A for the lower-case English words that are mostly nouns or adjectives."""
    import spacy

    tagger = spacy.load(MODEL, disable=["parser", "ner", "lemmatizer"])
    tags: dict[str, Counter[str]] = defaultdict(Counter)
    for document in tagger.pipe(texts):
        for token in document:
            tags[token.lower_][token.pos_] += 1
    letters = {"NOUN": "N", "PROPN": "N", "ADJ": "A"}
    return {word: letters.get(counts.most_common(1)[0][0], "") for word, counts in tags.items()}


def names(texts: Sequence[str]) -> dict[str, str]:
    """Lower-case words that English mostly spells with capitals inside a sentence, as it does."""
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for word in text.split()[1:]:
            bare = word.strip(".,;:()[]\"'?!")
            spellings[bare.lower()][bare] += 1
    usual = {word: counts.most_common(1)[0][0] for word, counts in spellings.items()}
    return {word: spelling for word, spelling in usual.items() if word != spelling}


def chrf(data: Path, language: str) -> float:
    """Of every tenth sentence (at most `HELD_OUT`), translated by a table that has not seen them; 0 to 100."""
    pairs = list(read_tmx(_tmx(data, language)))
    tests, rest = pairs[::10][:HELD_OUT], [pair for number, pair in enumerate(pairs) if number % 10]
    rows = best(learned([foreign for foreign, _ in rest], [english for _, english in rest]))
    lines = ("\t".join([source, *map(str, choice)]) for source, found in rows.items() for choice in found)
    translate = PhraseTable.parse(lines, english=language_model(data, [english for _, english in rest])).translate
    answers = [translate(foreign) for foreign, _ in tests]
    return float(CHRF().corpus_score(answers, [[english for _, english in tests]]).score)
