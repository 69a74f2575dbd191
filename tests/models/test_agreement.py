"""The converted models answer as the originals do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from socialnlp_assets.models.packaging_check import compare_scores, compare_texts
from tests.models import tiny
from tests.models.conftest import Pair

pytestmark = pytest.mark.slow
Pairs = Callable[[str], Pair]


def test_sentiment_agrees_on_labels_and_scores(pair: Pairs) -> None:
    rows = tiny.reviews(300, seed=9)
    ours, theirs = pair("sentiment").predict([text for text, _ in rows])
    figures = compare_scores(ours, theirs)
    assert figures["same_label"] >= 0.99
    assert figures["score_difference"] <= 0.02
    names = ("negative", "neutral", "positive")
    right = sum(max(scores, key=scores.get) == names[label] for scores, (_, label) in zip(ours, rows, strict=True))
    assert right >= 0.9 * len(rows)  # else the labels would mean nothing


@pytest.mark.parametrize("beams", [1, 5])
def test_translations_are_the_same(pair: Pairs, beams: int) -> None:
    rows = tiny.sentences(60, seed=9)
    texts = [text for text, _ in rows]
    ours, theirs = pair("translator").predict(
        texts, src_lang=["it"] * 60, tgt_lang="en", num_beams=beams, max_length=40
    )
    figures = compare_texts(ours, theirs)
    assert figures["same_text"] >= 0.95 or figures["chrf"] >= 95
    assert compare_texts(ours, [text for _, text in rows])["chrf"] >= 60  # it has learnt something


@pytest.mark.parametrize("beams", [1, 4])
def test_summaries_are_the_same(pair: Pairs, beams: int) -> None:
    texts = [text for text, _ in tiny.articles(20, seed=9)]
    ours, theirs = pair("summarizer").predict(texts, min_length=5, max_length=60, num_beams=beams)
    assert compare_texts(ours, theirs)["same_text"] >= 0.95
    assert all(len(summary) < len(text) for summary, text in zip(ours, texts, strict=True))


def test_the_language_model_chooses_the_same_words_by_their_context(pair: Pairs) -> None:
    texts = [
        "i want 2 go home",
        "i have 2 dogs and a cat",
        "we r very happy today",
        "it took one yr to finish the park",
    ]
    ours, theirs = pair("normalizer").predict(texts)
    assert ours == theirs
    assert ours[0] == "i want to go home"
    assert ours[1] == "i have 2 dogs and a cat"
