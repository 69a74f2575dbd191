"""`filtered_text`: the English text without what translation and social media leave behind."""

from __future__ import annotations

from typing import Annotated, ClassVar

from socialnlp_assets.assets.rows import ask, result_of_answers
from socialnlp_assets.assets.step import Does, Hour, Result, Step
from socialnlp_assets.schemas import TEXT, Column


class FilteredText(Step):
    """The English text without URLs, user names, emoji, slang and other noise."""

    name: ClassVar = "filtered_text"
    kinds: ClassVar = frozenset({"parquet", "huggingface"})
    writes_text: ClassVar = "text_clean"

    model: Annotated[str, Does("normalisation")] = "normalizer"

    def columns(self) -> tuple[Column, ...]:
        return (Column("text_clean", TEXT, "the English text without noise; empty when nothing is left"),)

    def compute(self, hour: Hour) -> Result:
        table, texts = self.texts(hour)
        clean, usage = ask(hour, self.model, texts)
        return result_of_answers(table, [clean], self.table(), lambda text: {"text_clean": text}, [usage])
