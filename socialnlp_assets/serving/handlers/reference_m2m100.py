"""M2M100 by transformers and torch, to compare `ctranslate2-m2m100` with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from socialnlp_assets.serving.handler import Handler, Predictions
from socialnlp_assets.serving.handlers.shared.long_texts import translate
from socialnlp_assets.serving.handlers.shared.reference_model import in_order, load_reference


class ReferenceM2M100(Handler):
    def __init__(self, model: Any, tokenizer: Any, settings: Mapping[str, Any]) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._settings = settings

    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:
        return cls(*load_reference(folder, "M2M100ForConditionalGeneration", threads), settings)

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:
        def translate_pieces(pieces: list[str], languages: list[str], most: list[int]) -> list[str]:
            def run(batch: list[tuple[str, str, int]]) -> list[str]:
                encoded = self._tokenizer.pad(
                    {"input_ids": [self._ids(piece, language) for piece, language, _ in batch]}, return_tensors="pt"
                )
                generated = self._model.generate(
                    **encoded,
                    forced_bos_token_id=self._tokenizer.get_lang_id(parameters["tgt_lang"]),
                    num_beams=parameters["num_beams"],
                    early_stopping=parameters["num_beams"] > 1,
                    max_new_tokens=max(bound for _, _, bound in batch),
                    max_length=None,
                )
                # transformers 5 does not count the language tokens among the special ones.
                tags = set(self._tokenizer.lang_token_to_id.values())
                kept = [row[: bound + 1] for row, (_, _, bound) in zip(generated.tolist(), batch, strict=True)]
                spoken = [[token for token in row if token not in tags] for row in kept]
                decoded: list[str] = self._tokenizer.batch_decode(spoken, skip_special_tokens=True)
                return decoded

            return in_order(run, list(zip(pieces, languages, most, strict=True)), self._settings)

        return translate(texts, parameters, self._count, translate_pieces)

    def _ids(self, piece: str, language: str) -> list[int]:
        self._tokenizer.src_lang = language
        ids: list[int] = self._tokenizer(piece)["input_ids"]
        return ids

    def _count(self, text: str) -> int:
        return len(self._tokenizer(text, add_special_tokens=False)["input_ids"])
