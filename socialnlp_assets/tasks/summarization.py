"""Summaries by the 50 / 250 / 300 / 512 rules, which the engine applies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from socialnlp_assets.tasks.task import Parameter
from socialnlp_assets.tasks.text_to_text import TextToText


class Summarization(TextToText, name="summarization"):
    field = "summary_text"
    parameters: ClassVar[Mapping[str, Parameter]] = {  # tokens of the whole summary
        "max_length": Parameter(300, int),
        "min_length": Parameter(50, int, least=0),
        "num_beams": Parameter(1, int, most=16, sent=False),
    }
