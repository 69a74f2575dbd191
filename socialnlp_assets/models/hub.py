"""Files of a model from a Hugging Face hub: `HF_ENDPOINT`, with `HF_TOKEN` where the hub asks for one.

The hub's own client begins a large file anew after a broken connection, and does not look at its hash. Here a part
that has come stays, whichever process asks for the rest; each file is compared with the hash that the hub tells; and
room for all of them is asked for first.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import urllib3

from socialnlp_assets.files import make_folder
from socialnlp_assets.models.packaging_origin import MOST_FILES, PackagingError, ask_for_room

HUB = "https://huggingface.co"
TRIES = 6  # in a row without a byte
PAUSE = 2.0  # seconds before the second, and twice as long before each further one
BLOCK = 1 << 20
ASIDE = ".part"


@dataclass(frozen=True)
class HubFile:
    name: str
    size: int
    sha256: str  # of a large file
    git: str  # what git calls the content of another


def fetch(hub_id: str, revision: str, patterns: Sequence[str], kept: Path) -> Path:
    """The folder below `kept` with those files of a model whose names fit `patterns`; it is called as the hub's commit.
    Raises `PackagingError`."""
    address = (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    asking = _Hub(address, hub_id)
    commit, files = asking.files(revision or "main", patterns)
    folder = make_folder(kept / hub_id.replace("/", "--")) / commit
    missing = [file for file in files if not _is_here(folder / file.name, file)]
    parts = sum(_size(_part(folder / file.name)) for file in missing)
    ask_for_room(sum(file.size for file in missing) - parts, make_folder(folder))
    for file in missing:
        asking.download(file, commit, folder / file.name)
    return folder


class _Hub:
    def __init__(self, address: str, hub_id: str) -> None:
        self._address = address
        self._id = hub_id
        timeout = urllib3.Timeout(connect=20, read=60)
        # Redirected to another host, urllib3 leaves the token out.
        self._http = urllib3.PoolManager(
            retries=urllib3.Retry(total=None, connect=0, read=0, status=0, other=0, redirect=5), timeout=timeout
        )
        self._headers = {"User-Agent": "socialnlp-assets"}
        if token := os.environ.get("HF_TOKEN"):
            self._headers["Authorization"] = f"Bearer {token}"

    def files(self, revision: str, patterns: Sequence[str]) -> tuple[str, list[HubFile]]:
        """The commit that `revision` is, and its files."""
        told: dict[str, Any] = {}

        def ask() -> int:
            url = f"{self._address}/api/models/{self._id}/revision/{revision}?blobs=true"
            reply = self._http.request("GET", url, headers=self._headers)
            self._judge(reply.status, revision)
            told.update(reply.json())
            return 1

        self._insist(ask)
        files = [_file(each) for each in told.get("siblings", [])]
        wanted = [file for file in files if any(fnmatch(file.name, pattern) for pattern in patterns)]
        if any(file.name.endswith(".safetensors") for file in wanted):  # the same weights twice
            wanted = [file for file in wanted if not file.name.endswith(".bin")]
        if not wanted or len(wanted) > MOST_FILES:
            raise PackagingError(f"{self._id} has {len(wanted)} files of a model: check the id")
        return PurePosixPath(str(told["sha"])).name, wanted

    def download(self, file: HubFile, commit: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = _part(target)

        def go_on() -> int:
            """How many bytes have come, also where the connection broke after them."""
            begun = _size(part)
            url = f"{self._address}/{self._id}/resolve/{commit}/{quote(file.name)}"
            ranged = {"Range": f"bytes={begun}-"} if begun else {}
            reply = self._http.request("GET", url, headers=self._headers | ranged, preload_content=False)
            try:
                self._judge(reply.status, commit)
                with part.open("ab" if reply.status == 206 else "wb") as written:
                    for block in reply.stream(BLOCK, decode_content=False):
                        written.write(block)
            except urllib3.exceptions.HTTPError:
                if _size(part) == begun:
                    raise
            finally:
                reply.close()
            return _size(part) - begun

        part.touch()
        while _size(part) < file.size:
            self._insist(go_on)
        if not _is_here(part, file):
            part.unlink()
            raise PackagingError(f"{file.name} of {self._id} is not what the hub says it is: ask again")
        part.replace(target)

    def _insist(self, ask: Callable[[], int]) -> None:
        """Ask until it succeeds, or until some tries in a row have brought nothing."""
        for number in range(TRIES):
            try:
                if ask():
                    return
                error: Exception = ValueError("an empty answer")
            except (urllib3.exceptions.HTTPError, OSError, ValueError) as found:
                error = found
            if number < TRIES - 1:
                time.sleep(PAUSE * 2**number)
        raise PackagingError(
            f"{self._id} cannot be had from {self._address} ({type(error).__name__}); what has come is kept: ask "
            f"again. Or run `hf download {self._id} --local-dir DIR` on one that reaches it, and give --source DIR"
        ) from error

    def _judge(self, status: int, revision: str) -> None:
        if status in (401, 403):
            raise PackagingError(
                f"{self._id}: the hub has no such model, or asks for an account: accept its terms, and set HF_TOKEN"
            )
        if status == 404:
            raise PackagingError(f"the hub has no {self._id} at revision {revision}: check the id")
        if status not in (200, 206):
            raise urllib3.exceptions.HTTPError(f"status {status}")


def _file(told: Mapping[str, Any]) -> HubFile:
    name, large = str(told["rfilename"]), told.get("lfs") or {}
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise PackagingError(f"the hub names a file {name!r}, which leads out of its folder")
    size = int(large.get("size") or told.get("size") or 0)
    return HubFile(name, size, str(large.get("sha256") or ""), str(told.get("blobId") or ""))


def _is_here(path: Path, file: HubFile) -> bool:
    """Whether `path` has just what the hub says."""
    if _size(path) != file.size or not path.exists():
        return False
    digest = hashlib.sha256() if file.sha256 else hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
    with path.open("rb") as content:
        while block := content.read(BLOCK):
            digest.update(block)
    return digest.hexdigest() == (file.sha256 or file.git)


def _part(target: Path) -> Path:
    return target.with_name(target.name + ASIDE)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
