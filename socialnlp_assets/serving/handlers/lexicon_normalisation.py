"""The noise filter without a language model: each noisy word's likeliest reading beside its two neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from socialnlp_assets.nlp.lexicon import CONTEXTS, READINGS, Lexicon, lexicon
from socialnlp_assets.nlp.noise import normalise
from socialnlp_assets.serving.handler import BadModel, Handler, Predictions


class LexiconNormalisation(Handler):
    """The lexicon travels with `nlp`; a folder that holds the two learned tables is read instead of those."""

    def __init__(self, words: Lexicon) -> None:
        self._words = words

    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:  # noqa: ARG003
        if not (folder / READINGS).exists():
            return cls(lexicon())
        try:
            return cls(lexicon(folder))
        except (OSError, ValueError) as error:
            raise BadModel(
                f"{folder}: {READINGS} and {CONTEXTS} must be tables as training writes them: {error}"
            ) from error

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:  # noqa: ARG002
        return Predictions(normalise(texts, lexicon=self._words))
