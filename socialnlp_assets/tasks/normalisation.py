"""The noise filter: what social media and translation leave behind, taken out."""

from __future__ import annotations

from socialnlp_assets.tasks.text_to_text import TextToText


class Normalisation(TextToText, name="normalisation"):
    field = "generated_text"
