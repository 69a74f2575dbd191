"""The section `source:` of a workflow: where its messages come from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]


class Source(BaseModel):
    """Where the messages come from. `dropped`: somebody else puts files into the landing area."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["sprinklr", "google_maps", "dropped"]
    languages: tuple[Language, ...] = Field(min_length=1)
    place_type: str | None = None
