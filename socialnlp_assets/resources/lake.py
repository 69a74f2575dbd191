"""The lake: hour-partitioned Parquet objects on local disk or an object store, through one API.

Every asset of every hour is one object, ``<workflow>/<asset>/date=YYYY-MM-DD/hour=HH/part.parquet``,
replaced atomically: a reader sees the old hour or the new one, never half of either.
"""

from __future__ import annotations

import errno
import io
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import dagster as dg
import obstore
import pyarrow as pa
import pyarrow.parquet as pq
from obstore.store import LocalStore, ObjectStore
from pydantic import PrivateAttr

from socialnlp_assets.files import make_folder, open_to_others
from socialnlp_assets.partitions import folder_of, folders_of
from socialnlp_assets.resources.objects import (
    LandedFile,
    folders_in,
    list_folder,
    list_s3,
    open_s3,
    s3_folders,
    unaddressable,
)

logger = logging.getLogger(__name__)

CHUNK = 1 << 20  # bytes
FULL = f"(os error {errno.ENOSPC})"
ROW_GROUP = 1 << 14  # rows

Values = Mapping[str, str | None]  # of columns that are the same in every row


class HourMissing(LookupError):
    """An asset has no data for an hour."""


class Lake(dg.ConfigurableResource[Any]):
    """Reads and writes the lake at `uri`: a folder, or ``s3://bucket/prefix``.

    `region` and `endpoint_url` are for S3; credentials are those that AWS's own tools would find: environment,
    profile, single sign-on, web identity, instance.
    """

    uri: str
    region: str = ""
    endpoint_url: str = ""
    _store: ObjectStore | None = PrivateAttr(default=None)

    @property
    def store(self) -> ObjectStore:
        if self._store is None:
            self._store = self._open()
        return self._store

    def _open(self) -> ObjectStore:
        if self.folder:
            if open_to_others(make_folder(self.folder)):
                logger.warning("every user of this machine may read the lake: chmod o-rwx %s", self.folder)
            return LocalStore(self.folder)
        return open_s3(self.uri, self.region, self.endpoint_url)

    @property
    def folder(self) -> Path | None:
        """The lake's folder on disk; None where it is on S3. Raises ValueError for what is neither."""
        scheme, separator, rest = self.uri.partition("://")
        if not separator:
            return Path(self.uri).expanduser().absolute()
        if scheme == "file":
            return Path(rest)
        if scheme != "s3":
            raise ValueError(f"a lake is a folder or s3://bucket/prefix, not {self.uri!r}")
        return None

    def address(self, path: str) -> str:
        """Where `path` lies, as a person or another tool would write it."""
        root = str(self.folder or self.uri)
        return f"{root.rstrip('/')}/{path}"

    # Tables of an hour

    @staticmethod
    def table_path(workflow: str, asset: str, hour: datetime) -> str:
        return f"{workflow}/{asset}/{folder_of(hour)}/part.parquet"

    def write_table(
        self,
        path: str,
        table: pa.Table,
        rows: list[int] | None = None,
        values: Mapping[str, str | None] = MappingProxyType({}),
    ) -> int:
        """Replace the object at `path` by the table, or by some of its rows, with further columns of one value each;
        returns its size in bytes."""
        sink = io.BytesIO()
        write_parquet(table, sink, rows, values)
        size = sink.tell()
        sink.seek(0)
        self._put(path, sink)
        return size

    def read_table(self, path: str, columns: list[str] | None = None) -> pa.Table:
        """The table at `path`; raises `HourMissing` where there is none."""
        try:
            data = obstore.get(self.store, path).bytes()
        except FileNotFoundError:
            raise HourMissing(
                f"there is no {self.address(path)}; materialise the asset that writes it for this hour first"
            ) from None
        return pq.read_table(pa.BufferReader(pa.py_buffer(data)), columns=columns, partitioning=None)

    def read_schema(self, path: str) -> pa.Schema:
        """The columns of the table at `path`, and its metadata, without its rows. Raises FileNotFoundError."""
        return pq.read_schema(pa.BufferReader(pa.py_buffer(self.get(path))))

    # Objects

    def put(self, path: str, data: bytes) -> None:
        self._put(path, data)

    def put_file(self, path: str, file: Path) -> None:
        """Put a file whose path is named by its content, however large it is; nothing where it lies there already."""
        try:
            if obstore.head(self.store, path)["size"] == file.stat().st_size:
                return
        except FileNotFoundError:
            pass
        self._put(path, file)

    def _put(self, path: str, data: bytes | io.BytesIO | Path) -> None:
        """Raises OSError where the disk is full: obstore has no error of its own for it, but pages of details."""
        try:
            obstore.put(self.store, path, data)
        except obstore.exceptions.GenericError as error:
            if FULL not in str(error):
                raise
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.address(path)) from None

    def create(self, path: str, data: bytes) -> bool:
        """Put `data` where nothing is; False, and no change, where something is. Of several who try, one can."""
        try:
            obstore.put(self.store, path, data, mode="create")
        except obstore.exceptions.AlreadyExistsError:
            return False
        return True

    def put_if_changed(self, path: str, data: bytes) -> bool:
        """Put `data` unless `path` holds just that: an entity tag stays what it is, and nothing runs again."""
        try:
            if self.get(path) == data:
                return False
        except FileNotFoundError:
            pass
        self.put(path, data)
        return True

    def get(self, path: str) -> bytes:
        """The object at `path`; raises FileNotFoundError."""
        return bytes(obstore.get(self.store, path).bytes())

    def chunks(self, path: str) -> Iterator[bytes]:
        """The object at `path` piece by piece, so that a large one is never in memory as a whole."""
        return map(bytes, obstore.get(self.store, path).stream(min_chunk_size=CHUNK))

    def exists(self, path: str) -> bool:
        try:
            obstore.head(self.store, path)
        except FileNotFoundError:
            return False
        return True

    def delete(self, paths: list[str]) -> None:
        """Remove objects; one that is gone already is no error."""
        for path in paths:
            try:
                obstore.delete(self.store, path)
            except FileNotFoundError:
                continue

    def objects(
        self, prefix: str, skipped: Callable[[str], None] = logger.warning, after: str = ""
    ) -> Iterator[LandedFile]:
        """Every object below the folder `prefix`, by path; with `after`, those whose path comes after it. One that the
        store cannot address is left out, and `skipped` is told why: one odd name must not stop an hour."""
        if self.folder:
            found = list_folder(self.folder, prefix, after)
        else:
            found = list_s3(self.uri, self.region, self.endpoint_url, prefix, after)
        for entry in found:
            if problem := unaddressable(entry.path, on_disk=self.folder is not None):
                skipped(f"{entry.path!r} is skipped: its name {problem}; give it another one")
            else:
                yield entry

    def folders(self, prefix: str) -> list[str]:
        """The folders directly below `prefix`, by name."""
        if self.folder:
            return folders_in(self.folder, prefix)
        return s3_folders(self.uri, self.region, self.endpoint_url, prefix)

    # Landing area

    @staticmethod
    def landing_folder(workflow: str, hour: datetime) -> str:
        return f"landing/{workflow}/{folder_of(hour)}"

    @staticmethod
    def moved_folder(workflow: str) -> str:
        """Where an empty marker lies, by hour, for each file of messages that were moved to their own hour."""
        return f"landing/{workflow}/_moved"

    def landed(
        self, workflow: str, hour: datetime, skipped: Callable[[str], None] = logger.warning
    ) -> list[LandedFile]:
        """The hour's landed files by name, without hidden and unfinished ones."""
        folders = (f"landing/{workflow}/{folder}" for folder in folders_of(hour))
        files = (file for folder in folders for file in self.objects(folder, skipped))
        return sorted((f for f in files if is_message_file(f.path)), key=lambda f: f.path)


def write_parquet(
    table: pa.Table, sink: Any, rows: list[int] | None = None, values: Values = MappingProxyType({})
) -> None:
    """Write the table, or some of its rows, with further columns of one value each: the same bytes for the same rows,
    however the table came about."""
    schema = table.schema
    for name in values:
        schema = schema.append(pa.field(name, pa.string()))
    count = table.num_rows if rows is None else len(rows)
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for start in range(0, count, ROW_GROUP):  # a copy of few rows at a time
            stop = min(start + ROW_GROUP, count)
            group = table.slice(start, stop - start) if rows is None else table.take(rows[start:stop])
            for name, value in values.items():
                group = group.append_column(name, pa.repeat(pa.scalar(value, pa.string()), group.num_rows))
            writer.write_table(group.combine_chunks())


def is_message_file(path: str) -> bool:
    """False for what copying tools and frameworks leave beside the data: hidden, temporary and marker files."""
    name = path.rsplit("/", 1)[-1]
    return not name.startswith((".", "_")) and not name.endswith((".tmp", ".part", ".crdownload", "~"))
