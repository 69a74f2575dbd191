"""Where a model comes from: a Hugging Face hub id or a local folder, with its revision and its licence."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from socialnlp_assets.models.hub import fetch
from socialnlp_assets.models.packaging_origin import PackagingError, inspect_folder

# Weights for other frameworks stay behind.
HUB_FILES = ("*.json", "*.txt", "*.model", "*.safetensors", "pytorch_model*.bin", "README.md")
FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---\s*(?:\n|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Source:
    """Files of a model, and what is known about them."""

    name: str  # the hub id, or the name of the folder or file
    folder: Path
    revision: str  # the hub's commit, or "sha256:…" over the files
    licence: str  # as the model's card says; empty where it says nothing


def find_source(source: str, revision: str, kept: Path) -> Source:
    """The model at `source`: a folder or file, else a hub id at `revision`, whose files are fetched into `kept`. Raises
    `PackagingError`, also for a folder with what does not belong into one."""
    folder = Path(source).expanduser()
    if folder.is_file():
        return Source(folder.name, folder, f"sha256:{digest(folder)}", "")
    if folder.is_dir():
        inspect_folder(folder)
        found = hub_commit(folder) or f"sha256:{digest_files(files_below(folder), folder)}"
        return Source(folder.resolve().name, folder, found, licence(folder))
    if source.startswith((".", "/", "~")) or source.count("/") > 1:
        raise PackagingError(f"there is no folder {source}; give a folder or a hub id such as facebook/m2m100_418M")
    downloaded = fetch(source, revision, HUB_FILES, kept)
    return Source(source, downloaded, downloaded.name, licence(downloaded))  # the folder is called as the commit


def hub_commit(folder: Path) -> str:
    """The commit that `hf download --local-dir` wrote down for the files of `folder`; empty where there is none or
    a file is not the hub's any more. The hub's id is not written down."""
    commits = set()
    for path in files_below(folder):
        note = folder / ".cache/huggingface/download" / f"{path.relative_to(folder).as_posix()}.metadata"
        try:
            commit, tag = note.read_text(encoding="utf-8").split()[:2]
        except (OSError, ValueError):
            return ""
        if tag != (digest(path) if len(tag) == 64 else git_hash(path)):  # large files have the former
            return ""
        commits.add(commit)
    return commits.pop() if len(commits) == 1 else ""


def git_hash(path: Path) -> str:
    """What git calls the content of a file."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def licence(folder: Path) -> str:
    """What the front matter of the model's card says, such as ``mit``."""
    card = folder / "README.md"
    match = FRONT_MATTER.match(card.read_text(encoding="utf-8", errors="replace")) if card.exists() else None
    try:
        fields = yaml.safe_load(match[1]) if match else None
    except yaml.YAMLError:
        return ""
    return str(fields.get("license") or "") if isinstance(fields, dict) else ""


def files_below(folder: Path) -> list[Path]:
    """Every file of `folder`, hidden ones left out, in the order of their names."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in path.relative_to(folder).parts)
    )


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_files(paths: Iterable[Path], folder: Path) -> str:
    """One SHA-256 over the names and contents of `paths`."""
    lines = (f"{path.relative_to(folder).as_posix()} {digest(path)}\n" for path in paths)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
