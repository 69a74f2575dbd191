"""The noise filter without a language model: each noisy word's likeliest reading, whatever its context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from socialnlp_assets.nlp.noise import normalise
from socialnlp_assets.serving.handler import Handler, Predictions


class LexiconNormalisation(Handler):
    """Needs no files: the lexicon travels with `nlp`."""

    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:  # noqa: ARG003
        return cls()

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:  # noqa: ARG002
        return Predictions(normalise(texts))
