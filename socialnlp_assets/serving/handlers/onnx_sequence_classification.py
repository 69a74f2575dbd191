"""An encoder with a classification head, such as RoBERTa, by ONNX Runtime, int8.

The scores are the softmax of the logits, as the Hugging Face toolkit answers them, or for the multi-label task a
sigmoid each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from tokenizers import Tokenizer

from socialnlp_assets.serving.batching import by_length, lanes_of
from socialnlp_assets.serving.handler import Handler, Predictions
from socialnlp_assets.serving.handlers.shared.onnx_session import BATCH_TOKENS, cut, load_session, pad

MOST_TOKENS = 512  # of a task whose requests do not say


class OnnxSequenceClassification(Handler):
    """`model.json` holds `labels` in the order of the logits, and `padding`, the id of the padding token."""

    def __init__(
        self, session: Any, tokenizer: Tokenizer, labels: Sequence[str], padding: int, lanes: int, *, alone: bool
    ) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._labels = labels
        self._padding = padding
        self._lanes = lanes
        self._alone = alone

    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:
        lanes, each = lanes_of(threads)
        session, tokenizer = load_session(folder, each)
        alone = settings["task"] == "multi-label"
        return cls(session, tokenizer, settings["labels"], settings.get("padding", 1), lanes, alone=alone)

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:
        most = parameters.get("max_length", MOST_TOKENS)
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        rows = [cut(row, most) for row in ids]
        scores = by_length(self._scores, rows, [len(row) for row in rows], BATCH_TOKENS, self._lanes)
        return Predictions(scores, [position for position, row in enumerate(ids) if len(row) > most])

    def _scores(self, rows: list[list[int]]) -> list[dict[str, float]]:
        tokens, mask = pad(rows, self._padding)
        (logits,) = self._session.run(None, {"input_ids": tokens, "attention_mask": mask})
        if self._alone:
            probabilities = (1 + np.tanh(logits / 2)) / 2  # the sigmoid, which overflows nowhere
        else:
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            probabilities = odds / odds.sum(axis=1, keepdims=True)
        return [dict(zip(self._labels, map(float, row), strict=True)) for row in probabilities]
