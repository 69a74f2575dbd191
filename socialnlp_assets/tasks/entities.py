"""Who and what a text names: people, organisations and places, and where in the text they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from socialnlp_assets.tasks.task import Task

KINDS = ("person", "organisation", "place")


@dataclass(frozen=True)
class Entity:
    """A name in a text: ``source[start:end] == text``, in code points; the `end` is the first after it."""

    text: str
    kind: str  # one of `KINDS`
    start: int
    end: int


class Entities(Task, name="entities"):
    """In the order of the text, none over another."""

    def blank(self) -> list[Entity]:
        return []

    def write(self, result: Sequence[Entity], parameters: Mapping[str, Any]) -> list[dict[str, Any]]:  # noqa: ARG002
        return [asdict(entity) for entity in result]

    def read(self, row: Any, truncated: bool) -> list[Entity]:  # noqa: ARG002  names carry no flag
        entities = [Entity(item["text"], item["kind"], item["start"], item["end"]) for item in row]
        end = 0
        for entity in entities:
            if entity.kind not in KINDS:
                raise ValueError(f"{entity.kind!r} is none of {', '.join(KINDS)}")
            if not end <= entity.start < entity.end or len(entity.text) != entity.end - entity.start:
                raise ValueError(f"{entity.text!r} does not stand at {entity.start}:{entity.end}, after {end}")
            end = entity.end
        return entities
