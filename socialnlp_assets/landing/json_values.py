"""JSON values out of text that arrives in pieces: a list, lines, or values one after another.

The fast path is the standard library's C decoder on a buffer. What it refuses goes on beyond the buffer, as
its error tells, or is broken, and the next value begins where `_boundary` says. So one broken record costs
that record, in time linear in its length, and how the text was cut into pieces makes no difference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .notation import json_fraction

RECORD_LIMIT = 16 << 20  # characters of one value
LINE_LIMIT = 64 << 10  # characters in which a broken value is looked for the end of its line
LONGEST_TOKEN = len("-Infinity")  # but for texts and numbers, of which the decoder sees the start
DEPTH_LIMIT = 100  # deeper values can be read, but not every program that comes after can write them

# Not strict: control characters in texts are no reason to lose them.
_decode = json.JSONDecoder(strict=False, parse_float=json_fraction).raw_decode
_BETWEEN = re.compile(r"[\s,\0\ufeff]*")  # byte order marks stand where files were put one behind the other
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[{}\[\],]', re.DOTALL)
_NEXT_IN_LIST = re.compile(r'\}\s*,[\s\ufeff]*(?=\{\s*")')
_NEXT_LINE = re.compile(r"\n\ufeff*(?=[{\[])")
PARTNER = {"}": "{", "]": "["}
_GOES_ON = "goes on beyond the buffer"


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
            value, end, problem = self._decoded()
            if problem and problem != _GOES_ON and (end := self._boundary(in_list)):
                broken = self.buffer[self.position : end]
                value = Broken(broken, f"{problem}; correct the record and deliver it again")
            if 0 < end - self.position <= RECORD_LIMIT:
                self.position = end
                return value
            left = len(self.buffer) - self.position
            if self.ended or left > RECORD_LIMIT:
                if left > RECORD_LIMIT:
                    problem = (
                        f"one record is longer than {RECORD_LIMIT >> 20} MiB and the rest of the file was not read"
                    )
                elif problem.startswith("is not"):
                    problem += ": the file ends within it, it is truncated"
                broken = self.buffer[self.position : self.position + RECORD_LIMIT]
                return Broken(broken, f"{problem}; deliver the file again", last=True)
            self.more()

    def _decoded(self) -> tuple[Any, int, str]:
        """The value at `position`, where it ends, and no problem; or None, 0 and the problem."""
        tail = len(self.buffer) if self.ended else len(self.buffer) - LONGEST_TOKEN
        try:
            value, end = _decode(self.buffer, self.position)
        except json.JSONDecodeError as error:
            open_string = error.msg.startswith("Unterminated string") and not self.ended
            return None, 0, _GOES_ON if open_string or error.pos > tail else f"is not JSON ({error.msg})"
        except RecursionError:
            return None, 0, "is nested too deep"
        except ValueError:  # a fraction may have as many digits as it likes
            in_number = self.buffer[-1] in "0123456789.eE+-" and not self.ended
            return None, 0, _GOES_ON if in_number else "holds a number of more than 4,300 digits"
        if end > tail and not isinstance(value, dict | list | str):
            return None, 0, _GOES_ON
        if not is_shallow(self.buffer, self.position, end):
            return None, 0, "is nested too deep"
        return value, end, ""

    def _boundary(self, in_list: bool) -> int:
        """Where the broken value at `position` ends, or 0 when that is not in the buffer.

        Outside a list that is the end of its line, unless the line is long and its brackets close before.
        """
        if in_list:
            return self._end_of_brackets()
        if line := _NEXT_LINE.search(self.buffer, self.position, self.position + LINE_LIMIT + 1):
            return line.end()
        if not self.ended and len(self.buffer) - self.position <= LINE_LIMIT:
            return 0
        end = self._end_of_brackets()
        line = _NEXT_LINE.search(self.buffer, self.position, end or len(self.buffer))
        return line.end() if line else end

    def _end_of_brackets(self) -> int:
        """Where the value's brackets close, or where they should have, for what follows can only be the next value."""
        start, opened, before = self.position, list[str](), self.position
        for token in _TOKEN.finditer(self.buffer, start):
            mark, between = token[0], self.buffer[before : token.start()]
            if mark[0] == '"':
                # JSON escapes quotes in a string, so this in a "string" is the next record: a quote was lost.
                if following := _NEXT_IN_LIST.search(self.buffer, token.start(), token.end()):
                    return following.end()
            elif mark in "{[":
                if opened[-1:] == ["{"] and self.buffer[before - 1] == "," and not between.strip("\ufeff \t\r\n"):
                    return token.start()  # in an object names follow a comma: this one was not closed
                opened.append(mark)
            elif not opened:
                return max(token.start(), start + 1)
            elif mark == "]" and "[" not in opened:
                return token.start()  # the list's own: the object was not closed
            elif mark != ",":
                while opened.pop() != PARTNER[mark] and opened:  # with those within it that were not closed
                    pass
                if not opened:
                    return token.end()
            before = token.end()
        return 0
