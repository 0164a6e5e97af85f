"""Columns of Arrow as NumPy arrays, without pandas.

Arrow's own `to_numpy` imports pandas where it is installed, which takes a second: here the
buffers are read instead.
"""

import math

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a column of 64-bit numbers, NaN where it is empty."""
    array = column.combine_chunks()
    kind = np.float64 if pa.types.is_floating(array.type) else np.int64
    values = np.frombuffer(array.buffers()[1] or b"", kind, len(array), 8 * array.offset)
    return np.where(is_null(column), math.nan, values)


def is_null(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return where a column is empty."""
    array = column.combine_chunks()
    bitmap = array.buffers()[0]
    if bitmap is None:
        return np.zeros(len(array), np.bool_)
    bits = np.unpackbits(
        np.frombuffer(bitmap, np.uint8), count=array.offset + len(array), bitorder="little"
    )
    return bits[array.offset :] == 0
