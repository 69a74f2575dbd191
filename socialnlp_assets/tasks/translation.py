"""Translation, many languages to one. Text that is in the wanted language already passes untouched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from socialnlp_assets.tasks.task import BadInput, Parameter
from socialnlp_assets.tasks.text_to_text import TextToText


class Translation(TextToText, name="translation"):
    field = "translation_text"
    parameters: ClassVar[Mapping[str, Parameter]] = {
        "src_lang": Parameter(None, str, required=True, per_text=True),
        "tgt_lang": Parameter("en", str),
        "num_beams": Parameter(1, int, most=16, sent=False),
        "max_length": Parameter(512, int, sent=False),
    }

    def warm_up(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.defaults(), "src_lang": [settings.get("languages", ["en"])[0]]}

    def known(self, texts: Sequence[str], parameters: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Any]:
        languages, wanted = parameters["src_lang"], parameters["tgt_lang"]
        known = settings.get("languages", [])
        for position, language in enumerate(languages):
            if known and language not in known and language != wanted:
                raise BadInput(
                    f"parameters.src_lang: {language!r} is not a language of this model, which reads "
                    f"{', '.join(known)}",
                    position=position,
                )
        targets = settings.get("target_languages", ["en"])
        if wanted not in targets:
            raise BadInput(f"parameters.tgt_lang must be one of {', '.join(targets)}")
        blank = super().known(texts, parameters, settings)
        untouched = (language == wanted for language in languages)
        return [text if same else result for text, same, result in zip(texts, untouched, blank, strict=True)]
