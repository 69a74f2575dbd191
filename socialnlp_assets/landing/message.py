"""What reading a landed file yields: a message, or a reject that says why it is none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

RECORD_LIMIT = 64 * 1024  # characters of a rejected record that quarantine keeps
WHOLE_FILE = -1  # position of a reject that concerns the file, not one of its records


@dataclass(frozen=True, slots=True)
class Message:
    """One raw message, as delivered, and where it stood: `position` counts a file's records from 0."""

    raw: dict[str, Any]
    file: str
    position: int


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that could not be read, or a whole file (`position` -1); `reason` says what to do."""

    file: str
    position: int
    reason: str
    record: str


class Landed(NamedTuple):
    """A file's records: `messages, rejects = read_messages(…)`."""

    messages: list[Message]
    rejects: list[Reject]


def reject(file: str, position: int, problem: str, record: object = "") -> Reject:
    """A reject whose reason names file and record; `record` is its text or the parsed value."""
    where = file if position == WHOLE_FILE else f"{file}, record {position}"
    return Reject(file, position, clean_text(f"{where}: {problem}"), _shown(record))


def clean_text(text: str) -> str:
    """`text` in valid Unicode without NUL: surrogate pairs joined, lone surrogates replaced by U+FFFD."""
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _shown(record: object) -> str:
    if not isinstance(record, str):
        try:
            record = json.dumps(record, ensure_ascii=False, default=str)
        except (TypeError, ValueError, RecursionError):  # keys that are no text, a value nested too deep
            record = f"<{type(record).__name__} that JSON cannot show>"
    return clean_text(record[:RECORD_LIMIT])
