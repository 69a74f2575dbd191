"""What ships knows what it was taught; trained again it is as good as docs/models.md says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from socialnlp_assets.models.catalogue import EMBEDDED_MODELS, load_catalogue
from socialnlp_assets.nlp.cleaning import prepare_for_classification
from socialnlp_assets.serving.handlers.linear import Linear
from socialnlp_assets.training.seeded import SEEDS, Topic, chat, memberships, read_topics, topics

DOCUMENT = Path(__file__).parents[2] / "docs" / "models.md"


def answers(folder: Path, texts: list[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Texts × labels, the scores of the model in `folder`."""
    settings = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    results = Linear.load(folder, settings, threads=1).predict(texts, {}).results
    return np.array([list(scores.values()) for scores in results if scores])


def comments(folder: Path, texts: list[str]) -> Path:
    """A folder of data whose comments, in GoEmotions' layout, are `texts`."""
    (folder / "goemotions").mkdir(parents=True)
    for split in ("train", "dev"):
        rows = "".join(f"{text}\t27\tid\n" for text in texts)
        (folder / "goemotions" / f"{split}.tsv").write_text(rows, encoding="utf-8")
    return folder


def test_chat_is_what_holds_no_word_of_a_label(tmp_path: Path) -> None:
    data = comments(tmp_path, ["[NAME] had a fever all night", "I slept badly", "so did I"])
    found = chat(data, "train", 1, [Topic(frozenset(["Science and Medicine"]), "fever")])
    assert found == [Topic(frozenset(), "I slept badly")]


@pytest.mark.parametrize("name", ["reputation", "themes"])
def test_a_topic_model_that_ships_knows_its_seeds(name: str) -> None:
    labels = load_catalogue()[name].labels
    rows = read_topics(SEEDS / f"{name}.tsv", labels)[::10]
    shipped = answers(EMBEDDED_MODELS / name, [prepare_for_classification(row.text) for row in rows])
    assert ((shipped > 0.5) == memberships(rows, labels)).mean() > 0.95


@pytest.mark.slow
def test_a_topic_model_trained_again_is_as_good_as_the_one_that_ships(tmp_path: Path) -> None:
    data = comments(tmp_path, (SEEDS / "neutral.txt").read_text(encoding="utf-8").splitlines())
    figures = topics(data, tmp_path / "reputation")
    documented = re.search(r"\| reputation \|.*macro F1 ([\d.]+)", DOCUMENT.read_text(encoding="utf-8"))
    assert documented
    assert figures["macro F1"] == pytest.approx(float(documented[1]), abs=0.05)
    labels = load_catalogue()["reputation"].labels
    texts = [prepare_for_classification(row.text) for row in read_topics(SEEDS / "reputation.tsv", labels)]
    ours, shipped = answers(tmp_path / "reputation", texts), answers(EMBEDDED_MODELS / "reputation", texts)
    assert ((ours > 0.5) == (shipped > 0.5)).mean() > 0.95
