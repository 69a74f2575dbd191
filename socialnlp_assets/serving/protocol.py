"""The wire, without HTTP: bodies to texts and parameters, results to bodies (docs/contracts.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """One entry of a request's `parameters`: what it may be, and what it is when the caller says nothing."""

    default: Any
    kind: type[int] | type[bool] | type[str]
    least: int = 1
    most: int = 1024
    optional: bool = False  # may be null
    per_text: bool = False  # one for all texts, or a list, one a text; a handler always gets the list


TRUNCATION = Parameter(True, bool)
BEAMS = Parameter(1, int, most=16)

# What each task takes. An engine that does not search ignores `num_beams`.
PARAMETERS: dict[str, dict[str, Parameter]] = {
    "translation": {
        "src_lang": Parameter(None, str, per_text=True),
        "tgt_lang": Parameter("en", str),
        "num_beams": BEAMS,
        "max_length": Parameter(512, int, most=1024),
    },
    "normalisation": {},
    "text-classification": {
        "top_k": Parameter(None, int, optional=True),
        "truncation": TRUNCATION,
        "max_length": Parameter(512, int, least=3, most=512),
    },
    "multi-label": {"k": Parameter(None, int, optional=True)},
    "aspects": {"k": Parameter(None, int, optional=True)},
    "keywords": {"top_k": Parameter(10, int)},
    "summarization": {
        "max_length": Parameter(300, int),
        "min_length": Parameter(50, int, least=0),
        "num_beams": BEAMS,
    },
}
