"""`keywords`: the top phrases of a message, by TextRank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from socialnlp_assets.assets.rows import ask, result_of_answers
from socialnlp_assets.assets.step import Hour, Result, Step, text_of
from socialnlp_assets.schemas import KEYWORDS
from socialnlp_assets.tasks import Keyword


def extract_keywords(hour: Hour) -> Result:
    options = hour.workflow.steps.keywords
    assert options is not None
    table, texts = hour.texts()
    phrases, usage = ask(hour, options.model, texts, top_k=options.top)
    return result_of_answers(table, [phrases], KEYWORDS, _row, [usage])


def _row(phrases: Sequence[Keyword]) -> Mapping[str, Any]:
    return {"keywords": [k.phrase for k in phrases], "keyword_scores": [round(k.score, 4) for k in phrases]}


STEP = Step(
    name="keywords",
    description="The top phrases of a message with their TextRank scores.",
    kinds=frozenset({"parquet", "spacy"}),
    schema=lambda _: KEYWORDS,
    inputs=lambda workflow: [text_of(workflow)[0]],
    lineage=lambda workflow: {
        "message_id": [(text_of(workflow)[0], "message_id")],
        "keywords": [text_of(workflow)],
        "keyword_scores": [text_of(workflow)],
    },
    compute=extract_keywords,
)
