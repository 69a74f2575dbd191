"""What is measured of a trained model, and what stays on record of it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from socialnlp_assets.assets.models.build import made_of
from socialnlp_assets.assets.models.measure import answers_of, ask, scores_of, slices
from socialnlp_assets.labels.dataset import Example
from socialnlp_assets.models.catalogue import Training, load_catalogue
from socialnlp_assets.resources.endpoints.metering import Usage
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.trainers.trainer import Trained
from socialnlp_assets.tasks import RowError, Scores

EMOTION = load_catalogue()["emotion"]


def example(text: str, *labels: str, **about: str) -> Example:
    return Example(text=text, labels=labels, about=about, split="held back", file="a.csv", line=1)


class Model:
    """Answers every text with 0.7 for the label that it names, and cannot take some."""

    usage = Usage("emotion", "evaluation", rows=4, request_seconds=0.5)

    def predict(self, texts: list[str], target: str | None) -> list[Any]:
        assert target is None
        rest = dict.fromkeys(EMOTION.labels, 0.3 / (len(EMOTION.labels) - 1))
        return [
            Scores.of(rest | {text: 0.7}, False) if text in EMOTION.labels else RowError("too strange")
            for text in texts
        ]


def test_a_text_that_the_model_cannot_take_counts_as_answered_wrongly() -> None:
    first, second = EMOTION.labels[:2]
    found = scores_of(Model(), EMOTION, [second, "?", first])  # type: ignore[arg-type]
    assert found[0, 1] == found[2, 0] == 0.7
    assert found[1].sum() == 0
    assert found.shape == (3, len(EMOTION.labels))


def test_a_model_takes_the_milliseconds_of_its_requests_for_each_text() -> None:
    first, second = EMOTION.labels[:2]
    found = ask(Model(), EMOTION, [example(first, first), example(second, first)], None)  # type: ignore[arg-type]
    assert found.milliseconds == pytest.approx(125)
    assert found.answers.truth[:, 0].all()
    assert np.argmax(found.answers.scores, axis=1).tolist() == [0, 1]
    assert found.behaviour == {}


def test_of_several_labels_a_text_is_asked_about_those_of_its_group() -> None:
    first = EMOTION.labels[0]
    found = answers_of(EMOTION, [example("a", first), example("b")], np.zeros((2, len(EMOTION.labels))))
    assert found.asked.tolist() == [[True] * len(EMOTION.labels), [False] * len(EMOTION.labels)]
    assert found.groups == (tuple(range(len(EMOTION.labels))),)


def test_slices_are_of_length_and_of_what_is_known_of_a_text_where_there_are_thirty() -> None:
    short, medium, long = "a " * 7, "a " * 8, "a " * 41
    examples = [example(short, language="it")] * 30 + [example(medium, language="en")] * 29 + [example(long)] * 31
    found = slices(examples)
    assert {name: len(rows) for name, rows in found.items()} == {
        "language: it": 30, "length: long": 31, "length: short": 30,
    }  # fmt: skip
    assert found["language: it"] == list(range(30))


def test_what_made_a_model_is_on_record_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "trained"
    folder.mkdir()
    (folder / "model.json").write_text("{}")
    entry = EMOTION.model_copy(
        update={"training": Training(recipe="fasttext", seed=7, hyperparameters={"epochs": 5, "rate": 0.1})}
    )
    lake = Lake(uri=str(tmp_path / "lake"))
    trained = Trained(folder, {"train_texts": 120.0}, "s3://bucket/model.tar.gz", "abc")
    made = made_of(lake, "emotion", entry, "labels-1", trained)
    assert (made.model, made.labels, made.rows, made.source) == ("emotion", "labels-1", 120, "trained")
    assert (made.recipe, made.seed, made.hyperparameters) == ("fasttext", 7, {"epochs": "5", "rate": "0.1"})
    assert (made.archive, made.archive_sha256) == ("s3://bucket/model.tar.gz", "abc")
    assert len(made.code) > 5
    assert lake.get(f"{made.folder}/model.json") == b"{}"
    assert made_of(lake, "emotion", entry, "labels-1", SimpleNamespace(**vars(trained))) == made  # type: ignore[arg-type]
