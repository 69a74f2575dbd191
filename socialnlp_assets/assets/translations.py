"""`translations`: every message in English. English passes untouched."""

from __future__ import annotations

from typing import Any

from socialnlp_assets.assets.rows import ask, result_of_answers
from socialnlp_assets.assets.step import Hour, Result, Step
from socialnlp_assets.nlp.language import UNDETERMINED
from socialnlp_assets.schemas import TRANSLATIONS

UNTOUCHED = ("en", UNDETERMINED)  # English, and what has no words to translate


def translate(hour: Hour) -> Result:
    posts = hour.read("posts", ["message_id", "message", "language"])
    texts, languages = posts["message"].to_pylist(), posts["language"].to_pylist()
    options = hour.workflow.steps.translations
    assert options is not None
    answers: list[Any] = list(texts)
    usages = []
    google = [i for i, language in enumerate(languages) if language in options.google]
    ours = [i for i, language in enumerate(languages) if language not in (*UNTOUCHED, *options.google)]
    if ours:
        results, usage = ask(hour, options.model, [texts[i] for i in ours], src_lang=[languages[i] for i in ours])
        _place(answers, ours, results)
        usages.append(usage)
    if google:
        translator = hour.resources.google_translate
        _place(
            answers,
            google,
            translator.predict([texts[i] for i in google], src_lang=[languages[i] for i in google]),
        )
    return result_of_answers(
        posts,
        [answers, languages],
        TRANSLATIONS,
        lambda english, language: {"text_en": english, "translated": language not in UNTOUCHED},
        usages,
    )


def _place(answers: list[Any], positions: list[int], results: list[Any]) -> None:
    for position, result in zip(positions, results, strict=True):
        answers[position] = result


STEP = Step(
    name="translations",
    description="Every message in English; English messages pass untouched.",
    kinds=frozenset({"parquet", "huggingface"}),
    schema=lambda _: TRANSLATIONS,
    inputs=lambda _: ["posts"],
    lineage=lambda _: {
        "message_id": [("posts", "message_id")],
        "text_en": [("posts", "message"), ("posts", "language")],
        "translated": [("posts", "language")],
    },
    compute=translate,
    resources=frozenset({"lake", "endpoints", "google_translate"}),
)
