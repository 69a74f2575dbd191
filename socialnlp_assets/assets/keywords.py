"""`keywords`: the top phrases of a message, by TextRank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import pyarrow as pa
from pydantic import Field

from socialnlp_assets.assets.rows import ask, result_of_answers
from socialnlp_assets.assets.step import Analysis, Does, Hour, Result
from socialnlp_assets.checks import Expectation
from socialnlp_assets.schemas import FLOAT, TEXT, Column
from socialnlp_assets.tasks import Keyword


class Keywords(Analysis):
    """The top phrases of a message with their TextRank scores."""

    name: ClassVar = "keywords"
    kinds: ClassVar = frozenset({"parquet", "spacy"})

    model: Annotated[str, Does("keywords")] = "keywords"
    top: int = Field(default=10, ge=1, le=100)

    def columns(self) -> tuple[Column, ...]:
        return (
            Column("keywords", pa.list_(TEXT), "top phrases, best first"),
            Column("keyword_scores", pa.list_(FLOAT), "their TextRank scores, in the same order"),
        )

    def plausible(self) -> tuple[Expectation, ...]:
        model = f"look at the answers of the model `{self.model}`, and go back to its version before"
        pair = {"column_A": f"read_{self.text[1]}", "column_B": "keywords"}
        return (
            Expectation(
                "expect_column_pair_keywords_to_be_scored",
                {"column_A": "keywords", "column_B": "keyword_scores", "most": self.top},
                "a message's keywords differ, each has its score, the best is first", model, rejects=True,
            ),
            Expectation(
                "expect_column_pair_phrases_to_be_in_text", pair | {"least_share": 0.5},
                "at least half of a message's keywords are in its text", f"answers lie at the wrong rows, or {model}",
                rejects=True,
            ),
            Expectation(
                "expect_column_pair_phrases_to_be_in_text", pair | {"mostly": 0.97},
                "all keywords of a message are in its text", model, error_beyond=0.3,
            ),
            Expectation(
                "expect_column_commonest_value_share_to_be_at_most", {"column": "keywords", "max_share": 0.7},
                "not every message has the same keywords", model, least_rows=20,
            ),
        )  # fmt: skip

    def compute(self, hour: Hour) -> Result:
        table, texts = self.texts(hour)
        phrases, usage = ask(hour, self.model, texts, top_k=self.top)
        return result_of_answers(table, [phrases], self.table(), _row, [usage])


def _row(phrases: Sequence[Keyword]) -> Mapping[str, Any]:
    return {"keywords": [k.phrase for k in phrases], "keyword_scores": [round(k.score, 4) for k in phrases]}
