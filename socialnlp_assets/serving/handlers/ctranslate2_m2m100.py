"""M2M100 by CTranslate2, int8: many languages to one, in one batch.

The tokens are those of `M2M100Tokenizer`: the source language's, the SentencePiece pieces, the end; the
answer starts with the target language's. Source: Fan et al., Beyond English-Centric Multilingual Machine
Translation, JMLR 2021.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import ctranslate2
import sentencepiece

from socialnlp_assets.serving.batching import by_length, lanes_of
from socialnlp_assets.serving.handler import BadModel, Handler, Predictions
from socialnlp_assets.serving.handlers.shared.long_texts import translate

PIECES = "sentencepiece.bpe.model"
END = "</s>"
SILENT = frozenset(("<s>", "<pad>", "</s>", "<unk>"))
BATCH_TOKENS = 1024  # padding included; CTranslate2 drops what is finished


class CTranslate2M2M100(Handler):
    def __init__(self, translator: Any, pieces: Any, languages: Sequence[str], lanes: int) -> None:
        self._translator = translator
        self._pieces = pieces
        self._lanes = lanes
        self._silent = SILENT.union(f"__{language}__" for language in languages)

    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:
        lanes, each = lanes_of(threads)
        try:
            pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / PIECES))
            translator = ctranslate2.Translator(str(folder), device="cpu", inter_threads=lanes, intra_threads=each)
        except (OSError, RuntimeError, ValueError) as error:
            raise BadModel(f"{folder} is no CTranslate2 model with {PIECES} beside it: {error}") from error
        return cls(translator, pieces, settings["languages"], lanes)

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:
        def translate_pieces(pieces: list[str], languages: list[str], most: list[int]) -> list[str]:
            sources = [
                [f"__{language}__", *tokens, END]
                for language, tokens in zip(languages, self._pieces.encode(pieces, out_type=str), strict=True)
            ]

            def run(batch: list[int], bound: int) -> list[str]:
                results = self._translator.translate_batch(
                    [sources[piece] for piece in batch],
                    target_prefix=[[f"__{parameters['tgt_lang']}__"]] * len(batch),
                    beam_size=parameters["num_beams"],
                    max_decoding_length=bound,
                )
                return [self._text(result.hypotheses[0]) for result in results]

            answers: dict[int, str] = {}
            for bound in sorted(set(most), reverse=True):  # a batch has one, and it may decide what a beam finds
                group = [piece for piece, its_bound in enumerate(most) if its_bound == bound]
                lengths = [len(sources[piece]) for piece in group]
                found = by_length(partial(run, bound=bound), group, lengths, BATCH_TOKENS, self._lanes)
                answers.update(zip(group, found, strict=True))
            return [answers[piece] for piece in range(len(pieces))]

        return translate(texts, parameters, self._count, translate_pieces)

    def _count(self, text: str) -> int:
        return len(self._pieces.encode(text))

    def _text(self, tokens: Sequence[str]) -> str:
        text: str = self._pieces.decode([token for token in tokens if token not in self._silent])
        return text
