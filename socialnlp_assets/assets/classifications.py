"""`classifications` and `themes`: the labels of a message. Multi-label, or one label for each of several aspects.

Both are the same code with other models; what the model does (its task in the catalogue) decides the columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import pyarrow.compute as pc
from pydantic import Field

from socialnlp_assets.assets.rows import ask, result_of_answers
from socialnlp_assets.assets.step import Analysis, Does, Hour, Result
from socialnlp_assets.checks import Expectation, Level
from socialnlp_assets.models import ModelEntry
from socialnlp_assets.schemas import BOOL, TEXT, Column, score_column
from socialnlp_assets.tasks import Scores


class Classifications(Analysis):
    """Which sides of the company a message is about, or what a review says of each aspect."""

    name: ClassVar = "classifications"
    kinds: ClassVar = frozenset({"parquet", "sagemaker"})
    prefix: ClassVar = ""  # of its columns

    model: Annotated[str, Does("multi-label", "aspects")] = Field(examples=["reputation"])
    only: Literal["social", "article", "review"] | None = None
    threshold: float = Field(default=0.5, gt=0, lt=1)

    @property
    def entry(self) -> ModelEntry:
        return self.catalogue[self.model]

    def columns(self) -> tuple[Column, ...]:
        columns = []
        for target in self.entry.targets:
            meaning = f"what the review says of {target}: positive, negative, not mentioned"
            columns.append(Column(target, TEXT, meaning, values=self.entry.labels))
            columns.append(score_column(f"{target}_score", "score of that label, 0 to 1"))
        for label in () if self.entry.targets else self.entry.labels:
            column = self.prefix + label_column(label)
            columns.append(Column(column, BOOL, f"true when the text is about {label}"))
            columns.append(score_column(f"{column}_score", f"score of {label}, 0 to 1"))
        return tuple(columns)

    def inputs(self) -> list[str]:
        return list(dict.fromkeys([self.text[0], *(["posts"] if self.only else [])]))

    def plausible(self) -> tuple[Expectation, ...]:
        names = [column.name for column in self.columns()]
        scores = names[1::2]
        model = f"look at the answers of the model `{self.model}`, and go back to its version before"
        follow = Expectation(
            "expect_table_scores_to_follow_texts", {"column_list": [f"read_{self.text[1]}", *scores]},
            "texts of like words have like scores", f"answers lie at the wrong rows, or {model}",
            level=Level.WARNING, least_rows=50,
        )  # fmt: skip
        agree = Expectation(
            "expect_multicolumn_flags_to_agree_with_scores", {"column_list": names, "threshold": self.threshold},
            f"a label is there where its score reaches {self.threshold}",
            "flags lie at the wrong scores: run the hour again", rejects=True,
        )  # fmt: skip
        of_kind = Expectation(
            "expect_column_values_to_be_in_set", {"column": "read_kind", "value_set": [self.only]},
            f"only messages of the kind {self.only} are classified", "run the hour again", rejects=True,
        )  # fmt: skip
        vary = (
            Expectation(
                "expect_column_commonest_value_share_to_be_at_most", {"column": name, "max_share": 0.9},
                f"{name} is not the same for every message", model, least_rows=20,
            )
            for name in scores
        )  # fmt: skip
        return (follow, *([] if self.entry.targets else [agree]), *([of_kind] if self.only else []), *vary)

    def compute(self, hour: Hour) -> Result:
        table, _ = self.texts(hour)
        rows_in = table.num_rows
        dropped: Counter[str] = Counter()
        if self.only:
            posts = hour.read("posts", ["message_id", "kind"])
            wanted = posts.filter(pc.equal(posts["kind"], self.only))["message_id"]
            table = table.filter(pc.is_in(table["message_id"], value_set=wanted.combine_chunks()))
            if rows_in > table.num_rows:
                dropped[f"not {self.only}"] = rows_in - table.num_rows
        texts = table.column(1).to_pylist()
        targets = self.entry.targets or (None,)
        asked = [ask(hour, self.model, texts, **({"target": t} if t else {})) for t in targets]
        result = result_of_answers(
            table,
            [answers for answers, _ in asked],
            self.table(),
            self._aspects if self.entry.targets else self._labels,
            [sum((usage for _, usage in asked[1:]), start=asked[0][1])],
            dropped=dropped,
        )
        result.rows_in = rows_in
        if self.only:
            result.read = table.append_column("kind", [[self.only] * table.num_rows])
        return result

    def _labels(self, scores: Scores) -> Mapping[str, Any]:
        columns: dict[str, Any] = {}
        for label, score in scores.scores.items():
            name = self.prefix + label_column(label)
            columns |= {name: score >= self.threshold, f"{name}_score": round(score, 4)}
        return columns

    def _aspects(self, *aspects: Scores) -> Mapping[str, Any]:
        columns: dict[str, Any] = {}
        for aspect, scores in zip(self.entry.targets, aspects, strict=True):
            columns |= {aspect: scores.label, f"{aspect}_score": round(scores.scores[scores.label], 4)}
        return columns


class Themes(Classifications):
    """Which themes a message is about."""

    name: ClassVar = "themes"
    prefix: ClassVar = "theme_"  # Products is a side of the company's reputation, too, and `output` joins both

    model: Annotated[str, Does("multi-label")] = Field(examples=["themes"])


def label_column(label: str) -> str:
    """The column name of a label: ``Science and Medicine`` → ``science_and_medicine``."""
    words = "".join(character if character.isalnum() else " " for character in label.lower()).split()
    return "_".join(words)
