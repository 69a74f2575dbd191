"""How the production engines treat what is long, mixed or strange."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from socialnlp_assets.serving.handler import Predictions
from socialnlp_assets.serving.models import Model
from socialnlp_assets.serving.protocol import parse
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
