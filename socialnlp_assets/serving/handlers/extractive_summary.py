"""Summaries of a text's own sentences (`nlp.sentence_rank`); needs no files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from socialnlp_assets.nlp.sentence_rank import summarise
from socialnlp_assets.serving.handler import Handler, Predictions


class ExtractiveSummary(Handler):
    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:  # noqa: ARG003
        return cls()

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:
        longest, shortest = parameters["max_length"], parameters["min_length"]
        return Predictions([summarise(text, longest, shortest) for text in texts])
