"""YAML from outside costs no more than its length, and what is said of it fits a screen."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialnlp_assets.safe_yaml import MESSAGE, YamlError, read_yaml


def bomb(levels: int, width: int, kind: str = "[{}]") -> str:
    lines = ["a0: &a0 [lol, lol]"]
    for level in range(1, levels):
        inner = ", ".join([f"*a{level - 1}"] * width)
        lines.append(f"a{level}: &a{level} {kind.format(inner)}")
    return "\n".join(lines)


BOMBS = {
    "lists": bomb(9, 9),
    "mappings": bomb(9, 1, "{{x: [{0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}]}}"),
    "two at a time": bomb(40, 2),
    "merged": "a: &a {x: 1}\nb: &b {<<: [" + ", ".join(["*a"] * 9) + "]}\n" + bomb(9, 9),
    "deep": "[" * 5000 + "]" * 5000,
    "deep mappings": "{a: " * 200 + "1" + "}" * 200,
    "long": "a: " + "x" * (2 << 20),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_are_refused_in_one_short_message(kind: str) -> None:
    with pytest.raises(YamlError) as refused:
        read_yaml(BOMBS[kind])
    assert len(str(refused.value)) <= MESSAGE


def test_a_value_that_holds_itself_is_no_more_than_it_is() -> None:
    data, _ = read_yaml("a: &a [*a]")
    assert data["a"][0] is data["a"]


def test_what_files_say_is_read_with_its_lines() -> None:
    data, node = read_yaml("steps: &steps [posts, output]\nagain: *steps\nwhen: 2026-11-20\n")
    assert data["again"] == ["posts", "output"]
    assert node is not None
    assert node.value[2][0].start_mark.line == 2
    assert read_yaml("") == (None, None)


@pytest.mark.parametrize("text", ["a: [", "a: !!python/object:os.system {}", "a: 2026-01-45", "a: 1\n---\nb: 2", "\t"])
def test_what_is_no_yaml_of_ours_is_told(text: str) -> None:
    with pytest.raises(YamlError, match="not YAML"):
        read_yaml(text)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(YamlError):
        read_yaml(text)
