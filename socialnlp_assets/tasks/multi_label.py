"""Labels with a probability each, in BlazingText's form: ``[{"label": […], "prob": […]}…]``, best first."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from socialnlp_assets.tasks.scores import Scores, best_first, unit
from socialnlp_assets.tasks.task import Parameter, Task


class MultiLabel(Task, name="multi-label"):
    """Each probability stands alone (one-vs-all)."""

    has_labels = True
    texts_field = "instances"
    parameters_field = "configuration"
    parameters: ClassVar[Mapping[str, Parameter]] = {"k": Parameter(None, int)}  # labels in the reply; None: all

    def sent(self) -> dict[str, Any]:
        return {"k": len(self.labels)}  # BlazingText's own default is 1

    def blank(self) -> dict[str, float]:
        """A blank text is about nothing."""
        return dict.fromkeys(self.labels, 0.0)

    def write(self, result: Mapping[str, float], parameters: Mapping[str, Any]) -> dict[str, Any]:
        best = best_first(result, parameters["k"])
        return {"label": [*map(spelled, best)], "prob": [*map(result.__getitem__, best)]}

    def read(self, row: Any, truncated: bool) -> Scores:
        labels = {spelled(label): label for label in self.labels}
        scores = dict.fromkeys(self.labels, 0.0)  # a label below the model's threshold may be left out
        for name, probability in zip(row["label"], row["prob"], strict=True):
            if name not in labels:
                raise ValueError(f"label {name!r} is not in the catalogue, which has {sorted(labels)}")
            scores[labels[name]] = unit(probability, name)
        return Scores.of(scores, truncated)


@cache
def spelled(label: str) -> str:
    """The label as fastText and BlazingText write it: ``__label__Foreign_news``."""
    return "__label__" + label.replace(" ", "_")
