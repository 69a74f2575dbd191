"""Reading YAML files that people write, so that every mistake is told with its file, its line and the remedy."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from socialnlp_assets.safe_yaml import YamlError, read_yaml

MOST_QUOTED = 200  # characters of a value that a message quotes
Location = tuple[str | int, ...]  # names of fields and positions in lists, as pydantic gives them


class NotYaml(ValueError):
    """The file is no YAML; the message has file, line and reason."""


@dataclass(frozen=True)
class YamlFile:
    """A file's content, and where in the file each part of it stands."""

    path: Path
    content: Any
    _node: yaml.Node | None = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> YamlFile:
        """Raises `NotYaml`, and OSError where the file cannot be read."""
        try:
            text = path.read_text(encoding="utf-8")
            return cls(path, *read_yaml(text))
        except YamlError as error:
            raise NotYaml(f"{path}:{error.line}: {error}") from None
        except UnicodeDecodeError as error:
            raise NotYaml(f"{path}:1: not YAML: {error}") from None

    def told(self, location: Location, text: str, what: str = "file") -> str:
        """A mistake at `location`, as a line for whoever wrote the file."""
        return f"{self.path}:{self.line(location)}: {'.'.join(map(str, location)) or what}: {text}"

    def line(self, location: Location) -> int:
        """The 1-based line of the deepest part on the way to `location`."""
        return line_of(self._node, location)

    def repeated(self) -> Iterator[tuple[Location, str]]:
        """Fields that are there twice, of which YAML would silently take the last, or inside themselves."""
        return repeated(self._node)


def line_of(node: yaml.Node | None, location: Location) -> int:
    """The 1-based line of the deepest node on the way to `location`."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            # Of a repeated field the last counts, as it does for YAML.
            found = next(((k, v) for k, v in reversed(node.value) if k.value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = (node.value[part], node.value[part])
        else:
            break
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def repeated(
    node: yaml.Node | None, location: Location = (), above: tuple[yaml.Node, ...] = ()
) -> Iterator[tuple[Location, str]]:
    """Fields that are there twice, of which YAML would silently take the last, or inside themselves."""
    if not isinstance(node, yaml.MappingNode):
        return
    if node in above:
        yield location, "is inside itself, by an anchor; write out what it holds"
        return
    names = [key.value for key, _ in node.value]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield (*location, name), "is there twice; leave one of them"
    for key, value in node.value:
        yield from repeated(value, (*location, key.value), (*above, node))


def findings(errors: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Pydantic's errors, without those that only follow from others: a list is "too short" for its faulty items too."""
    found = list(errors)
    inner = {tuple(error["loc"])[:-1] for error in found}
    return [error for error in found if error["type"] != "too_short" or tuple(error["loc"]) not in inner]


def remedy(error: Mapping[str, Any], known: Collection[str], fitting: Mapping[str, str], otherwise: str) -> str:
    """A sentence that says what to do about one of pydantic's errors.

    `known` are the fields that may stand where the error is; `fitting` says by field what fits its pattern, and
    `otherwise` what fits all others'.
    """
    location = tuple(error["loc"])
    if error["type"] == "extra_forbidden":
        close = get_close_matches(str(location[-1]), known, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"known here: {', '.join(known) or 'nothing'}"
        return f"there is no such field; {hint}"
    if error["type"] == "missing":
        return f"is missing; add `{location[-1]}:`"
    if error["type"] == "string_pattern_mismatch":
        field = [part for part in location if isinstance(part, str)][-1]
        return f"{error['input']!r:.{MOST_QUOTED}} does not fit; write {fitting.get(field, otherwise)}"
    if error["type"] == "too_short":
        return "is empty; name at least one"
    return f"{error['msg'].removeprefix('Value error, ')} (got {error['input']!r:.{MOST_QUOTED}})"
