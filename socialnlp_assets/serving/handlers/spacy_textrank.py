"""Keywords by TextRank over spaCy's tagger (`nlp.text_rank`); needs no files, the tagger is a package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from socialnlp_assets.nlp.english import MOST_CHARACTERS
from socialnlp_assets.nlp.text_rank import extract
from socialnlp_assets.serving.handler import Handler, Predictions
from socialnlp_assets.serving.handlers.shared.spacy_alone import without_torch


class SpacyTextRank(Handler):
    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:  # noqa: ARG003
        with without_torch():
            import spacy  # noqa: F401  the tagger itself is loaded by the warm-up
        return cls()

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:
        truncated = [position for position, text in enumerate(texts) if len(text) > MOST_CHARACTERS]
        return Predictions(extract(texts, parameters["top_k"]), truncated)
