"""`sentiments`: what a message sounds like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from socialnlp_assets.assets.rows import ask, result_of_answers
from socialnlp_assets.assets.step import Analysis, Does, Hour, Result
from socialnlp_assets.checks import Expectation, Level
from socialnlp_assets.schemas import BOOL, TEXT, Column, score_column
from socialnlp_assets.tasks import Scores

OPPOSITES = (
    ("positive", "negative"),
    ("joy", "anger"),
    ("joy", "sadness"),
)  # not optimism: clean hours of news and of chats have as much of it where words are unfriendly


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

    def plausible(self) -> tuple[Expectation, ...]:
        found: list[Expectation] = []
        text = f"read_{self.text[1]}"
        for name, prefix, model in (("sentiment", "sent", self.sentiment), ("emotion", "emo", self.emotion)):
            labels = list(self.catalogue[model].labels)
            scores = [f"{prefix}_{label}" for label in labels]
            back = f"look at the answers of the model `{model}`, and go back to its version before"
            found += [
                Expectation(
                    "expect_multicolumn_scores_to_sum_to_one", {"column_list": scores},
                    f"the scores of {name} sum to 1", back, rejects=True,
                ),
                Expectation(
                    "expect_multicolumn_label_to_have_best_score",
                    {"column_list": [name, *scores], "labels": labels},
                    f"the {name} is the label of the best score", "labels are shifted: run the hour again",
                    rejects=True,
                ),
                Expectation(
                    "expect_column_commonest_value_share_to_be_at_most", {"column": name, "max_share": 0.95},
                    f"not every message has the same {name}", back, least_rows=20,
                ),
                Expectation(
                    "expect_table_scores_to_follow_texts", {"column_list": [text, *scores]},
                    "texts of like words have like scores", f"answers lie at the wrong rows, or {back}",
                    level=Level.WARNING, least_rows=100,
                ),
                *(
                    Expectation(
                        "expect_table_scores_to_follow_tone",
                        {"column_list": [text, f"{prefix}_{friendly}", f"{prefix}_{unfriendly}"]},
                        f"friendlier words are more {friendly} than {unfriendly}", f"labels are swapped: {back}",
                        least_rows=50,
                    )
                    for friendly, unfriendly in OPPOSITES if {friendly, unfriendly} <= set(labels)
                ),
                *(
                    Expectation(
                        "expect_column_commonest_value_share_to_be_at_most", {"column": score, "max_share": 0.9},
                        f"{score} is not the same for every message", back, least_rows=20,
                    )
                    for score in scores
                ),
            ]  # fmt: skip
        return tuple(found)

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
