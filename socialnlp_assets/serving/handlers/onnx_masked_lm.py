"""The noise filter with DistilBERT by ONNX Runtime, int8: it chooses the best word among the candidates.

The model answers at the masks only: the projection to the vocabulary is a third of its work at every other
position. Source: Sanh et al., DistilBERT, 2019.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tokenizers import Tokenizer

from socialnlp_assets.nlp.noise import normalise
from socialnlp_assets.serving.batching import by_length, lanes_of
from socialnlp_assets.serving.handler import Handler, Predictions
from socialnlp_assets.serving.handlers.shared.masked_words import Masked, MaskedWords, mean_log_probabilities
from socialnlp_assets.serving.handlers.shared.onnx_session import BATCH_TOKENS, load_session, pad


class OnnxMaskedLM(Handler):
    """`model.onnx` takes `input_ids`, `attention_mask` and `positions`, and answers log probabilities there."""

    def __init__(self, session: Any, tokenizer: Tokenizer, padding: int, lanes: int) -> None:
        self._session = session
        self._padding = padding
        self._lanes = lanes
        self._choose = MaskedWords(tokenizer, self._score)

    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:
        lanes, each = lanes_of(threads)
        session, tokenizer = load_session(folder, each)
        return cls(session, tokenizer, settings.get("padding", 0), lanes)

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:  # noqa: ARG002
        return Predictions(normalise(texts, self._choose))

    def _score(self, questions: list[Masked]) -> list[list[float]]:
        return by_length(self._run, questions, [len(question.ids) for question in questions], BATCH_TOKENS, self._lanes)

    def _run(self, questions: list[Masked]) -> list[list[float]]:
        ids, mask = pad([question.ids for question in questions], self._padding)
        positions, _ = pad([question.positions for question in questions], 0)
        (scores,) = self._session.run(None, {"input_ids": ids, "attention_mask": mask, "positions": positions})
        return [mean_log_probabilities(rows, question) for rows, question in zip(scores, questions, strict=True)]
