"""A handler whose behaviour the texts decide, so that a test can make a real server slow, broken or strange.

A model folder names it as its engine, ``scripted:Scripted``, with this folder on PYTHONPATH.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from socialnlp_assets.serving.handler import Handler, Predictions
from socialnlp_assets.tasks import BadInput


class Panic(BaseException):
    """As libraries in Rust raise it."""


class Scripted(Handler):
    def __init__(self) -> None:
        self.broken = False
        self.calls: list[str] = []

    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, Any], threads: int) -> Self:  # noqa: ARG003
        time.sleep(settings.get("load_seconds", 0))
        if settings.get("panics"):
            raise Panic("at the disco")
        return cls()

    def predict(self, texts: Sequence[str], parameters: Mapping[str, Any]) -> Predictions:  # noqa: ARG002
        self.calls += texts
        return Predictions(
            [self._answer(text, position) for position, text in enumerate(texts)],
            truncated=[position for position, text in enumerate(texts) if text.startswith("long")],
        )

    def _answer(self, text: str, position: int) -> Any:
        command, _, argument = text.partition(" ")
        if command == "sleep":
            time.sleep(float(argument))
        elif command == "break":
            self.broken = True
        elif command == "repair":
            self.broken = False
        elif command == "refuse":
            raise BadInput("is refused", position=position)
        elif command == "calls":
            return {"yes": float(self.calls.count(argument)), "no": 0.0}
        elif command == "nan":
            return {"yes": float("nan"), "no": 0.0}
        if self.broken or command == "fail":
            raise RuntimeError("it broke")
        return {"yes": 0.75, "no": 0.25}
