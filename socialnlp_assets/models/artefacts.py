"""Where the artefacts of production models lie on S3, and which one is current.

An artefact lies below its own digest and never changes: instances that are added later serve the same model as those
that were there, and an endpoint whose specification names a digest serves that and nothing else. A small pointer
beside them, written last, says which one is current.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ARCHIVE = "model.tar.gz"


class ArtefactMissing(LookupError):
    """No artefact of the model was uploaded; the message says what to do."""


@dataclass(frozen=True)
class Artefact:
    """A model's archive: its address, and the SHA-256 of its bytes in hex."""

    address: str
    sha256: str


def publish(client: Any, archive: Path, sha256: str, bucket: str, name: str, revision: str) -> Artefact:
    """Upload `archive` below ``bucket`` (``s3://bucket/prefix``), and make it the current one of that model."""
    container, key = _place(bucket, name, revision)
    artefact = Artefact(f"s3://{container}/{key}/{sha256[:16]}/{ARCHIVE}", sha256)
    client.upload_file(str(archive), container, f"{key}/{sha256[:16]}/{ARCHIVE}")
    pointer = {"address": artefact.address, "sha256": sha256}
    client.put_object(Bucket=container, Key=f"{key}/current.json", Body=json.dumps(pointer).encode())
    return artefact


def current(client: Any, bucket: str, name: str, revision: str) -> Artefact:
    """The artefact that serves `name` now. Raises `ArtefactMissing`."""
    container, key = _place(bucket, name, revision)
    try:
        answer = client.get_object(Bucket=container, Key=f"{key}/current.json")
    except client.exceptions.NoSuchKey:
        raise ArtefactMissing(
            f"there is no artefact of {name} at s3://{container}/{key}; upload it: socialnlp models package {name}"
        ) from None
    return Artefact(**json.loads(answer["Body"].read()))


def _place(bucket: str, name: str, revision: str) -> tuple[str, str]:
    container, _, prefix = bucket.removeprefix("s3://").strip("/").partition("/")
    return container, "/".join(filter(None, (prefix, name, revision or "latest")))
