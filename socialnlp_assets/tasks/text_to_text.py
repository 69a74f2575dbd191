"""What the tasks have in common that answer a text with a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from socialnlp_assets.tasks.task import Task


class TextToText(Task):
    """The row is an object with the text as `field`; a blank text stays empty."""

    field: ClassVar[str]

    def blank(self) -> str:
        return ""

    def write(self, result: str, parameters: Mapping[str, Any]) -> dict[str, str]:  # noqa: ARG002
        return {self.field: result}

    def read(self, row: Any, truncated: bool) -> str:  # noqa: ARG002  a text carries no flag
        text = row[self.field]
        if not isinstance(text, str):
            raise ValueError(f"{self.field} is not a text")
        return text
