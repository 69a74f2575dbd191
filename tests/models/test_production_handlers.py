"""How the production engines treat what is long, mixed or strange."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from benchmarks import architectures
from socialnlp_assets.nlp.noise import normalise
from socialnlp_assets.serving.handler import BadModel, Predictions
from socialnlp_assets.serving.handlers import engine_handler
from socialnlp_assets.serving.handlers.shared.masked_words import MOST_QUESTIONS, MOST_WORDS, Masked, MaskedWords
from socialnlp_assets.serving.loaded_model import Model
from socialnlp_assets.tasks.request_body import parse
from tests.models import tiny
from tests.models.conftest import Pair

pytestmark = pytest.mark.slow
Pairs = Callable[[str], Pair]


def ask(model: Model, texts: list[str], **parameters: Any) -> Predictions:
    return model.predict(parse(json.dumps({"inputs": texts, "parameters": parameters}).encode(), model.task))


def test_a_text_over_512_tokens_is_truncated_and_flagged(pair: Pairs) -> None:
    model = pair("sentiment").fast()
    predictions = ask(model, ["kind", "kind " * 3000, "rude"])
    assert list(predictions.truncated) == [1]
    assert len(predictions.results) == 3


def test_every_text_is_read_in_its_own_language(pair: Pairs) -> None:
    """An English text passes untouched, beside Italian ones in the same request."""
    model = pair("translator").fast()
    first, english, last = ask(model, ["casa luce", "the house", "mare notte"], src_lang=["it", "en", "it"]).results
    assert english == "the house"
    alone = [ask(model, [text], src_lang="it").results[0] for text in ("casa luce", "mare notte")]
    assert [first, last] == alone


def test_a_long_text_is_translated_to_its_end(pair: Pairs) -> None:
    model = pair("translator").fast()
    sentence = tiny.sentences(1, seed=3)[0][0].capitalize() + ". "
    alone, translation = ask(model, [sentence, sentence * 200], src_lang="it", max_length=64).results
    assert len(translation.split()) > 5 * len(alone.split())


def test_a_short_text_is_its_own_summary_and_a_long_one_is_not_longer_than_its_budget(pair: Pairs) -> None:
    model = pair("summarizer").fast()
    short = "The shop is kind."
    long = " ".join(text for text, _ in tiny.articles(12, seed=5))
    kept, summary = ask(model, [short, long], min_length=0).results
    assert kept == short
    assert 0 < len(summary.split()) <= 300


@pytest.mark.parametrize(
    ("name", "settings"),
    [("summarizer", {"generation": {"length_penalty": "long"}}), ("normalizer", {"padding": "none"})],
)
def test_the_warm_up_reaches_the_model(pair: Pairs, tmp_path: Path, name: str, settings: dict[str, Any]) -> None:
    """Settings that fail only where the engine is asked."""
    folder = Path(shutil.copytree(pair(name).folder, tmp_path / name))
    model = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(model | settings))
    with pytest.raises(BadModel, match="cannot be loaded"):
        Model.load(folder, threads=1)


def test_texts_full_of_slang_keep_little(tmp_path: Path) -> None:
    """Of a vocabulary of the production size: a row of it for each question would be 122 kB."""
    size = dataclasses.replace(architectures.TINY, vocabulary=30_522)
    folder = architectures.distilbert(tmp_path, ["u r 2 late you are to for be before"], size)
    handler = engine_handler("reference-masked-lm").load(folder, {}, threads=1)
    handler.predict(["u r 2 late"], {})
    tracemalloc.start()
    try:
        results = handler.predict(["u r 2 late " * 20] * 5, {}).results
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(results) == 5
    assert peak < 30e6


def test_the_noise_filters_model_is_asked_a_bounded_number_of_questions(pair: Pairs) -> None:
    asked: list[int] = []

    def score(questions: list[Masked]) -> list[list[float]]:
        asked.append(len(questions))
        return [[0.0] * len(question.readings) for question in questions]

    tokenizer = Tokenizer.from_file(str(pair("normalizer").folder / "tokenizer.json"))
    long, short = normalise(["u r 2 late " * 5_000, "u r 2 late"], MaskedWords(tokenizer, score))
    assert len(long.split()) >= 20_000
    assert long.startswith(short)
    assert max(asked) <= MOST_QUESTIONS
    assert MOST_WORDS < sum(asked) < 4 * MOST_WORDS


STRANGE = ["😡" * 40, "كيف حالك اليوم", "a" * 30_000, "\ufffd\ufffd", "﷽ ‮abc‬", "<mask> </s> [MASK]", "."]


@pytest.mark.parametrize("name", ["sentiment", "translator", "summarizer", "normalizer"])
def test_strange_texts_get_an_answer_each(pair: Pairs, name: str) -> None:
    model = pair(name).fast()
    parameters = {
        "src_lang": ["it"] * len(STRANGE),
        "tgt_lang": "en",
        "num_beams": 1,
        "max_length": 32,
        "min_length": 0,
    }
    assert len(model.handler.predict(STRANGE, parameters).results) == len(STRANGE)
