"""A labelled text, and which labels a model of the catalogue has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from socialnlp_assets.models.catalogue import ModelEntry

NONE = ("-", "none")  # how a file says that a text is about nothing


class LabelsError(ValueError):
    """A file of labels, or a data set, cannot be used; the message has a line a mistake, and says what to do."""


@dataclass(frozen=True)
class Labelled:
    """One text with its labels: one; any number for a multi-label model; ``target=label``, one a target, for a model
    of several targets. `about` is what is known besides: language, channel, translated."""

    text: str
    labels: tuple[str, ...]
    file: str = ""
    line: int = 0
    about: Mapping[str, str] = field(default_factory=dict)


class Labels:
    """The labels of one model, however a file spells them: `__label__Foreign_news`, `foreign news`."""

    def __init__(self, entry: ModelEntry) -> None:
        self.targets = entry.targets
        self.is_multiple = entry.task == "multi-label"
        self._known = {_plain(label): label for label in entry.labels}
        self._targets = {_plain(target): target for target in entry.targets}

    def all(self) -> list[str]:
        """Every label as a data set spells it."""
        labels = list(self._known.values())
        return [f"{target}={label}" for target in self.targets for label in labels] if self.targets else labels

    def read(self, names: Iterable[str]) -> tuple[str, ...]:
        """The labels of one text, in the order of the catalogue. Raises `LabelsError`."""
        given = [name for name in (name.strip() for name in names) if name]
        if not given:
            raise LabelsError("has no label" + ("; write - for a text that is about nothing" * self.is_multiple))
        if self.is_multiple and all(name.lower() in NONE for name in given):
            return ()
        found = {self._label(name) for name in given}
        if self.targets:
            named = [label.partition("=")[0] for label in found]
            if twice := sorted({target for target in named if named.count(target) > 1}):
                raise LabelsError(f"has two labels for {twice[0]}; leave one")
        elif len(found) > 1 and not self.is_multiple:
            raise LabelsError(f"has {len(found)} labels, {', '.join(sorted(found))}; this model gives one; leave one")
        return tuple(label for label in self.all() if label in found)

    def _label(self, name: str) -> str:
        target, separator, label = name.removeprefix("__label__").partition("=")
        if self.targets:
            if not separator or _plain(target) not in self._targets:
                raise LabelsError(f"{name!r} names no target; write one of {', '.join(self.targets)}, =, and a label")
            return f"{self._targets[_plain(target)]}={self._one(label)}"
        return self._one(name.removeprefix("__label__"))

    def _one(self, label: str) -> str:
        if _plain(label) not in self._known:
            raise LabelsError(f"no label is called {label!r}; there are {', '.join(self._known.values())}")
        return self._known[_plain(label)]


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())
