"""Which language a text is in, by py3langid: a naive Bayes model over byte n-grams that travels in its
wheel and tells Swahili apart, where fastText's compressed model does not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import copy
from functools import lru_cache
from typing import Any

UNDETERMINED = "und"  # ISO 639-2 for a language that cannot be told

_SIGNS = re.compile(r"(?:https?://|www\.)\S+|[@#]\w+|&\w+;|\b(?:RT|via)\b|[\W\d_]+", re.IGNORECASE)
_ENOUGH_CHARACTERS = 2_000  # more changes no answer and costs time


def detect(text: str, languages: Iterable[str] | None = None) -> tuple[str, float]:
    """The ISO 639-1 code of the language of `text` and its probability, 0 to 1.

    `languages` restricts the answer to some codes; a code that the model does not know raises
    `ValueError`. A text without two letters in a row (blank, digits, emoji, addresses) is ``("und", 0.0)``.

    >>> detect("La bolletta è arrivata due volte")[0]
    'it'
    """
    words = _SIGNS.sub(" ", text[: 4 * _ENOUGH_CHARACTERS]).strip()[:_ENOUGH_CHARACTERS]
    if max(map(len, words.split()), default=0) < 2:
        return UNDETERMINED, 0.0
    identifier = _identifier(None if languages is None else tuple(sorted(set(languages))))
    code, probability = identifier.classify(words)
    return str(code), float(probability)


@lru_cache(maxsize=16)
def _identifier(languages: tuple[str, ...] | None) -> Any:
    """A classifier of its own for each set of languages: py3langid's module-level one is shared state. Its file is
    unpacked once, which takes a second."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    if languages is None:
        return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier = copy(_identifier(None))
    identifier.set_languages(languages)
    return identifier
