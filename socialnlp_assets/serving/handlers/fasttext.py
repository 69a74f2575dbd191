"""fastText classifiers: `model.bin` or `model.ftz`, trained by the library or by SageMaker's BlazingText.

Trained with the one-vs-all loss, each label's probability stands alone; with softmax they sum to 1.
Source: Joulin et al., Bag of Tricks for Efficient Text Classification, EACL 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import fasttext

from socialnlp_assets.serving.handler import BadModel, Handler, Predictions
from socialnlp_assets.tasks.multi_label import spelled

FILES = ("model.bin", "model.ftz")


class FastText(Handler):
    def __init__(self, model: Any, labels: Mapping[str, str]) -> None:
        self._model = model
        self._labels = labels  # as the file spells them -> as model.json does

    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:  # noqa: ARG003 (fastText has one)
        path = next((folder / name for name in FILES if (folder / name).exists()), None)
        if path is None:
            raise BadModel(f"{folder} has neither of {' and '.join(FILES)}")
        try:
            model = fasttext.load_model(str(path))
        except ValueError as error:
            raise BadModel(f"{path} is not a fastText model: {error}") from error
        labels = {spelled(label): label for label in settings["labels"]}
        if set(labels) != set(model.labels):
            raise BadModel(f"{path} answers the labels {sorted(model.labels)}, model.json says {sorted(labels)}")
        return cls(model, labels)

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:  # noqa: ARG002
        return Predictions([self._scores(text) or None for text in texts])

    def _scores(self, text: str) -> dict[str, float]:
        # What the library's own `predict` calls; it would make two arrays a text of this.
        best_first = self._model.f.predict(text.replace("\n", " ") + "\n", -1, 0.0, "strict")
        # fastText's logarithm of p + 0.00001 can bring a probability over 1.
        return {self._labels[label]: p if p < 1.0 else 1.0 for p, label in best_first}
