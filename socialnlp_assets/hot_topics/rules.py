"""The section `warnings:` of a workflow: of what people are warned."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Level = Literal["medium", "high"]
Kind = Literal["all", "channel", "place_id", "source", "reputation", "theme"]


class WarningRule(BaseModel):
    """A burst of a kind is a warning of this level, where it is so large and so negative."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Level
    of: tuple[Kind, ...] = Field(default=("source", "reputation", "theme", "channel", "place_id"), min_length=1)
    times: float = Field(default=2.0, ge=1, allow_inf_nan=False, description="of what was expected, at least")
    negative: float = Field(default=0.4, ge=0, le=1, description="share of the messages, at least")
    messages: int = Field(default=10, ge=1, description="in the hour, at least")


RULES = (
    WarningRule(level="high", times=3, negative=0.5, messages=20),
    WarningRule(level="medium"),
)
