"""One label of several, in the Hugging Face toolkit's form: ``[[{"label", "score"}…]…]``, best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from socialnlp_assets.tasks.scores import Scores, best_first, certain, unit
from socialnlp_assets.tasks.task import BadInput, Parameter, Task


class TextClassification(Task, name="text-classification"):
    has_labels = True
    parameters: ClassVar[Mapping[str, Parameter]] = {
        "top_k": Parameter(None, int),  # labels in the reply; None: all
        "truncation": Parameter(True, bool),  # False: a longer text is an error
        "max_length": Parameter(512, int, least=3, most=512),
    }

    def blank(self) -> dict[str, float]:
        """A blank text is neutral."""
        return certain("neutral", self.labels)

    def write(self, result: Mapping[str, float], parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{"label": label, "score": result[label]} for label in best_first(result, parameters["top_k"])]

    def read(self, row: Any, truncated: bool) -> Scores:
        scores = {item["label"]: unit(item["score"], item["label"]) for item in row}
        if set(scores) != set(self.labels):
            raise ValueError(f"labels are {sorted(scores)}, the catalogue has {sorted(self.labels)}")
        return Scores.of({label: scores[label] for label in self.labels}, truncated)

    def check_cut(self, truncated: Sequence[int], parameters: Mapping[str, Any]) -> None:
        if truncated and not parameters["truncation"]:
            raise BadInput(
                f"is longer than {parameters['max_length']} tokens; shorten it or ask for truncation",
                position=truncated[0],
            )
