"""Keywords by TextRank over spaCy's tagger (`nlp.text_rank`); needs no files, the tagger is a package."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from socialnlp_assets.nlp.text_rank import MOST_CHARACTERS, extract
from socialnlp_assets.serving.handler import Handler, Predictions


class SpacyTextRank(Handler):
    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:  # noqa: ARG003
        with without_torch():
            import spacy  # noqa: F401  the tagger itself is loaded by the warm-up
        return cls()

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:
        truncated = [position for position, text in enumerate(texts) if len(text) > MOST_CHARACTERS]
        return Predictions(extract(texts, parameters["top_k"]), truncated)


@contextmanager
def without_torch() -> Iterator[None]:
    """spaCy imports torch wherever it finds it, and does nothing with it here: half of the time to start and
    half of the memory."""
    if "torch" in sys.modules:
        yield
        return
    sys.modules["torch"] = None  # type: ignore[assignment]  # `import torch` then raises ImportError
    try:
        yield
    finally:
        del sys.modules["torch"]
