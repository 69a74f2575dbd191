"""Rows of a Parquet file as plain Python values. Here Arrow's types, and those of pandas that Arrow hands out, end.

| Arrow | Python |
|---|---|
| timestamps of any unit | `datetime` in UTC, cut to microseconds |
| whole decimals; others | `int`; text, which loses no digit |
| dates, times of a day, UUIDs | text, as ISO 8601 and RFC 4122 write them |
| durations | seconds |
| binary | text: UTF-8, else Windows-1252 |
| floats of less than double precision | if beyond their digits, text in the notation of a rounded number |
| dictionaries; structs and maps; lists | what they stand for; `dict`; `list` |
| null, NaN, NaT | `None` |
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from .json_values import Broken
from .tables import nested

BATCH_ROWS = 1000
PRECISION = {"float": (2**24, 6), "halffloat": (2**11, 2)}  # up to where whole numbers are exact; decimals beyond
DAMAGED = (pa.ArrowException, OSError, ValueError)


def parquet_rows(data: bytes) -> Iterator[dict[str, Any] | Broken]:
    """The file's rows. Raises ValueError, with what is wrong, where the file cannot be opened."""
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
    except DAMAGED as error:
        raise ValueError(f"is Parquet that cannot be opened ({error})") from error
    return _rows(file)


def _rows(file: pq.ParquetFile) -> Iterator[dict[str, Any] | Broken]:
    count, named = 0, file.metadata.num_rows
    try:
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            for row in range(batch.num_rows):
                yield _row(batch, row)
            count += batch.num_rows
    except DAMAGED as error:
        yield Broken("", f"is Parquet that cannot be read further ({error}); deliver the file again", last=True)
        return
    if count != named:  # some damage reads as a table that ends early
        problem = f"is Parquet whose footer names {named} rows, of which {count} could be read; deliver the file again"
        yield Broken("", problem, last=True)


def _row(batch: pa.RecordBatch, row: int) -> dict[str, Any] | Broken:
    try:
        return nested({name: _plain_scalar(batch[name][row]) for name in batch.schema.names})
    except (*DAMAGED, KeyError, OverflowError) as error:  # text that is not UTF-8, a time beyond year 9999
        return Broken("", f"holds a value that cannot be read ({error}); correct it and deliver it again")


def _plain_scalar(scalar: pa.Scalar) -> Any:
    value = _plain(scalar.as_py())
    exact, decimals = PRECISION.get(str(scalar.type), (None, 0))
    if exact and value and abs(value) > exact:
        return f"{value:.{decimals}e}"  # the digits that the type has, in a notation that claims no more
    return value


def _plain(value: Any) -> Any:
    if value is None or type(value) in (str, bool, int):
        return value
    if value != value:  # NaN and NaT
        return None
    for kind, convert in _CONVERSIONS:
        if isinstance(value, kind):
            return convert(value)
    raise ValueError(f"a value of type {type(value).__name__}")


def _moment(value: dt.datetime) -> dt.datetime:
    value = value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
    day, time = (value.year, value.month, value.day), (value.hour, value.minute, value.second, value.microsecond)
    return dt.datetime(*day, *time, tzinfo=dt.UTC)  # of pandas' subclass, too, which counts nanoseconds beside


def _decimal(value: Decimal) -> int | str:
    return int(value) if value == value.to_integral_value() else str(value)


def _bytes(value: bytes) -> str:
    return value.decode("utf-8", "landing")


def _list(value: list[Any]) -> list[Any] | dict[Any, Any]:
    if value and isinstance(value[0], tuple):  # a map
        return {_plain(key): _plain(inner) for key, inner in value}
    return [_plain(inner) for inner in value]


_CONVERSIONS: list[tuple[Any, Callable[[Any], Any]]] = [
    (dt.datetime, _moment),
    (dt.date, dt.date.isoformat),
    (dt.time, dt.time.isoformat),
    (dt.timedelta, dt.timedelta.total_seconds),
    (float, float),
    (Decimal, _decimal),
    (bytes, _bytes),
    (UUID, str),
    (dict, lambda value: {key: _plain(inner) for key, inner in value.items()}),
    (list, _list),
]
