"""`Task`: what a model is asked and answers, one row at a time. The bodies around the rows are `request_body` and
`reply_body`."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias


class BadInput(Exception):
    """The caller's fault, whatever the model: answered as 4xx. The message says what to change.

    `position` is the 0-based position of the text in the `texts` at hand, where one text is to blame; the server
    puts the position in the request before the message, as ``inputs[3]: …``.
    """

    def __init__(self, message: str, *, position: int | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.position = position
        self.status = status


@dataclass(frozen=True)
class RowError:
    """The model cannot take this text, whatever the batch. `reason` says why."""

    reason: str


Result: TypeAlias = Any
"""What `Task.read` gives, such as `str` or `Scores`, or a `RowError`."""


@dataclass(frozen=True)
class Parameter:
    """One entry of a request's `parameters`: what it may be, and what it is when the caller says nothing."""

    default: Any
    kind: type[int] | type[bool] | type[str]
    least: int = 1
    most: int = 1024
    required: bool = False
    per_text: bool = False  # one for all texts, or a list, one a text; a handler always gets the list
    sent: bool = True  # also where it is the default: containers that are not ours may have another

    def check(self, name: str, value: Any) -> Any:
        """`value`, or `BadInput` naming the parameter."""
        if value is None and self.default is None and not self.required:
            return None
        fits = type(value) is self.kind  # not isinstance: True is no whole number
        if fits and isinstance(value, int) and self.kind is int:
            fits = self.least <= value <= self.most
        if not fits:
            raise BadInput(f"{name} must be {self.description}, not {shown(value)}")
        return value

    @property
    def description(self) -> str:
        if self.kind is int:
            return f"a whole number from {self.least} to {self.most}"
        return "true or false" if self.kind is bool else "a text"

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of its values."""
        one: dict[str, Any] = {"type": {int: "integer", bool: "boolean", str: "string"}[self.kind]}
        if self.kind is int:
            one |= {"minimum": self.least, "maximum": self.most}
        if self.per_text:
            return {"anyOf": [one, {"type": "array", "items": one}]}
        if self.required:
            return one
        return {**one, "type": [one["type"], "null"] if self.default is None else one["type"], "default": self.default}


class Task(ABC):
    """One task, as one model with `labels` does it.

    A subclass gives itself a name, ``class Keywords(Task, name="keywords")``, and says how one row is written and
    read. An engine's result is what `write` takes: plain values, such as a dict of every label to its score.
    """

    name: ClassVar[str]
    parameters: ClassVar[Mapping[str, Parameter]] = {}
    texts_field: ClassVar[str] = "inputs"  # what the client calls them; the server reads both shapes
    parameters_field: ClassVar[str] = "parameters"
    has_labels: ClassVar[bool] = False  # the model's labels must be listed

    def __init_subclass__(cls, name: str = "") -> None:
        super().__init_subclass__()
        if name:
            cls.name = name
            _TASKS[name] = cls

    def __init__(self, labels: Sequence[str] = ()) -> None:
        self.labels = tuple(labels)

    @abstractmethod
    def blank(self) -> Any:
        """An engine's result for a text with nothing in it, which no engine is asked."""

    @abstractmethod
    def write(self, result: Any, parameters: Mapping[str, Any]) -> Any:
        """One engine's result as one row of the reply, in plain JSON values."""

    @abstractmethod
    def read(self, row: Any, truncated: bool) -> Result:
        """One row of the reply; `truncated`, where only the beginning of the text was read. Raises ValueError,
        TypeError, KeyError or AttributeError where the row does not fit."""

    def read_blank(self) -> Result:
        """What the reply for a blank text would be read as."""
        return self.read(self.write(self.blank(), self.defaults()), False)

    def defaults(self) -> dict[str, Any]:
        """The parameters of a request whose caller says nothing; None for those that must be given."""
        return {name: parameter.default for name, parameter in self.parameters.items()}

    def sent(self) -> dict[str, Any]:
        """The parameters that the client says when its caller does not."""
        defaults = self.defaults()
        return {name: defaults[name] for name, each in self.parameters.items() if each.sent and not each.required}

    def warm_up(self, settings: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """Parameters for one text that a model with `settings` (its `model.json`) can take."""
        return self.defaults()

    def known(
        self,
        texts: Sequence[str],
        parameters: Mapping[str, Any],  # noqa: ARG002
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> list[Any]:
        """The results that need no engine, by text; None for those that do. Raises `BadInput` for what a model
        with `settings` cannot be asked."""
        return [None if text and not text.isspace() else self.blank() for text in texts]

    def check_cut(self, truncated: Sequence[int], parameters: Mapping[str, Any]) -> None:  # noqa: B027
        """Raises `BadInput` where texts were cut, `truncated` their positions, whose caller forbids it."""


_TASKS: dict[str, type[Task]] = {}


def task(name: str, labels: Sequence[str] = ()) -> Task:
    """The task called `name`, for a model that answers `labels`. Raises ValueError with the known names."""
    if name not in _TASKS:
        raise ValueError(f"no task is called {name!r}; there are {', '.join(task_names())}")
    return _TASKS[name](labels)


def task_names() -> list[str]:
    return sorted(_TASKS)


def shown(value: Any) -> str:
    """`value` as JSON in a message, cut short: a large one is not written to its end."""
    text = ""
    for piece in json.JSONEncoder().iterencode(value):
        text += piece
        if len(text) > 60:
            return text[:57] + "…"
    return text
