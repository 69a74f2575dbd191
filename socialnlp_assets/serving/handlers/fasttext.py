"""fastText classifiers: `model.bin` or `model.ftz`, trained by the library or by SageMaker's BlazingText.

Trained with the one-vs-all loss, each label's probability stands alone; with softmax they sum to 1.
Source: Joulin et al., Bag of Tricks for Efficient Text Classification, EACL 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import fasttext
import numpy as np

from socialnlp_assets.serving.handler import BadModel, Handler, Predictions
from socialnlp_assets.serving.protocol import spelled

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
        lines = [text.replace("\n", " ") for text in texts]  # fastText reads a text to the end of its line
        labels, probabilities = self._model.predict(lines, k=-1)
        # All scores in one list, read label by label. Rounding in fastText's softmax can exceed 1.
        scores = iter(np.minimum(np.concatenate(probabilities), 1.0).tolist())
        spelling = self._labels.__getitem__
        return Predictions([dict(zip(map(spelling, names), scores, strict=False)) or None for names in labels])
