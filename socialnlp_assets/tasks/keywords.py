"""The phrases of a text that say what it is about, with scores, best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from socialnlp_assets.tasks.scores import number
from socialnlp_assets.tasks.task import Parameter, Task


@dataclass(frozen=True)
class Keyword:
    """A phrase of the text and its weight."""

    phrase: str
    score: float


class Keywords(Task, name="keywords"):
    parameters: ClassVar[Mapping[str, Parameter]] = {"top_k": Parameter(10, int)}

    def blank(self) -> list[tuple[str, float]]:
        return []

    def write(self, result: Sequence[tuple[str, float]], parameters: Mapping[str, Any]) -> list[dict[str, Any]]:  # noqa: ARG002
        return [{"phrase": phrase, "score": score} for phrase, score in result]

    def read(self, row: Any, truncated: bool) -> list[Keyword]:  # noqa: ARG002  phrases carry no flag
        keywords = [Keyword(item["phrase"], number(item["score"], "score")) for item in row]
        for keyword in keywords:
            if not isinstance(keyword.phrase, str) or keyword.score < 0:
                raise ValueError("a phrase is not a text with a score of 0 or more")
        return sorted(keywords, key=lambda keyword: -keyword.score)
