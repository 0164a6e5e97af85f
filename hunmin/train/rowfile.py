"""A `.npy` matrix written row by row, however many rows there will be."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import DTypeLike, NDArray


class RowFile:
    """Rows of one width and type into one file; it is on the disk when the block ends well.

    Written through the file and not through a memory map, which a full disk would end with a
    signal and no word.
    """

    def __init__(self, path: Path, dtype: DTypeLike, width: int) -> None:
        self.rows = 0
        self._dtype = np.dtype(dtype)
        self._width = width
        self._stream = path.open("wb")
        self._write_header()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stream:
            if kind is None:
                self._stream.seek(0)
                self._write_header()
                self._stream.flush()
                os.fsync(self._stream.fileno())

    def add(self, row: NDArray[np.generic]) -> None:
        """Append one row."""
        assert row.shape == (self._width,)
        self._stream.write(row.astype(self._dtype, copy=False).tobytes())
        self.rows += 1

    def _write_header(self) -> None:
        """Write the header: of one length always, for NumPy leaves room for the count to grow."""
        np.lib.format.write_array_header_1_0(
            self._stream,
            {
                "descr": np.lib.format.dtype_to_descr(self._dtype),
                "fortran_order": False,
                "shape": (self.rows, self._width),
            },
        )
