"""Keywords by TextRank over spaCy's tagger (`nlp.text_rank`); needs no files, the tagger is a package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from socialnlp_assets.nlp.text_rank import MOST_CHARACTERS, extract
from socialnlp_assets.serving.handler import Handler, Predictions


class SpacyTextRank(Handler):
    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:  # noqa: ARG003
        return cls()  # the warm-up loads the tagger

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:
        truncated = [position for position, text in enumerate(texts) if len(text) > MOST_CHARACTERS]
        return Predictions(extract(texts, parameters["top_k"]), truncated)
