"""Model folders on this machine: as they are, or fetched from where they lie."""

from __future__ import annotations

import tempfile
from functools import cache
from hashlib import sha256
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from socialnlp_assets.files import make_folder


class FolderMissing(LookupError):
    """There is no such model folder; the message says where it was looked for."""


@cache
def model_folder(model: str, kept: Path, region: str, endpoint_url: str) -> Path:
    """The folder that `model` names: a path, a ``file://`` or an ``s3://`` URI. What lies elsewhere is fetched into
    `kept`, below a digest of its content, once a process. Raises `FolderMissing`."""
    address = urlsplit(model)
    if "://" not in model or address.scheme == "file":
        folder = Path(unquote(address.path) if "://" in model else model)
        if not folder.is_dir():
            raise FolderMissing(f"{folder}: there is no such model folder")
        return folder
    if address.scheme != "s3":
        raise FolderMissing(f"{model}: a model folder is a path, file://… or s3://…")
    return _fetched(address.netloc, address.path.strip("/") + "/", kept, region, endpoint_url)


def _fetched(bucket: str, prefix: str, kept: Path, region: str, endpoint_url: str) -> Path:
    import boto3

    client = boto3.client("s3", region_name=region or None, endpoint_url=endpoint_url or None)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    found = {item["Key"]: item["ETag"] for page in pages for item in page.get("Contents", [])}
    files = {key: tag for key, tag in found.items() if not key.endswith("/")}
    if not files:
        raise FolderMissing(f"s3://{bucket}/{prefix}: there is no such model folder")
    digest = sha256("\n".join(f"{key}\0{tag}" for key, tag in sorted(files.items())).encode()).hexdigest()[:16]
    folder = kept / digest
    if folder.is_dir():
        return folder
    make_folder(kept)
    with tempfile.TemporaryDirectory(dir=kept) as scratch:
        partial = Path(scratch) / "model"
        for key in files:
            name = PurePosixPath(key.removeprefix(prefix))
            if name.is_absolute() or ".." in name.parts:
                raise FolderMissing(f"s3://{bucket}/{key}: lies outside its folder, by its name")
            target = partial / name
            target.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(bucket, key, str(target))
        try:
            partial.rename(folder)  # whole, or not there
        except OSError:
            if not folder.is_dir():  # else another process has fetched the same
                raise
    return folder
