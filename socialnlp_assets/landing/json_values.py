"""JSON values out of text that arrives in pieces: a list, lines, or values one after another.

The fast path is the standard library's C decoder on a buffer. What it refuses is looked at again: either
the value goes on beyond the buffer, or it is broken and the next one begins where `_boundary` says.
So one broken record costs that record, in time linear in its length.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

RECORD_LIMIT = 16 << 20  # characters of one value
DEPTH_LIMIT = 100  # deeper values can be read, but not every program that comes after can write them

_decode = json.JSONDecoder(
    strict=False
).raw_decode  # not strict: control characters in texts are no reason to lose them
_BETWEEN = re.compile(r"[\s,\0]*")
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)|[{}\[\],]', re.DOTALL)
_NEXT_IN_LIST = re.compile(r'\}\s*,\s*(?=\{\s*")')
_NEXT_LINE = re.compile(r"\n(?=[{\[])")


@dataclass(frozen=True, slots=True)
class Broken:
    """Text that is no JSON value, and why; `last` when nothing after it could be read."""

    text: str
    problem: str
    last: bool = False


def is_shallow(text: str, start: int = 0, end: int | None = None) -> bool:
    """Whether the JSON in `text` nests no deeper than `DEPTH_LIMIT`."""
    if text.count("{", start, end) + text.count("[", start, end) <= DEPTH_LIMIT:
        return True
    depth = 0
    for token in _TOKEN.finditer(text, start, len(text) if end is None else end):
        depth += (token[0] in "{[") - (token[0] in "}]")
        if depth > DEPTH_LIMIT:
            return False
    return True


def json_values(chunks: Iterator[str]) -> Iterator[Any | Broken]:
    """The elements of a JSON list, or each of several values (JSON lines, or simply one after another).

    Commas between values are neither demanded nor counted. A list that never ends yields, last, a `Broken`.
    """
    text, in_list = _Text(chunks), False
    while character := text.skip_to_value():
        if character == "[" and not in_list:
            in_list = True
            text.position += 1
        elif character == "]" and in_list:
            in_list = False
            text.position += 1
        else:
            value = text.value(in_list)
            yield value
            if isinstance(value, Broken) and value.last:
                return
    if in_list:
        yield Broken("", "the list is not closed, so the file is truncated; deliver it again", last=True)


class _Text:
    """A buffer over pieces of text, and the place in it where the next value begins."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self.chunks = chunks
        self.buffer, self.position, self.ended = "", 0, False

    def more(self) -> None:
        """Read at least as much again as is left, so that a long value is not decoded too often."""
        pieces = [self.buffer[self.position :]]
        wanted = max(len(pieces[0]), 1)
        while wanted > 0 and not self.ended:
            piece = next(self.chunks, None)
            self.ended = piece is None
            pieces.append(piece or "")
            wanted -= len(piece or "")
        self.buffer, self.position = "".join(pieces), 0

    def skip_to_value(self) -> str:
        """The first character of the next value or bracket; empty at the end."""
        while True:
            between = _BETWEEN.match(self.buffer, self.position)
            self.position = between.end() if between else self.position
            if self.position < len(self.buffer) or self.ended:
                return self.buffer[self.position : self.position + 1]
            self.more()

    def value(self, in_list: bool) -> Any | Broken:
        while True:
            try:
                value, end = _decode(self.buffer, self.position)
                if end == len(self.buffer) and not self.ended and not isinstance(value, dict | list | str):
                    problem = ""  # a number at the end of the buffer may go on
                elif is_shallow(self.buffer, self.position, end):
                    self.position = end
                    return value
                else:
                    problem = "is nested too deep"
            except json.JSONDecodeError as error:
                problem = f"is not JSON ({error.msg})"
            except RecursionError:
                problem = "is nested too deep"
            except ValueError:
                problem = "holds a number of more than 4,300 digits"
            if problem and (end := self._boundary(in_list)) > 0:
                broken = self.buffer[self.position : end]
                self.position = end
                return Broken(broken, f"{problem}; correct the record and deliver it again")
            left = len(self.buffer) - self.position
            if self.ended or left > RECORD_LIMIT:
                broken = self.buffer[self.position :]
                if left > RECORD_LIMIT:
                    problem = (
                        f"one record is longer than {RECORD_LIMIT >> 20} MiB and the rest of the file was not read"
                    )
                elif problem.startswith("is not"):
                    problem += ": the file ends within it, it is truncated"
                return Broken(broken, f"{problem}; deliver the file again", last=True)
            self.more()

    def _boundary(self, in_list: bool) -> int:
        """Where the broken value at `position` ends, or 0 when that is not in the buffer."""
        start = self.position
        if not in_list and (line := _NEXT_LINE.search(self.buffer, start)):
            return line.end()
        depth = 0
        for token in _TOKEN.finditer(self.buffer, start):
            mark = token[0]
            if mark[0] == '"':
                # JSON escapes quotes in a string, so this in a "string" is the next record: a quote was lost.
                if following := _NEXT_IN_LIST.search(self.buffer, token.start(), token.end() + 1):
                    return following.end()
            elif mark in "{[":
                depth += 1
            elif mark == "," or depth == 0:
                if depth == 0:
                    return max(token.start(), start + 1)
            else:
                depth -= 1
                if depth == 0:
                    return token.end()
        return 0
