"""An alert: one message to people, in the shapes that channels take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any

MOST_LINES = 20  # of one alert: a page of the same says no more
MOST_CHARACTERS = 300  # of a line
SUBJECT_CHARACTERS = 100  # SNS's limit


class State(StrEnum):
    """What has become of the trouble that an alert is about."""

    NEW = "new"
    STILL = "still"
    OVER = "over"
    NOTE = "note"  # no trouble, just to be known


@dataclass(frozen=True)
class Alert:
    """What people are told. `kind` is one word for filters, such as ``failure``; `title` is one line, `lines` are the
    details, one line each."""

    kind: str
    title: str
    lines: tuple[str, ...] = ()
    state: State = State.NOTE
    link: str = ""

    @property
    def id(self) -> str:
        """The same for the same content: an alert may arrive twice."""
        return blake2b(repr((self.kind, self.state, self.title, self.lines)).encode(), digest_size=8).hexdigest()

    @property
    def shown(self) -> list[str]:
        """The lines, cut to what anybody reads."""
        kept = [cut(line, MOST_CHARACTERS) for line in self.lines[:MOST_LINES]]
        more = len(self.lines) - len(kept)
        return [*kept, f"and {more} more"] if more else kept

    def as_json(self) -> dict[str, Any]:
        """For a webhook."""
        return {
            "id": self.id,
            "kind": self.kind,
            "state": self.state.value,
            "title": self.title,
            "lines": self.shown,
            "link": self.link,
        }

    def as_slack(self) -> dict[str, Any]:
        """For an incoming webhook of Slack, and of the many that speak like it."""
        lines = [f"*{_escaped(self.title)}*", *(f"• {_escaped(line)}" for line in self.shown), _escaped(self.link)]
        return {"text": "\n".join(filter(None, lines))}

    def as_text(self) -> str:
        """For a letter."""
        return "\n".join(filter(None, [self.title, "", *self.shown, self.link]))

    def as_subject(self) -> str:
        """The title as SNS takes it: one line of printable ASCII, never empty."""
        ascii_ = self.title.encode("ascii", "replace").decode()
        printable = "".join(character if character.isprintable() else " " for character in ascii_)
        return cut(" ".join(printable.split()), SUBJECT_CHARACTERS, "...") or self.kind


def cut(line: str, most: int, mark: str = "…") -> str:
    """`line` on one line, of `most` characters at most."""
    line = " ".join(line.split())
    return line if len(line) <= most else f"{line[: most - len(mark)]}{mark}"


def _escaped(text: str) -> str:
    """Without Slack's markup for links and mentions: what posts say must not call everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
