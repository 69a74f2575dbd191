"""`summaries`: what a long message says, in few sentences; a short one stays itself."""

from __future__ import annotations

from typing import Annotated, ClassVar

from socialnlp_assets.assets.rows import ask, result_of_answers
from socialnlp_assets.assets.step import Analysis, Does, Hour, Result
from socialnlp_assets.schemas import BOOL, TEXT, Column


class Summaries(Analysis):
    """A text under 50 tokens as it is, a longer one in at most 300 tokens."""

    name: ClassVar = "summaries"
    kinds: ClassVar = frozenset({"parquet", "huggingface"})

    model: Annotated[str, Does("summarization")] = "summarizer"

    def columns(self) -> tuple[Column, ...]:
        return (
            Column("summary", TEXT, "the text itself under 50 tokens, else its summary"),
            Column("summarised", BOOL, "false when the text stayed itself"),
        )

    def compute(self, hour: Hour) -> Result:
        table, texts = self.texts(hour)
        summaries, usage = ask(hour, self.model, texts)
        return result_of_answers(
            table,
            [summaries, texts],
            self.table(),
            lambda summary, text: {"summary": summary, "summarised": summary != text},
            [usage],
        )
