"""`sentiments`: how a message sounds, and the emotion in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from socialnlp_assets.assets.rows import ask, result_of_answers
from socialnlp_assets.assets.step import Hour, Result, Step, text_of
from socialnlp_assets.schemas import SENTIMENTS
from socialnlp_assets.tasks import Scores
from socialnlp_assets.workflow import Workflow


def feel(hour: Hour) -> Result:
    options = hour.workflow.steps.sentiments
    assert options is not None
    table, texts = hour.texts()
    sentiments, first = ask(hour, options.sentiment, texts)
    emotions, second = ask(hour, options.emotion, texts)
    return result_of_answers(table, [sentiments, emotions], SENTIMENTS, _row, [first, second])


def _row(sentiment: Scores, emotion: Scores) -> Mapping[str, Any]:
    return {
        "sentiment": sentiment.label,
        **{f"sent_{label}": round(score, 2) for label, score in sentiment.scores.items()},
        "emotion": emotion.label,
        **{f"emo_{label}": round(score, 2) for label, score in emotion.scores.items()},
        "truncated": sentiment.truncated or emotion.truncated,
    }


def _lineage(workflow: Workflow) -> dict[str, list[tuple[str, str]]]:
    source = text_of(workflow)
    return {c.name: [(source[0], "message_id") if c.name == "message_id" else source] for c in SENTIMENTS.columns}


STEP = Step(
    name="sentiments",
    description="Sentiment and emotion of a message, with the score of each label.",
    kinds=frozenset({"parquet", "huggingface"}),
    schema=lambda _: SENTIMENTS,
    inputs=lambda workflow: [text_of(workflow)[0]],
    lineage=_lineage,
    compute=feel,
)
