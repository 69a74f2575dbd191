"""Opening and listing what a lake lies on, where obstore's own way falls short.

obstore's listing ends with an error at the first name that it cannot address (``//``, a control character, bytes
that are no UTF-8), leaves out ``a#1`` on disk, and shows the key ``hour=08/``, which the S3 console makes for a
folder, as an object ``hour=08``. Anybody may drop such names into the landing area.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from obstore.store import ObjectStore, from_url

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
UNDER_WAY = re.compile(r"#\d+$")  # how obstore's store on disk calls a file that is being written
TTL = timedelta(minutes=5)  # of credentials: boto3 renews those that have less than ten left


@dataclass(frozen=True)
class LandedFile:
    """An object: path within the lake, entity tag, size in bytes, and when it was last written, in seconds since
    1970."""

    path: str
    etag: str
    size: int
    written: float


def open_s3(uri: str, region: str, endpoint_url: str) -> ObjectStore:
    """The store below ``s3://bucket/prefix``."""
    options: dict[str, Any] = {"region": region} if region else {}
    if endpoint_url:
        options |= {"endpoint": endpoint_url, "virtual_hosted_style_request": False}
        if endpoint_url.startswith("http://"):
            options["client_options"] = {"allow_http": True}
    if provider := _credentials():
        options["credential_provider"] = provider
    return from_url(uri, **options)


def _credentials() -> Any:
    """Credentials as boto3 finds them; None where obstore finds the same by itself, or nobody any."""
    if {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= os.environ.keys():
        return None
    import boto3
    from obstore.auth.boto3 import Boto3CredentialProvider

    session = boto3.Session()
    return Boto3CredentialProvider(session, ttl=TTL) if session.get_credentials() else None


def unaddressable(path: str, *, on_disk: bool) -> str:
    """What is wrong with a name that obstore cannot read; empty where nothing is."""
    if any(part in ("", ".", "..") for part in path.split("/")):
        return "has an empty part, . or .."
    if CONTROL.search(path):
        return "holds a control character"
    if any("\ud800" <= character <= "\udfff" for character in path):
        return "is not UTF-8"
    if on_disk and UNDER_WAY.search(path):
        return "ends like that of a file still being written"
    return ""


def list_folder(root: Path, prefix: str, after: str = "") -> Iterator[LandedFile]:
    """Every file below a folder, by path as S3 sorts keys; with `after`, those whose path comes after it. Entity tags
    are spelled as obstore spells them."""
    try:
        entries = list(os.scandir(root / prefix))
    except OSError:  # there is none, or it was removed meanwhile
        return
    for name, entry in sorted((entry.name + "/" * entry.is_dir(), entry) for entry in entries):
        path = f"{prefix}/{name}"
        if entry.is_dir():
            if path > after or after.startswith(path):
                yield from list_folder(root, path.removesuffix("/"), after)
        elif path > after:
            try:
                stat = entry.stat()
            except FileNotFoundError:  # removed meanwhile, or a link to nothing
                continue
            etag = f"{stat.st_ino:x}-{stat.st_mtime_ns // 1000:x}-{stat.st_size:x}"
            yield LandedFile(path, etag, stat.st_size, stat.st_mtime)


def list_s3(uri: str, region: str, endpoint_url: str, prefix: str, after: str = "") -> Iterator[LandedFile]:
    """Every object below a folder, by key; without the empty ones that only make a folder of their name. With `after`,
    those whose key comes after it: the others cost no request."""
    root, where = _where(uri, prefix)
    if after:
        where["StartAfter"] = f"{root}{after}"
    for page in _s3(region, endpoint_url).get_paginator("list_objects_v2").paginate(**where):
        for found in page.get("Contents", []):
            if not found["Key"].endswith("/"):
                key, written = found["Key"].removeprefix(root), found["LastModified"].timestamp()
                yield LandedFile(key, found["ETag"].strip('"'), found["Size"], written)


def folders_in(root: Path, prefix: str) -> list[str]:
    """The folders directly below a folder, by name."""
    try:
        return sorted(f"{prefix}/{entry.name}" for entry in os.scandir(root / prefix) if entry.is_dir())
    except OSError:
        return []


def s3_folders(uri: str, region: str, endpoint_url: str, prefix: str) -> list[str]:
    """What S3 shows as folders directly below a folder: a request a thousand, however many objects are in them."""
    root, where = _where(uri, prefix)
    pages = _s3(region, endpoint_url).get_paginator("list_objects_v2").paginate(**where, Delimiter="/")
    found = (each["Prefix"] for page in pages for each in page.get("CommonPrefixes", []))
    return [prefix.removeprefix(root).removesuffix("/") for prefix in found]


def _where(uri: str, prefix: str) -> tuple[str, dict[str, str]]:
    """What keys of the lake begin with, and bucket and prefix of a folder, as S3's requests name them."""
    address = urlsplit(uri)
    root = f"{address.path.strip('/')}/".lstrip("/")
    return root, {"Bucket": address.netloc, "Prefix": f"{root}{prefix}/"}


@cache
def _s3(region: str, endpoint_url: str) -> Any:
    """A client, which takes longer to make than a listing takes."""
    import boto3
    from botocore.config import Config

    config = Config(s3={"addressing_style": "path"}) if endpoint_url else None
    return boto3.client("s3", region_name=region or None, endpoint_url=endpoint_url or None, config=config)
