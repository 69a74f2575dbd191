"""Training again gives the models that ship, and the figures that docs/models.md says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from socialnlp_assets.models.catalogue import EMBEDDED_MODELS, load_catalogue
from socialnlp_assets.nlp.cleaning import prepare_for_classification
from socialnlp_assets.serving.handlers.linear import Linear
from socialnlp_assets.training.seeded import SEEDS, memberships, read_topics, topics

DOCUMENT = Path(__file__).parents[2] / "docs" / "models.md"


def answers(folder: Path, texts: list[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Texts × labels, the scores of the model in `folder`."""
    settings = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    results = Linear.load(folder, settings, threads=1).predict(texts, {}).results
    return np.array([list(scores.values()) for scores in results if scores])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reputation", "themes"])
def test_a_topic_model_trained_again_answers_as_the_one_that_ships(name: str, tmp_path: Path) -> None:
    figures = topics(SEEDS, tmp_path / name)
    documented = re.search(rf"\| {name} \|.*macro F1 ([\d.]+)", DOCUMENT.read_text(encoding="utf-8"))
    assert documented
    assert figures["macro F1"] == pytest.approx(float(documented[1]), abs=0.005)
    labels = load_catalogue()[name].labels
    rows = read_topics(SEEDS / f"{name}.tsv", labels)
    texts, members = [prepare_for_classification(row.text) for row in rows], memberships(rows, labels)
    ours, shipped = answers(tmp_path / name, texts), answers(EMBEDDED_MODELS / name, texts)
    assert np.abs(ours - shipped).max() < 0.02
    assert ((ours > 0.5) == members).mean() > 0.95
