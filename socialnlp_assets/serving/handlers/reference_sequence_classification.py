"""RoBERTa and its like by transformers and torch, to compare `onnx-sequence-classification` with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from socialnlp_assets.serving.handler import Handler, Predictions
from socialnlp_assets.serving.handlers.shared.reference_model import in_order, load_reference


class ReferenceSequenceClassification(Handler):
    def __init__(self, model: Any, tokenizer: Any, settings: Mapping[str, Any]) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._settings = settings

    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:
        return cls(*load_reference(folder, "AutoModelForSequenceClassification", threads), settings)

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:
        most = parameters["max_length"]
        cut: list[bool] = []

        def run(batch: list[str]) -> list[dict[str, float]]:
            cut.extend(len(ids) > most for ids in self._tokenizer(batch)["input_ids"])
            encoded = self._tokenizer(batch, padding=True, truncation=True, max_length=most, return_tensors="pt")
            scores = self._model(**encoded).logits.softmax(-1).tolist()
            return [dict(zip(self._settings["labels"], row, strict=True)) for row in scores]

        results = in_order(run, texts, self._settings)
        return Predictions(results, [position for position, truncated in enumerate(cut) if truncated])
