"""A linear classifier over hashed n-grams (`nlp.ngrams`) and a text's meaning (`nlp.meaning`).

`linear.npz` holds `weights` (buckets and then the meaning's numbers × labels, signed bytes), their `scale`
(labels), `bias` (labels) and `idf` (buckets), labels in the order of `model.json`, whose `ngrams` says which
n-grams. Scores are softmax, or for the multi-label task a sigmoid each. A model of aspects (`"clauses": true`) reads
each clause of a review by itself: what the clearest clause says for a label, against "not mentioned", is the review's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from socialnlp_assets.nlp.cleaning import clauses
from socialnlp_assets.nlp.meaning import MEANING, meaning
from socialnlp_assets.nlp.ngrams import Ngrams, beginning, tokens
from socialnlp_assets.serving.handler import BadModel, Handler, Predictions
from socialnlp_assets.tasks.aspects import NOT_MENTIONED

MOST_TOKENS = 512


class Linear(Handler):
    def __init__(
        self,
        ngrams: Ngrams,
        arrays: Mapping[str, npt.NDArray[np.float32]],
        labels: list[str],
        alone: bool,
        by_clause: bool = False,
    ) -> None:
        self._silent = labels.index(NOT_MENTIONED) if by_clause else None
        self._ngrams, self._labels, self._alone = ngrams, labels, alone
        weights = arrays["weights"] * arrays["scale"]
        self._weights, self._meaning_weights = weights[: ngrams.buckets], weights[ngrams.buckets :]
        self._bias = arrays["bias"]
        self._idf: list[float] = arrays["idf"].tolist()  # a list is read faster, one number at a time

    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:  # noqa: ARG003
        path = folder / "linear.npz"
        labels = list(settings["labels"])
        try:
            ngrams = Ngrams(**settings.get("ngrams", {}))
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name].astype(np.float32) for name in ("weights", "scale", "bias", "idf")}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadModel(f"{path}: {error}") from error
        expected = {
            "weights": (ngrams.buckets + MEANING, len(labels)),
            "scale": (len(labels),),
            "bias": (len(labels),),
            "idf": (ngrams.buckets,),
        }
        for name, shape in expected.items():
            if arrays[name].shape != shape:
                raise BadModel(f"{path}: {name} has the shape {arrays[name].shape}, model.json asks for {shape}")
        if (by_clause := settings.get("clauses", False)) and NOT_MENTIONED not in labels:
            raise BadModel(f"{folder / 'model.json'}: a model that reads by clause needs the label {NOT_MENTIONED!r}")
        return cls(ngrams, arrays, labels, alone=settings["task"] == "multi-label", by_clause=by_clause)

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:
        most = parameters.get("max_length", MOST_TOKENS)
        results: list[dict[str, float] | None] = []
        truncated: list[int] = []
        for position, text in enumerate(texts):
            words = tokens(text)
            if len(words) > most:
                truncated.append(position)
                words = words[:most]
            results.append(self._scores(beginning(text, most), words) if words else None)
        return Predictions(results, truncated)

    def _scores(self, text: str, words: list[str]) -> dict[str, float]:
        if self._silent is None:
            margins = self._margins(text, words)
        else:
            each = np.array([self._margins(clause, tokens(clause)) for clause in clauses(text)])
            margins = (each - each[:, [self._silent]]).max(axis=0)
        if self._alone:
            scores = 1 / (1 + np.exp(-margins))
        else:
            powers = np.exp(margins - margins.max())
            scores = powers / powers.sum()
        return dict(zip(self._labels, scores.tolist(), strict=True))

    def _margins(self, text: str, words: list[str]) -> npt.NDArray[np.float32]:
        features = self._ngrams.features(words, self._idf)
        buckets = np.fromiter(features.keys(), np.int64, len(features))
        values = np.fromiter(features.values(), np.float32, len(features))
        return values @ self._weights[buckets] + meaning(text, words) @ self._meaning_weights + self._bias
