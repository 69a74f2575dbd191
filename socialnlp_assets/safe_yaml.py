"""YAML that users write, read safely: no objects, no more than the file says, no message longer than a screen.

Aliases are the danger: a few hundred bytes that name one another stand for gigabytes, harmless in memory, where they
are shared, and deadly for whoever prints or copies them.
"""

from __future__ import annotations

from typing import Any

import yaml

CHARACTERS = 1 << 20  # of a file
VALUES = 100_000  # in a document, with each alias counted as what it stands for
DEPTH = 50  # of values within one another
MESSAGE = 500  # characters


class YamlError(ValueError):
    """The text is not YAML, or more than a file of ours may be, and the `line` where; the message is short."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem if len(problem) <= MESSAGE else problem[: MESSAGE - 1] + "…")
        self.line = line


def read_yaml(text: str) -> tuple[Any, yaml.Node | None]:
    """The document in `text`, and its node, by which lines are found. Raises `YamlError`."""
    if len(text) > CHARACTERS:
        raise YamlError(1, f"longer than {CHARACTERS:,} characters")
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None, None
        _measure(node, {}, 0)
        return loader.construct_document(node), node
    except YamlError:
        raise
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: the 45th of a month
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise YamlError(mark.line + 1 if mark else 1, f"not YAML: {problem}") from None


def _measure(node: yaml.Node, known: dict[int, int], depth: int) -> int:
    """How many values `node` stands for; each node is counted once and known by its identity."""
    line = node.start_mark.line + 1
    if depth > DEPTH:
        raise YamlError(line, f"values within one another more than {DEPTH} deep")
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = 1  # for what holds itself
    inner: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        inner = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        inner = node.value
    size = 1 + sum(_measure(part, known, depth + 1) for part in inner)
    if size > VALUES:
        raise YamlError(line, f"aliases that stand for more than {VALUES:,} values; write them out")
    known[id(node)] = size
    return size
