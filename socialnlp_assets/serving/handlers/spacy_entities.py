"""People, organisations and places by spaCy's named entities; needs no files, the pipeline is a package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from socialnlp_assets.nlp.english import pipeline, read
from socialnlp_assets.serving.handler import Handler, Predictions
from socialnlp_assets.serving.handlers.shared.spacy_alone import without_torch
from socialnlp_assets.tasks.entities import Entity

if TYPE_CHECKING:
    from spacy.tokens import Span

# Of OntoNotes' labels those that name somebody; dates, sums and the like are no names.
KINDS = {"PERSON": "person", "ORG": "organisation", "GPE": "place", "LOC": "place", "FAC": "place"}

MOST_CHARACTERS = 30_000  # read of one text: a long article, and at worst some ten seconds


class SpacyEntities(Handler):
    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:  # noqa: ARG003
        with without_torch():
            import spacy  # noqa: F401  the pipeline itself is loaded by the warm-up
        return cls()

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:  # noqa: ARG002
        found: list[list[Entity]] = [[] for _ in texts]
        with pipeline().memory_zone():
            for index, doc in read([text[:MOST_CHARACTERS] for text in texts], ("ner",)):
                # Where the server could not read a character, the name would not be what stands in the caller's text.
                named = (span for span in doc.ents if span.label_ in KINDS and "\ufffd" not in span.text)
                found[index] = [_entity(texts[index], span) for span in named]
        return Predictions(found, [position for position, text in enumerate(texts) if len(text) > MOST_CHARACTERS])


def _entity(text: str, span: Span) -> Entity:
    start, end = span.start_char, span.end_char
    return Entity(text[start:end], KINDS[span.label_], start, end)
