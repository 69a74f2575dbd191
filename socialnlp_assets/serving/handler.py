"""What an engine is to the server: the interface that every module in `handlers/` implements.

A handler gets a whole request and returns plain values; validation, blank texts and the wire's shapes are
the server's business. A handler that pads its batches runs them through `batching.by_length`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


class BadModel(Exception):
    """The model folder cannot be served. The message says what is wrong with which file."""


@dataclass(frozen=True)
class Predictions:
    """One result a text, in order, in the form that the model's task asks for:

    - `translation`, `normalisation`, `summarization`: `str`;
    - `text-classification`, `multi-label`, `aspects`: `dict[str, float]`, every label of `model.json`
      (spelled as there) to its score between 0 and 1, in any order;
    - `keywords`: `list[tuple[str, float]]`, phrase and score, best first;
    - `entities`: `list[tasks.entities.Entity]`, in the order of the text.

    None stands for a text in which the model finds nothing to read: it is answered as a blank one.
    `truncated` holds the positions of texts of which the model read only the beginning.
    """

    results: Sequence[Any]
    truncated: Sequence[int] = ()


class Handler(ABC):
    """One loaded model. Called by one thread at a time."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:
        """Read the model in `folder`, whose `model.json` is `settings`, to run on `threads` cores.

        Raises `BadModel` where the folder does not fit. Import the engine's library in here or at the
        module's top: a handler's module is imported only when a folder names its engine.
        """

    @abstractmethod
    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:
        """Results for `texts`, none of them blank, all of them valid UTF-8; there is at least one.

        `parameters` are the task's (`tasks/`), validated, with every default filled in; those that go by text,
        such as `src_lang`, are lists as long as `texts`. Raises `tasks.BadInput` for what only the model can know.
        """
