"""BART summaries by CTranslate2, int8, by the rules of `nlp.chunking`.

Source: Shleifer and Rush, Pre-trained Summarization Distillation, 2020.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import ctranslate2
from tokenizers import Tokenizer

from socialnlp_assets.serving.batching import by_length, lanes_of
from socialnlp_assets.serving.handler import BadModel, Handler, Predictions
from socialnlp_assets.serving.handlers.shared.long_texts import summarise

TOKENIZER = "tokenizer.json"
START = "<s>"
BATCH_TOKENS = 2048  # padding included


class CTranslate2Bart(Handler):
    """`model.json` may hold `generation`: `length_penalty` and `no_repeat_ngram_size`, as the model was tuned."""

    def __init__(self, translator: Any, tokenizer: Tokenizer, generation: Mapping[str, Any], lanes: int) -> None:
        self._translator = translator
        self._tokenizer = tokenizer
        self._generation = generation
        self._lanes = lanes

    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:
        lanes, each = lanes_of(threads)
        try:
            tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
            translator = ctranslate2.Translator(str(folder), device="cpu", inter_threads=lanes, intra_threads=each)
        except Exception as error:  # the tokenizers library raises Exception itself
            raise BadModel(f"{folder} is no CTranslate2 model with {TOKENIZER} beside it: {error}") from error
        return cls(translator, tokenizer, settings.get("generation", {}), lanes)

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:
        def generate(chunks: list[str], least: int, most: list[int]) -> list[str]:
            encodings = self._tokenizer.encode_batch(chunks)

            def run(batch: list[int]) -> list[str]:
                results = self._translator.translate_batch(
                    [encodings[chunk].tokens for chunk in batch],
                    target_prefix=[[START]] * len(batch),
                    beam_size=parameters["num_beams"],
                    min_decoding_length=least,
                    # One bound for the batch: a shorter one is applied to the answer.
                    max_decoding_length=max(most[chunk] for chunk in batch),
                    **self._generation,
                )
                return [
                    self._text(result.hypotheses[0][1 : 1 + most[chunk]])
                    for chunk, result in zip(batch, results, strict=True)
                ]

            lengths = [len(encoding) for encoding in encodings]
            return by_length(run, range(len(chunks)), lengths, BATCH_TOKENS, self._lanes)

        return summarise(texts, parameters, self._count, generate)

    def _count(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False))

    def _text(self, tokens: Sequence[str]) -> str:
        identities = [number for token in tokens if (number := self._tokenizer.token_to_id(token)) is not None]
        text: str = self._tokenizer.decode(identities, skip_special_tokens=True)
        return text.strip()
