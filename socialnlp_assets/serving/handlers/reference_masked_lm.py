"""The noise filter with DistilBERT by transformers and torch, to compare `onnx-masked-lm` with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from socialnlp_assets.nlp.noise import normalise
from socialnlp_assets.serving.handler import Handler, Predictions
from socialnlp_assets.serving.handlers.shared.masked_words import Masked, MaskedWords, mean_log_probabilities
from socialnlp_assets.serving.handlers.shared.reference_model import in_order, load_reference


class ReferenceMaskedLM(Handler):
    def __init__(self, model: Any, tokenizer: Any, settings: Mapping[str, Any]) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._settings = settings
        self._choose = MaskedWords(tokenizer.backend_tokenizer, self._score)

    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:
        return cls(*load_reference(folder, "AutoModelForMaskedLM", threads), settings)

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:  # noqa: ARG002
        return Predictions(normalise(texts, self._choose))

    def _score(self, questions: list[Masked]) -> list[list[float]]:
        return in_order(self._run, questions, self._settings)

    def _run(self, questions: list[Masked]) -> list[list[float]]:
        encoded = self._tokenizer.pad({"input_ids": [question.ids for question in questions]}, return_tensors="pt")
        scores = self._model(**encoded).logits.log_softmax(-1).numpy()
        return [
            mean_log_probabilities(rows[list(question.positions)], question)
            for rows, question in zip(scores, questions, strict=True)
        ]
