"""`summaries`: what a long message says, in few sentences; a short one stays itself."""

from __future__ import annotations

from typing import Annotated, ClassVar

from socialnlp_assets.assets.rows import ask, result_of_answers
from socialnlp_assets.assets.step import Analysis, Does, Hour, Result
from socialnlp_assets.checks import Expectation, Level
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

    def plausible(self) -> tuple[Expectation, ...]:
        pair = {"column_A": f"read_{self.text[1]}", "column_B": "summary"}
        model = f"look at the answers of the model `{self.model}`, and go back to its version before"
        return (
            Expectation(
                "expect_column_pair_text_to_be_answered", pair,
                "a text with words has a summary", model, rejects=True,
            ),
            Expectation(
                "expect_column_pair_summary_to_be_of_text", pair,
                "a summary is no longer than its text, and has no sentence or number from nowhere", model, rejects=True,
            ),
            Expectation(
                "expect_column_pair_text_to_be_free_of_loops", pair,
                "a summary does not repeat itself", model, rejects=True,
            ),
            Expectation(
                "expect_column_pair_text_to_stay_plain", pair,
                "a summary has no marks of a program", model, rejects=True,
            ),
            Expectation(
                "expect_multicolumn_summary_to_be_told", {"column_list": [*pair.values(), "summarised"]},
                "a short text stays itself, a long one does not", model, rejects=True,
            ),
            Expectation(
                "expect_table_beginnings_to_differ", {"column_list": list(pair.values()), "min_share": 0.7},
                "summaries do not all begin alike", model, level=Level.WARNING,
            ),
        )  # fmt: skip

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
