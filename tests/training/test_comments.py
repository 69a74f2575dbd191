"""Emotion and sentiment are learned from comments of one emotion, and from the project's own posts and words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from socialnlp_assets.training.comments import OF_EMOTION, OF_SENTIMENT, comments, rows, words
from socialnlp_assets.training.tweets import EMOTIONS, SENTIMENTS

NAMES = ["anger", "joy", "sadness", "surprise", "optimism", "neutral"]
COMMENTS = [
    ("[NAME] makes me furious", "0"),
    ("what a day", "1"),
    ("what a day, really", "1,3"),
    ("laughing and crying", "1,2"),
    ("we will get there", "4"),
    ("it is Tuesday", "5"),
    ("tears", "2,5"),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "goemotions"
    folder.mkdir()
    (folder / "labels.txt").write_text("\n".join(NAMES))
    lines = [f"{text}\t{numbers}\tid{row}" for row, (text, numbers) in enumerate(COMMENTS)]
    (folder / "train.tsv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_a_comment_counts_for_the_one_label_that_all_its_emotions_have(data: Path) -> None:
    found = comments(data, "train", EMOTIONS, OF_EMOTION, (1, 1, 1, 1))
    assert dict(zip(found.texts, (EMOTIONS[number] for number in found.classes), strict=True)) == {
        "@user makes me furious": "anger",
        "what a day": "joy",
        "what a day, really": "joy",
        "we will get there": "optimism",
        "tears": "sadness",
    }


def test_what_is_said_neutrally_beside_a_feeling_has_the_feeling(data: Path) -> None:
    found = comments(data, "train", SENTIMENTS, OF_SENTIMENT, (1, 1, 1))
    tones = dict(zip(found.texts, (SENTIMENTS[number] for number in found.classes), strict=True))
    assert (tones["tears"], tones["it is Tuesday"], tones["what a day, really"]) == ("negative", "neutral", "positive")
    assert "laughing and crying" not in tones


def test_labels_count_as_their_shares_say_however_many_comments_they_have(data: Path) -> None:
    found = comments(data, "train", SENTIMENTS, OF_SENTIMENT, (2, 1, 1))
    totals = np.bincount(found.classes, found.weights)
    assert totals == pytest.approx(np.array([2, 1, 1]) * len(found.texts) / 3)


def test_the_project_s_own_posts_and_words_have_labels_of_the_models() -> None:
    assert {label for label, _ in rows("emotions.tsv", "\t")} == set(EMOTIONS)
    found = {word: label for label, word in words()}
    assert (found["furious"], found["#furious"], found["😂"]) == ("anger", "anger", "joy")
    assert set(found.values()) == set(EMOTIONS)
