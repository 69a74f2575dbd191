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
from socialnlp_assets.nlp.phrase_table import PhraseTable, tokens
from socialnlp_assets.training.alignment import phrase_counts
from socialnlp_assets.training.italian import entries, italian

LANGUAGES = ("it", "fr", "sw")
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
        with gzip.GzipFile(folder / f"{language}.tsv.gz", "wb", mtime=0) as file:
            for source, (english, score, kind) in sorted(rows.items()):
                file.write("\t".join([source, english, f"{score:.2f}", kind]).rstrip("\t").encode() + b"\n")
        figures[language] = len(rows)
        if language != "it":
            figures[f"{language} chrF"] = round(chrf(data, language), 1)
    settings = {"name": "translator", "task": "translation", "engine": "lexicon-translation", "languages": LANGUAGES}
    (folder / "model.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    return figures


def table(data: Path, language: str) -> Iterator[Entry]:
    """All entries of one language."""
    if language == "it":
        yield from italian()
        return
    for source, english in entries(f"{language}_forms.txt", ";"):
        kind, _, bare = english.rpartition(":")  # "N:friend"
        yield source, bare, -0.1, kind
    pairs = list(read_tmx(data / "translation" / f"all.en-{language}.tmx"))
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


def best(rows: Iterable[Entry]) -> dict[str, tuple[str, float, str]]:
    """By source phrase the entry with the highest score."""
    found: dict[str, tuple[str, float, str]] = {}
    for source, english, score, kind in rows:
        if source not in found or found[source][1] < score:
            found[source] = (english, score, kind)
    return found


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
    pairs = list(read_tmx(data / "translation" / f"all.en-{language}.tmx"))
    tests, rest = pairs[::10][:HELD_OUT], [pair for number, pair in enumerate(pairs) if number % 10]
    rows = best(learned([foreign for foreign, _ in rest], [english for _, english in rest]))
    phrases = {source: (english, score) for source, (english, score, _) in rows.items()}
    translate = PhraseTable(phrases, kinds={source: kind for source, (_, _, kind) in rows.items()}).translate
    answers = [translate(foreign) for foreign, _ in tests]
    return float(CHRF().corpus_score(answers, [[english for _, english in tests]]).score)
