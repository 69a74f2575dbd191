"""What the registry keeps of a model: a log of entries, each written once, and what they add up to.

Pure. A version is immutable; what is decided of it is one more entry. So the log is the history, who and why included,
and folding it up to a moment says which version was in service then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

SHIPPED = 0  # the number of the model that the catalogue names; it needs no entry


class State(StrEnum):
    PENDING = "pending"  # passed the gate; nobody has decided yet
    CANARY = "canary"  # answers a share of the hours' texts beside the one in service, which counts
    APPROVED = "approved"  # in service from the next hour on
    REJECTED = "rejected"  # never to be in service
    RETIRED = "retired"  # was in service before another one


MAY_FOLLOW: Mapping[State, tuple[State, ...]] = {
    State.PENDING: (State.CANARY, State.APPROVED, State.REJECTED),
    State.CANARY: (State.APPROVED, State.REJECTED),
    State.APPROVED: (),  # approving another one retires it
    State.RETIRED: (State.APPROVED, State.REJECTED),
    State.REJECTED: (),
}
_REMEDY: Mapping[State, str] = {
    State.PENDING: "approve or reject it",
    State.CANARY: "approve or reject it, or wait for what its canary says",
    State.APPROVED: "approve another, or roll back, and this one is retired",
    State.RETIRED: "approve or reject it",
    State.REJECTED: "that is for good: train or install another",
}


class RegistryError(Exception):
    """What was asked of the registry cannot be done; the message says what to do."""


class Made(BaseModel):
    """What a version is, and what it was made of. Never changes."""

    model_config = ConfigDict(frozen=True)

    model: str
    folder: str  # of the model's files, within the lake; named by their content
    digest: str  # of their names and contents, 16 hex digits
    files: Mapping[str, str]  # name → SHA-256
    size: int  # bytes
    source: str  # "trained", or where it was installed from
    labels: str = ""  # version of the data set
    rows: int = 0  # texts that it was trained on
    code: str = ""  # version of the code that trained it
    recipe: str = ""
    hyperparameters: Mapping[str, str] = {}
    seed: int = 0
    figures: Mapping[str, Any] = {}  # of its evaluation
    archive: str = ""  # s3:// address of its model.tar.gz, where endpoints on SageMaker serve it
    archive_sha256: str = ""


class Entry(BaseModel):
    """One line of a model's log. The entry that registers a version has `made`."""

    model_config = ConfigDict(frozen=True)

    version: int
    state: State
    who: str
    why: str
    at: datetime  # UTC
    made: Made | None = None


class Version(BaseModel):
    """A registered version as the log has it at some moment."""

    model_config = ConfigDict(frozen=True)

    number: int
    made: Made
    state: State
    who: str  # decided last
    why: str
    at: datetime
    registered_at: datetime

    @property
    def label(self) -> str:
        """What rows are marked with, such as ``3@1f2e3d4c``."""
        return label(self.number, self.made.digest)


def label(number: int, digest: str) -> str:
    return f"{number}@{digest[:8]}"


class History(BaseModel):
    """A model's log."""

    model_config = ConfigDict(frozen=True)

    model: str
    entries: tuple[Entry, ...] = ()

    def versions(self, at: datetime | None = None) -> dict[int, Version]:
        """Every version by number, as of `at` (now, if not given)."""
        found: dict[int, Version] = {}
        for entry in self._until(at):
            if entry.made:
                found[entry.version] = Version(
                    number=entry.version, made=entry.made, state=entry.state, who=entry.who, why=entry.why,
                    at=entry.at, registered_at=entry.at,
                )  # fmt: skip
                continue
            if entry.state is State.APPROVED:
                found = {
                    number: _with(version, State.RETIRED, entry) if version.state is State.APPROVED else version
                    for number, version in found.items()
                }
            if entry.state is State.CANARY:  # one at a time
                found = {
                    number: _with(version, State.PENDING, entry) if version.state is State.CANARY else version
                    for number, version in found.items()
                }
            if entry.version != SHIPPED:
                found[entry.version] = _with(found[entry.version], entry.state, entry)
        return found

    def in_service(self, at: datetime | None = None) -> Version | None:
        """The approved version as of `at`; None where that is the shipped one."""
        approved = [version for version in self.versions(at).values() if version.state is State.APPROVED]
        return approved[0] if approved else None

    def in_canary(self, at: datetime | None = None) -> Version | None:
        """The version in canary as of `at`, if there is one."""
        return next((version for version in self.versions(at).values() if version.state is State.CANARY), None)

    def before(self) -> int:
        """The version to go back to: the last that was in service before the one that is, and may be again."""
        now, versions = self.in_service(), self.versions()
        order = [entry.version for entry in self.entries if entry.state is State.APPROVED]
        earlier = order[: order.index(now.number)] if now else []
        kept = (n for n in reversed(earlier) if n == SHIPPED or versions[n].state is State.RETIRED)
        return next(kept, SHIPPED)

    def registered(self, made: Made, who: str, why: str, at: datetime) -> Entry:
        """The entry that registers `made`."""
        return Entry(
            version=len(self.versions()) + 1, state=State.PENDING, who=who, why=why, at=self._after(at), made=made
        )

    def decided(self, number: int, state: State, who: str, why: str, at: datetime) -> Entry:
        """The entry that decides of a version. Raises `RegistryError` where it may not be."""
        if not who.strip() or not why.strip():
            raise RegistryError("say who decides, and why: both stay on record")
        versions = self.versions()
        if number != SHIPPED or state is not State.APPROVED:
            if number not in versions:
                known = ", ".join(map(str, versions)) or "none"
                raise RegistryError(f"{self.model} has no version {number}; it has {known}, and 0, the shipped one")
            version = versions[number]
            if state not in MAY_FOLLOW[version.state]:
                raise RegistryError(
                    f"version {number} of {self.model} is {version.state} ({version.who}: {version.why}); "
                    f"{_REMEDY[version.state]}"
                )
        elif self.in_service() is None:
            raise RegistryError(f"the shipped version of {self.model} is in service")
        return Entry(version=number, state=state, who=who, why=why, at=self._after(at))

    def _until(self, at: datetime | None) -> Iterable[Entry]:
        return (entry for entry in self.entries if at is None or entry.at <= at)

    def _after(self, at: datetime) -> datetime:
        """Clocks differ; the log's times do not go back."""
        return max([at, *(entry.at for entry in self.entries[-1:])])


def _with(version: Version, state: State, entry: Entry) -> Version:
    return version.model_copy(update={"state": state, "who": entry.who, "why": entry.why, "at": entry.at})
