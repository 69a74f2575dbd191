"""A number for each row of a table, by which rows are compared without their values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Digests = npt.NDArray[np.uint64]
_FACTOR = np.uint64(1_000_003)
_SEPARATOR = "\x1f"


def digests(table: pa.Table) -> Digests:
    """Rows with the same values have the same number; others nearly always another."""
    from pandas.util import hash_array

    found = np.zeros(table.num_rows, np.uint64)
    for column in table.columns:
        found = found * _FACTOR + hash_array(_plain(column).to_numpy(zero_copy_only=False), categorize=False)
    return found


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """The values as texts or numbers; a null is none of them."""
    array = column.combine_chunks()
    if pa.types.is_list(array.type):
        array = pc.binary_join(array.cast(pa.list_(pa.string())), _SEPARATOR)
    elif pa.types.is_timestamp(array.type):
        array = array.cast(pa.int64())
    if pa.types.is_floating(array.type):
        return pc.fill_null(array, -1.5)
    return pc.fill_null(array.cast(pa.string()), "\x00")
