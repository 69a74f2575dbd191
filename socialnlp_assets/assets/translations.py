"""`translations`: every message in English. English passes untouched."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar

import pyarrow.compute as pc
from pydantic import Field

from socialnlp_assets.assets.rows import ask, result_of_answers
from socialnlp_assets.assets.step import Does, Hour, Lineage, Mistake, Result, Step
from socialnlp_assets.checks import Expectation, Level
from socialnlp_assets.nlp.language import UNDETERMINED
from socialnlp_assets.nlp.left_words import share_known
from socialnlp_assets.schemas import BOOL, FLOAT, TEXT, Column
from socialnlp_assets.settings import Profile

EMBEDDED = "lexicon-translation"  # the engine of the translator that ships
STAND_IN = (
    "A small stand-in translated these: it goes word by word and leaves what it does not know. For the production "
    "model: `socialnlp models package translator`, and the profile `aws` (docs/models.md)."
)
UNTOUCHED = ("en", UNDETERMINED)  # English, and what has no words to translate


class Translations(Step):
    """Every message in English; English messages pass untouched."""

    name: ClassVar = "translations"
    kinds: ClassVar = frozenset({"parquet", "huggingface"})
    resources: ClassVar = frozenset({"lake", "endpoints", "google_translate"})
    writes_text: ClassVar = "text_en"
    makes_english: ClassVar = True

    model: Annotated[str, Does("translation")] = "translator"
    google: tuple[str, ...] = ()  # languages that Google Cloud Translation takes
    least_known: float = Field(default=0.75, ge=0, le=1)  # of a message's words; below it a translation is doubtful

    def columns(self) -> tuple[Column, ...]:
        return (
            Column("text_en", TEXT, "the message in English"),
            Column("translated", BOOL, "false when the message was English already"),
            Column("translation_engine", TEXT, "what translated it; null when nothing did", required=False),
            Column("translation_known", FLOAT, "share of its words that the engine knew, 0 to 1", required=False,
                   between=(0, 1)),
            Column("translation_doubtful", BOOL, f"true when the engine knew less than {self.least_known:.0%}"),
        )  # fmt: skip

    def lineage(self) -> Lineage:
        return {
            "message_id": [("posts", "message_id")],
            "text_en": [self.text, ("posts", "language")],
            "translated": [("posts", "language")],
            "translation_engine": [("posts", "language")],
            "translation_known": [self.text, ("posts", "language")],
            "translation_doubtful": [self.text, ("posts", "language")],
        }

    def mistakes(self, languages: Sequence[str], profile: Profile | None) -> Iterator[Mistake]:
        for position, language in enumerate(self.google):
            if language == "en" or language not in languages:
                yield (
                    ("steps", self.name, "google", position),
                    f"no message in {language!r} is translated; add it to the source's languages or take it out here",
                )
        if profile is Profile.EMBEDDED:
            yield from self._unread(languages)

    def _unread(self, languages: Sequence[str]) -> Iterator[Mistake]:
        """Languages that the embedded translator does not read."""
        embedded = self.catalogue[self.model].embedded
        if "://" in embedded.model:
            return  # what it reads is known when it has been fetched
        folder = embedded.path
        model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        reads = [*model.get("languages", ()), "en"]
        if unread := ", ".join(code for code in languages if code not in (*reads, *self.google)):
            yield (
                ("source", "languages"),
                f"the embedded {self.model} does not read {unread}, only {', '.join(reads)}; take that out, or write "
                f"`translations: {{google: [{unread}]}}`",
            )

    def plausible(self) -> tuple[Expectation, ...]:
        read, pair = "read_message", {"column_A": "read_message", "column_B": "text_en"}
        with_language = {"column_list": ["read_language", read, "text_en"]}
        again = (
            "compare the examples: if the messages are like that, raise `quarantine:` in the workflow's file; else go "
            f"back to the version before of the model `{self.model}`, and run the hour again"
        )
        model = f"look at the answers of the model `{self.model}`, and go back to its version before"
        return (
            Expectation(
                "expect_multicolumn_english_to_be_untouched", with_language,
                "English passes untouched", "rows were mixed up: run the hour again", rejects=True,
            ),
            Expectation(
                "expect_column_pair_text_to_be_answered", pair,
                "a message with words has an English text", again, rejects=True,
            ),
            Expectation(
                "expect_multicolumn_translation_to_differ", with_language,
                "a message in another language is translated", again, rejects=True,
            ),
            Expectation(
                "expect_column_pair_text_to_be_free_of_loops", pair,
                "a translation does not repeat itself", again, rejects=True,
            ),
            Expectation(
                "expect_column_pair_text_to_stay_plain", pair,
                "a translation has no marks of a program", model, rejects=True,
            ),
            Expectation(
                "expect_multicolumn_translation_to_be_told",
                {"column_list": ["read_language", read, *(column.name for column in self.columns())],
                 "least_known": self.least_known, "ignore_row_if": "never"},
                "what is said of a translation is said of this one", "rows were mixed up: run the hour again",
                rejects=True,
            ),
            Expectation(
                "expect_multicolumn_length_to_be_plausible",
                with_language | {"least": 0.4, "most": 2.5, "mostly": 0.98},
                "a translation is about as long as its source", model, error_beyond=0.2,
            ),
            Expectation(
                "expect_multicolumn_length_to_be_plausible",
                with_language | {"least": 0.65, "most": 1.8, "mostly": 0.8},
                "most translations are as long as their sources, by a third", model, error_beyond=0.4,
            ),
            Expectation(
                "expect_column_texts_to_be_in_english", {"column": "text_en", "mostly": 0.85},
                "most words are English", model, error_beyond=0.4,
            ),
            Expectation(
                "expect_column_pair_numbers_to_be_kept", pair | {"mostly": 0.95},
                "numbers of the message are in its translation", model, error_beyond=0.3,
            ),
            Expectation(
                "expect_table_numbers_to_be_kept", {"column_list": [read, "text_en"], "min_share": 0.5},
                "most numbers of the messages are in their translations", model, level=Level.WARNING,
            ),
            Expectation(
                "expect_table_negations_to_be_kept", {"column_list": [read, "text_en"], "min_share": 0.7},
                "what a message denies, its translation denies", model, level=Level.WARNING,
            ),
            Expectation(
                "expect_table_names_to_be_kept", {"column_list": [read, "text_en"], "min_share": 0.3},
                "names of the messages are in their translations", model, level=Level.WARNING,
            ),
            Expectation(
                "expect_table_capitals_to_be_kept", {"column_list": [read, "text_en"], "min_share": 0.5},
                "translations are in capital and small letters", model, level=Level.WARNING,
            ),
            Expectation(
                "expect_table_beginnings_to_differ", {"column_list": [read, "text_en"], "min_share": 0.7},
                "translations do not all begin alike", model, level=Level.WARNING,
            ),
        )  # fmt: skip

    def compute(self, hour: Hour) -> Result:
        posts = hour.read("posts", ["message_id", "message", "language"])
        texts, languages = posts["message"].to_pylist(), posts["language"].to_pylist()
        answers: list[Any] = list(texts)
        engines: list[str | None] = [None] * len(texts)
        usages = []
        ours = [i for i, language in enumerate(languages) if language not in (*UNTOUCHED, *self.google)]
        if ours:
            results, usage = ask(hour, self.model, [texts[i] for i in ours], src_lang=[languages[i] for i in ours])
            _place(answers, ours, results)
            _place(engines, ours, [hour.endpoints.engine(self.model)] * len(ours))
            usages.append(usage)
        google = [i for i, language in enumerate(languages) if language in self.google]
        if google:
            _place(
                answers,
                google,
                hour.resources.google_translate.predict(
                    [texts[i] for i in google], src_lang=[languages[i] for i in google]
                ),
            )
            _place(engines, google, ["google"] * len(google))
        result = result_of_answers(posts, [answers, texts, engines], self.table(), self._row, usages)
        doubtful = pc.sum(result.table["translation_doubtful"]).as_py() or 0
        result.metadata |= {"translations/translated": len(ours) + len(google), "translations/doubtful": doubtful}
        if EMBEDDED in engines:
            result.metadata["translations/stand_in"] = STAND_IN
        return result

    def _row(self, english: str, message: str, engine: str | None) -> Mapping[str, Any]:
        known = round(share_known(message, english), 2) if engine else None
        return {
            "text_en": english,
            "translated": engine is not None,
            "translation_engine": engine,
            "translation_known": known,
            "translation_doubtful": known is not None and known < self.least_known,
        }


def _place(answers: list[Any], positions: list[int], results: list[Any]) -> None:
    for position, result in zip(positions, results, strict=True):
        answers[position] = result
