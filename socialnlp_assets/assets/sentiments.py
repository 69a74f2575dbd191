"""`sentiments`: what a message sounds like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from socialnlp_assets.assets.rows import ask, result_of_answers
from socialnlp_assets.assets.step import Analysis, Does, Hour, Result
from socialnlp_assets.schemas import BOOL, TEXT, Column, score_column
from socialnlp_assets.tasks import Scores


class Sentiments(Analysis):
    """Sentiment and emotion of a message, with the score of each label."""

    name: ClassVar = "sentiments"
    kinds: ClassVar = frozenset({"parquet", "huggingface"})
    as_written: ClassVar = True

    sentiment: Annotated[str, Does("text-classification")] = "sentiment"
    emotion: Annotated[str, Does("text-classification")] = "emotion"

    def columns(self) -> tuple[Column, ...]:
        columns = []
        for name, prefix, model in (("sentiment", "sent", self.sentiment), ("emotion", "emo", self.emotion)):
            labels = self.catalogue[model].labels
            columns.append(Column(name, TEXT, f"{', '.join(labels)}: the highest score", values=labels))
            columns += [score_column(f"{prefix}_{label}", f"score of {label}, 2 decimals") for label in labels]
        columns.append(Column("truncated", BOOL, "true when the models read only the first 512 tokens"))
        return tuple(columns)

    def compute(self, hour: Hour) -> Result:
        table, texts = self.texts(hour)
        sentiments, first = ask(hour, self.sentiment, texts)
        emotions, second = ask(hour, self.emotion, texts)
        return result_of_answers(table, [sentiments, emotions], self.table(), _row, [first, second])


def _row(sentiment: Scores, emotion: Scores) -> Mapping[str, Any]:
    return {
        "sentiment": sentiment.label,
        **{f"sent_{label}": round(score, 2) for label, score in sentiment.scores.items()},
        "emotion": emotion.label,
        **{f"emo_{label}": round(score, 2) for label, score in emotion.scores.items()},
        "truncated": sentiment.truncated or emotion.truncated,
    }
