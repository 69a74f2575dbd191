"""What goes wrong in a soak, hour by hour: what lands when, what an hour must come to, and when something is down.

Everything is drawn from one seed. Each hour has messages that are pulled from its source and messages that others drop.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from socialnlp_assets.fakes.samples import as_json, landing_key
from socialnlp_assets.partitions import HOUR, key_of
from socialnlp_assets.sources.invented.messages import Raw, milliseconds

WORKFLOW = "soak"
PULLED, DROPPED = 3, 5  # messages an hour
LATEST = 12  # hours that a file may be late
TONES = {
    "positive": "Thank you, the crew in street {n} was quick and kind",
    "negative": "The power in street {n} is out again and nobody answers",
    "neutral": "The meter in street {n} is read on Monday",
}
FAULTS = (
    "late file",
    "rewritten file",
    "file before its hour is over",
    "message of another hour",
    "notification twice",
    "notification lost",
    "corrupt file",
    "hour that fails a check",
    "endpoint that fails",
    "no capacity",
    "throttling",
    "source down",
)


@dataclass(frozen=True)
class Event:
    """What happens at a moment: a file is put, or something begins or ends to be wrong."""

    at: datetime
    do: Callable[[Any], None]  # the world


@dataclass
class Plan:
    """`events` in order of time, the source's `messages`, and which messages each hour must have in the end."""

    hours: Sequence[datetime]
    events: list[Event] = field(default_factory=list)
    messages: list[Raw] = field(default_factory=list)
    expected: dict[datetime, set[str]] = field(default_factory=lambda: defaultdict(set))
    faults: Counter[str] = field(default_factory=Counter)

    def at(self, moment: datetime, do: Callable[[Any], None], fault: str = "") -> None:
        self.events.append(Event(moment, do))
        if fault:
            self.faults[fault] += 1

    def put(self, moment: datetime, hour: datetime, name: str, content: list[Raw] | bytes, fault: str = "") -> None:
        """A file of `hour`; whatever is not bytes is a list of messages."""
        path, data = landing_key(WORKFLOW, hour, name), content if isinstance(content, bytes) else as_json(content)
        self.at(moment, lambda world: world.put(path, data), fault)


def message(hour: datetime, number: int) -> Raw:
    """One whose tone, and so the right answer, follows from its number."""
    tone = list(TONES)[number % len(TONES)]
    return {
        "messageId": f"{key_of(hour)} {number}",
        "channelType": "TWITTER",
        "channelCreatedTime": milliseconds(hour + timedelta(seconds=number)),
        "content": {"text": TONES[tone].format(n=number)},
        "language": "en",
        "permalink": f"https://social.example/{hour:%d%H}{number}",
        "topicIds": ["1"],
        "senderProfile": {"name": "Ada", "username": "ada", "channelId": "77"},
    }


def tone_of(id: str) -> str:
    """What the message of that id must be found to be."""
    return list(TONES)[int(id.split()[-1]) % len(TONES)]


def plan_of(hours: Sequence[datetime], seed: int) -> Plan:
    """Each fault once at least, where there are as many hours as faults; the others at random."""
    plan, rng = Plan(hours), Random(seed)
    first = list(FAULTS)
    rng.shuffle(first)
    for number, hour in enumerate(hours):
        fault = first[number] if number < len(first) else rng.choice((*FAULTS, *[""] * len(FAULTS)))
        _plan_hour(plan, hour, fault, rng)
    plan.events.sort(key=lambda event: event.at)
    return plan


def _plan_hour(plan: Plan, hour: datetime, fault: str, rng: Random) -> None:
    pulled, dropped = (
        [message(hour, first + n) for n in range(count)] for first, count in ((0, PULLED), (10, DROPPED))
    )
    landed, later = hour + HOUR + timedelta(minutes=rng.randint(1, 9)), timedelta(hours=rng.randint(2, LATEST))
    plan.messages += pulled
    plan.expected[hour] |= {each["messageId"] for each in (*pulled, *dropped)}
    more = [message(hour, 20 + n) for n in range(2)]
    match fault:
        case "late file":
            plan.put(landed + later, hour, "late", more, fault)
            plan.expected[hour] |= {each["messageId"] for each in more}
        case "rewritten file":
            plan.put(landed + later, hour, "batch", dropped + more, fault)
            plan.expected[hour] |= {each["messageId"] for each in more}
        case "file before its hour is over":
            landed = hour + timedelta(minutes=20)
            plan.faults[fault] += 1
        case "message of another hour":
            other = rng.choice(plan.hours[: plan.hours.index(hour)] or [hour])
            plan.put(landed, hour, "others", [message(other, 30 + int(f"{hour:%d%H}"))], fault)
            plan.expected[other].add(f"{key_of(other)} {30 + int(f'{hour:%d%H}')}")
        case "notification twice":
            for minutes in (0, 20, 240):
                plan.at(landed + timedelta(minutes=minutes), lambda world: world.notify(hour))
            plan.faults[fault] += 1
        case "notification lost":
            plan.at(landed + timedelta(seconds=1), lambda world: world.lose_notifications(), fault)
        case "corrupt file":
            plan.put(landed, hour, "more", b'[{"messageId": ', fault)
            plan.put(landed + later, hour, "more", more)  # by people
            plan.expected[hour] |= {each["messageId"] for each in more}
        case "hour that fails a check":
            marked = {"content": {"text": "<div>&lt;p&gt;The power is out&lt;/p&gt;</div>"}}
            spoilt = [each | marked for each in dropped]
            plan.put(landed, hour, "batch", spoilt, fault)
            plan.put(landed + later, hour, "batch", dropped)
            return
        case "endpoint that fails":
            plan.at(landed, lambda world: world.creations_fail(True), fault)
            plan.at(landed + timedelta(minutes=25), lambda world: world.creations_fail(False))
        case "no capacity" | "throttling":
            plan.at(landed, lambda world: world.refuse(fault), fault)
        case "source down":
            plan.at(landed - timedelta(minutes=10), lambda world: world.source_down(True), fault)
            plan.at(landed + timedelta(hours=3), lambda world: world.source_down(False))
    plan.put(landed, hour, "batch", dropped)
