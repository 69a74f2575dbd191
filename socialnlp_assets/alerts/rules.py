"""When a trouble is told: at once, again in growing pauses while it lasts, and once when it is over.

Troubles of one kind that begin together are one alert: an outage must not be 168 of them. What has been told is
remembered for each channel, so one that was down is told later, and the others are not told twice.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from socialnlp_assets.alerts.alert import MOST_CHARACTERS, Alert, State, cut
from socialnlp_assets.alerts.channels import Channel, ChannelError

FIRST_PAUSE = timedelta(hours=1)  # until a trouble that lasts is told again; each further pause is twice as long
LONGEST_PAUSE = timedelta(days=1)
SETTLED = timedelta(minutes=5)  # what has been away for so long is over; what flickers is not told each time
MOST = 1000  # troubles of a kind


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong now. `kind` and `about` name it as long as it lasts."""

    kind: str
    about: str
    why: str
    remedy: str = ""

    def line(self) -> str:
        """All of it in one line that channels need not cut: of a long reason the remedy must be left."""
        room = MOST_CHARACTERS - len(self.about) - len(self.remedy) - 4
        return f"{self.about}: {cut(self.why, max(room, 20))}" + (f". {self.remedy}" if self.remedy else "")


@dataclass
class Told:
    """What a channel has been told of one trouble; times in seconds since 1970."""

    last: float
    times: int = 1
    gone: float = 0.0  # since when it is away; 0 while it is there

    def is_due(self, now: float) -> bool:
        """Whether it is to be told again."""
        pause = min(FIRST_PAUSE * 2.0 ** min(self.times - 1, 20), LONGEST_PAUSE)
        return now - self.last >= pause.total_seconds()

    def is_over(self, now: float) -> bool:
        return bool(self.gone) and now - self.gone >= SETTLED.total_seconds()


@dataclass
class Memory:
    """What one channel has been told and is not over: kind → what about → when."""

    told: dict[str, dict[str, Told]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None) -> Memory:
        stored = json.loads(text) if text else {}
        return cls({kind: {about: Told(*values) for about, values in of.items()} for kind, of in stored.items()})

    def write(self) -> str:
        stored = {
            kind: {about: [told.last, told.times, told.gone] for about, told in of.items()}
            for kind, of in self.told.items()
            if of
        }
        return json.dumps(stored, separators=(",", ":"), ensure_ascii=False)


def tell(
    channel: Channel,
    found: Mapping[str, Collection[Trouble]],
    memory: Memory,
    now: datetime,
    undecided: Collection[tuple[str, str]] = (),
) -> None:
    """Send `channel` what is due, and remember it. `found` has what is wrong now, by kind; a kind that it lacks was
    not looked at, and stays as it is; so do those, by kind and about, that are `undecided`, for somebody is mending
    them. Raises `ChannelError` at the first alert that is not taken: `memory` then holds what was."""
    seconds = now.timestamp()
    for kind, troubles in found.items():
        told = memory.told.setdefault(kind, {})
        there = {trouble.about: trouble for trouble in sorted(troubles, key=lambda each: each.about)[:MOST]}
        for about, one in told.items():
            if about in there or (kind, about) in undecided:
                one.gone = 0.0
            else:
                one.gone = one.gone or seconds
        new = [about for about in there if about not in told]
        still = [about for about in there if about in told and told[about].is_due(seconds)]
        over = [about for about, one in told.items() if one.is_over(seconds)]
        for state, abouts in ((State.NEW, new), (State.STILL, still), (State.OVER, over)):
            if not abouts:
                continue
            channel.send(_alert(kind, state, [there.get(about) or Trouble(kind, about, "over") for about in abouts]))
            for about in abouts:
                if state is State.OVER:
                    del told[about]
                else:
                    told[about] = Told(seconds, told[about].times + 1 if about in told else 1)


def _alert(kind: str, state: State, troubles: list[Trouble]) -> Alert:
    first = troubles[0].about + (f" and {len(troubles) - 1} more" if len(troubles) > 1 else "")
    title = {
        State.NEW: f"{kind}: {first}",
        State.STILL: f"still {kind}: {first}",
        State.OVER: f"over, {kind}: {first}",
    }[state]
    return Alert(kind, title, tuple(trouble.line() for trouble in troubles), state)


__all__ = ["ChannelError", "Memory", "Told", "Trouble", "tell"]
