"""Tables of text: a header, then one record a line; a quoted cell may go on over several lines.

A record is read strictly (RFC 4180). Where it cannot be, because a quote never closes, or one within a cell is not
doubled, its first line is the reject and reading goes on with the line after it: no record is ever lost within
another's text. So that a quote which was never closed does not end at somebody else's, a quoted cell may not hold a
line that is a record itself.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from typing import Any

from .json_values import Broken

BYTE_ORDER_MARK = "\ufeff"  # stands where files were put one behind the other
_TIME_COLUMN = re.compile("time|created|date", re.IGNORECASE)
_TIME = re.compile(r"\d[\d.,:/TZ +-]{7,39}")
csv.field_size_limit(1 << 20)  # a text of a megabyte is no text; the default of 128 kB is met by articles


def is_header(line: str, known: frozenset[str]) -> bool:
    """Whether a table's columns are named in `line`, one of the `known` among them."""
    names = {name.strip(' "').split(".")[0] for name in line.split(_delimiter(line))}
    return len(names) > 1 and not known.isdisjoint(names)


def table_rows(text: Iterator[str], known: frozenset[str]) -> Iterator[dict[str, Any] | Broken]:
    """The table's rows by column name; a line that is no row, or begins one that never ends, is `Broken`."""
    lines = _Lines(text)
    first = next(lines)
    delimiter = _delimiter(first)
    header = _columns(first, delimiter)
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    lines.taken.clear()
    while True:
        try:
            row = next(rows, None)
            if row and _names_columns(row, known):  # a second file's header, where files were put one behind the other
                header, row = [name.strip() for name in row], []
            problem = _problem(row, lines.taken, header, delimiter) if row else ""
        except csv.Error:
            row, problem = (
                [],
                "holds a quote that is not closed, or not within a megabyte, or not doubled in its cell",
            )
        if row is None:
            return
        if problem:
            yield Broken(lines.taken[0].rstrip("\n"), f"{problem}; correct the record and deliver it again")
            lines.give_back()
        elif row:
            yield nested({name: cell for name, cell in zip(header, row, strict=True) if name})
        lines.taken.clear()


def _problem(row: list[str], lines: list[str], header: list[str], delimiter: str) -> str:
    """What is wrong with a row that was read from `lines`; empty when nothing is."""
    if len(row) != len(header) and len(lines) == 1:
        return f"has {len(row)} cells where the header names {len(header)}: quote cells that hold the delimiter"
    if len(row) != len(header) or any(_is_record(line, header, delimiter) for line in lines[1:]):
        return "opens a quote that is not closed in its cell"
    return ""


def _is_record(line: str, header: list[str], delimiter: str) -> bool:
    """Whether `line` is a record by itself: as many cells as the header has, with a time where it has times."""
    if line.count(delimiter) < len(header) - 1:
        return False
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return False
    if len(cells) != len(header):
        return False
    times = [cell for name, cell in zip(header, cells, strict=True) if cell and _TIME_COLUMN.search(name)]
    return bool(times) and all(_TIME.fullmatch(time.strip()) for time in times)


def _names_columns(row: list[str], known: frozenset[str]) -> bool:
    return len(row) > 1 and all(name.strip().split(".")[0] in known for name in row)


def _columns(line: str, delimiter: str) -> list[str]:
    try:
        names = next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error:
        names = [name.strip(' "\n') for name in line.split(delimiter)]
    return [name.strip() for name in names]


def _delimiter(line: str) -> str:
    return max(",;\t|", key=line.count)


class _Lines:
    """Lines ended by any of the three line ends; other characters that `str.splitlines` knows are text.

    `taken` are those that were read since it was cleared; all but the first can be given back.
    """

    def __init__(self, text: Iterator[str]) -> None:
        self.taken: list[str] = []
        self._again = deque[str]()
        self._rest = self._read(text)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._rest)
        self.taken.append(line)
        return line

    def give_back(self) -> None:
        self._again.extendleft(reversed(self.taken[1:]))

    @staticmethod
    def _read(text: Iterator[str]) -> Iterator[str]:
        newlines = io.IncrementalNewlineDecoder(decoder=None, translate=True)
        rest = ""
        for piece in text:
            *whole, rest = (rest + newlines.decode(piece)).split("\n")
            yield from (line.lstrip(BYTE_ORDER_MARK) + "\n" for line in whole)
        if rest := (rest + newlines.decode("", final=True)).lstrip(BYTE_ORDER_MARK):
            yield rest


def nested(row: dict[str, Any]) -> dict[str, Any]:
    """`{"content.text": "…"}` as `{"content": {"text": "…"}}`."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        *path, last = name.split(".")
        inner = found
        for part in path:
            inner = inner.setdefault(part, {}) if isinstance(inner.get(part, {}), dict) else {}
        inner[last] = value
    return found
