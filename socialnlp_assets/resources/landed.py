"""All that has landed in an hour, in a few numbers, however many files it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from socialnlp_assets.resources.objects import LandedFile


@dataclass(frozen=True)
class Landed:
    """All that has landed in an hour."""

    files: int = 0
    bytes: int = 0
    total: int = 0  # of the files' fingerprints, modulo 2⁶⁴: the same files in any order give the same
    newest: float = 0.0  # when the last was written, seconds since 1970

    @classmethod
    def of(cls, file: LandedFile) -> Landed:
        fingerprint = blake2b(f"{file.path}\0{file.etag}".encode(), digest_size=6)
        return cls(1, file.size, int(fingerprint.hexdigest(), 16), file.written)

    @classmethod
    def all(cls, files: Iterable[LandedFile]) -> Landed:
        return sum(map(cls.of, files), cls())

    def __add__(self, other: Landed) -> Landed:
        total = (self.total + other.total) % 2**64
        newest = max(self.newest, other.newest)
        return Landed(self.files + other.files, self.bytes + other.bytes, total, newest)

    @property
    def digest(self) -> str:
        """One word for it all."""
        return f"{self.total:016x}.{self.files}"

    def adds_to(self, before: Landed | None) -> bool:
        """Whether something has landed since: files that are gone, and nothing else, are nothing new."""
        if before is None:
            return bool(self.files)
        return self.digest != before.digest and (self.files >= before.files or self.newest > before.newest)
