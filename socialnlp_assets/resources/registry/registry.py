"""The registry in the lake: one folder a model, `models/<model>/log/`, one object an entry, each created once.

Two who decide at the same time would create the same object, which only one of them can; the other looks again. Files
of a version lie in `models/<model>/files/<digest>/` before the entry that registers it, so that nothing is ever half
registered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Protocol

from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.registry.versions import (
    SHIPPED,
    Entry,
    History,
    Made,
    RegistryError,
    State,
    Version,
)

ENDPOINT = "endpoint"  # who rolls back a version whose endpoint fails
YOUNG = timedelta(days=1)  # what was well for longer has not failed by itself
ATTEMPTS = 20  # of one entry, while others write theirs


class Registry(Protocol):
    """What the lake's registry and SageMaker's have in common; both pass one contract test."""

    def history(self, model: str) -> History: ...

    def register(self, made: Made, who: str, why: str) -> Version:
        """Put a version on record, pending. One of the same content that is on record already is given back."""

    def decide(self, model: str, number: int, state: State, who: str, why: str) -> None:
        """Approve or reject. Raises `RegistryError`."""


def approval(entry: ModelEntry, version: Version) -> State:
    """What a version becomes that is approved: with a canary in the catalogue, one that was never in service proves
    itself first. Who approves one in canary does not want to wait."""
    is_tried = entry.training is not None and entry.training.canary is not None
    return State.CANARY if is_tried and version.state is State.PENDING else State.APPROVED


class LakeRegistry:
    """`Registry` in the lake: any number of machines, no server."""

    def __init__(self, lake: Lake, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.lake = lake
        self._now = now
        self._read: dict[str, Entry] = {}  # by path: entries never change

    def history(self, model: str) -> History:
        paths = sorted(file.path for file in self.lake.objects(_log(model)))
        for path in paths:
            if path not in self._read:
                self._read[path] = Entry.model_validate_json(self.lake.get(path))
        return History(model=model, entries=tuple(self._read[path] for path in paths))

    def models(self) -> list[str]:
        """Those of which there is any version."""
        return sorted({file.path.split("/")[1] for file in self.lake.objects("models") if "/log/" in file.path})

    def register(self, made: Made, who: str, why: str) -> Version:
        def entry(history: History) -> Entry | None:
            same = [each for each in history.versions().values() if each.made.digest == made.digest]
            return None if same else history.registered(made, who, why, self._now())

        versions = self._append(made.model, entry).versions()
        return next(each for each in versions.values() if each.made.digest == made.digest)

    def decide(self, model: str, number: int, state: State, who: str, why: str) -> None:
        self._append(model, lambda history: history.decided(number, state, who, why, self._now()))

    def keep_in_step(self, model: str) -> list[str]:  # noqa: ARG002
        """Take over what was decided elsewhere; a sentence for each. There is no elsewhere here."""
        return []

    def rollback(self, model: str, who: str, why: str) -> int:
        """Bring back the version that was in service before the one that is; its number, 0 for the shipped one."""
        if self.history(model).in_service() is None:
            raise RegistryError(f"the shipped version of {model} is in service: there is none to go back to")
        back = self.history(model).before()
        self.decide(model, back, State.APPROVED, who, why)
        return back

    def withdraw(self, model: str, number: int, why: str) -> int | None:
        """Roll back the version `number`, whose endpoint fails: where it is in service since `YOUNG` at most, and was
        not brought back by such a rollback itself. The version that comes back; None where nothing was decided."""

        def entry(history: History) -> Entry | None:
            now = history.in_service()
            if now is None or now.number != number or now.who == ENDPOINT or self._now() - now.at > YOUNG:
                return None
            return history.decided(history.before(), State.APPROVED, ENDPOINT, why, self._now())

        last = self._append(model, entry).entries[-1:]
        return next((each.version for each in last if each.who == ENDPOINT and each.version != number), None)

    def version(self, model: str, number: int) -> Version:
        """Raises `RegistryError`."""
        versions = self.history(model).versions()
        if number not in versions:
            known = ", ".join(map(str, versions)) or "none but the shipped one"
            raise RegistryError(f"{model} has no version {number}; it has {known}")
        return versions[number]

    def _append(self, model: str, entry: Callable[[History], Entry | None]) -> History:
        for _ in range(ATTEMPTS):
            history = self.history(model)
            following = entry(history)
            if following is None:
                return history
            path = f"{_log(model)}/{len(history.entries) + 1:08d}.json"
            if self.lake.create(path, following.model_dump_json(indent=1).encode()):
                return self.history(model)
        raise RegistryError(f"{ATTEMPTS} others wrote to the log of {model} at the same time; try again")


def store_files(lake: Lake, model: str, folder: Path) -> tuple[str, str, Mapping[str, str], int]:
    """Put the files of a model folder into the lake, below a digest of them: the folder there, the digest, the hash of
    each file, and their size. The same files are stored once."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder).as_posix(): _sha256(path) for path in paths}
    digest = sha256("".join(f"{name} {hash_}\n" for name, hash_ in files.items()).encode()).hexdigest()[:16]
    target = f"models/{model}/files/{digest}"
    for path in paths:
        lake.put_file(f"{target}/{path.relative_to(folder).as_posix()}", path)
    return target, digest, files, sum(path.stat().st_size for path in paths)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _log(model: str) -> str:
    return f"models/{model}/log"


__all__ = ["SHIPPED", "LakeRegistry", "Registry", "approval", "store_files"]
