"""BART summaries by transformers and torch, to compare `ctranslate2-bart` with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from socialnlp_assets.serving.handler import Handler, Predictions
from socialnlp_assets.serving.handlers.shared.long_texts import summarise
from socialnlp_assets.serving.handlers.shared.reference_model import in_order, load_reference


class ReferenceBart(Handler):
    def __init__(self, model: Any, tokenizer: Any, settings: Mapping[str, Any]) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._settings = settings

    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:
        return cls(*load_reference(folder, "BartForConditionalGeneration", threads), settings)

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:
        def generate(chunks: list[str], least: int, most: list[int]) -> list[str]:
            def run(batch: list[tuple[str, int]]) -> list[str]:
                texts, bounds = zip(*batch, strict=True)
                generated = self._model.generate(
                    **self._tokenizer(list(texts), padding=True, return_tensors="pt"),
                    num_beams=parameters["num_beams"],
                    early_stopping=parameters["num_beams"] > 1,
                    min_new_tokens=least,
                    max_new_tokens=max(bounds),
                    min_length=None,
                    max_length=None,
                    **self._settings.get("generation", {}),
                )
                # The first two tokens open every answer.
                kept = [row[2 : 2 + most] for row, most in zip(generated, bounds, strict=True)]
                decoded: list[str] = self._tokenizer.batch_decode(kept, skip_special_tokens=True)
                return [text.strip() for text in decoded]

            return in_order(run, list(zip(chunks, most, strict=True)), self._settings)

        return summarise(texts, parameters, self._count, generate)

    def _count(self, text: str) -> int:
        return len(self._tokenizer(text, add_special_tokens=False)["input_ids"])
