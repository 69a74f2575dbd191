"""Translation to English by phrase tables: `<language>.tsv.gz`, one for each of `languages`, and where it is there a
language model, `english.tsv.gz`, that chooses among the phrases."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

from simplemma import Lemmatizer

from socialnlp_assets.nlp.noise import unescape
from socialnlp_assets.nlp.phrase_table import ENGLISH, PhraseTable
from socialnlp_assets.nlp.word_pairs import WordPairs
from socialnlp_assets.serving.handler import BadModel, Handler, Predictions

REMEMBERED = 10_000  # lemmas a language


class LexiconTranslation(Handler):
    def __init__(self, tables: Mapping[str, PhraseTable]) -> None:
        self._tables = tables

    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:  # noqa: ARG003
        languages = settings.get("languages")
        if not languages:
            raise BadModel(f"{folder / 'model.json'}: languages must list the languages that have a table")
        english = None
        if (path := folder / ENGLISH).exists():
            try:
                with gzip.open(path, "rt", encoding="utf-8") as lines:
                    english = WordPairs.parse(lines)
            except (OSError, ValueError) as error:
                raise BadModel(f"{path}: {error}") from error
        tables = {}
        for language in languages:
            path = folder / f"{language}.tsv.gz"
            try:
                with gzip.open(path, "rt", encoding="utf-8") as lines:
                    lemma = partial(Lemmatizer(cache_max_size=REMEMBERED).lemmatize, lang=language)
                    tables[language] = PhraseTable.parse(lines, lemma, english)
            except (OSError, ValueError) as error:
                raise BadModel(f"{path}: {error}") from error
        return cls(tables)

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:
        languages = parameters["src_lang"]
        return Predictions(
            [self._tables[language].translate(unescape(text)) for text, language in zip(texts, languages, strict=True)]
        )
