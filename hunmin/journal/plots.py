"""Small plots of text: a series in one line, and several lines over each other in dots."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_BARS = "▁▂▃▄▅▆▇█"

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of a Braille character by row and column; its code begins at U+2800."""

_BRAILLE = 0x2800


def sparkline(values_P: NDArray[np.float64], width: int) -> str:
    """Return a series in one line of at most `width` characters; each is the mean of its part."""
    known = values_P[~np.isnan(values_P)]
    if not len(known):
        return ""
    parts = np.array_split(known, min(width, len(known)))
    means = np.array([part.mean() for part in parts])
    low, high = means.min(), means.max()
    levels = np.zeros(len(means)) if high == low else (means - low) / (high - low)
    return "".join(_BARS[round(level * (len(_BARS) - 1))] for level in levels)


def dots(
    lines: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]], *, width: int, height: int
) -> list[list[tuple[str, int]]]:
    """Return lines drawn over each other in Braille dots.

    Args:
        lines: x and y of each, `(P,)`, x rising.
        width: Characters in a row; each has two dots.
        height: Rows; each has four dots.

    Returns:
        Rows of characters, each with the number of the line it belongs to; -1 where there is none.
        Where lines meet, the character is the later one's.
    """
    bits = np.zeros((height, width), np.int64)
    owner = np.full((height, width), -1)
    known = [(x[~np.isnan(y)], y[~np.isnan(y)]) for x, y in lines]
    known_y = [y for _, y in known if len(y)]
    if known_y:
        low, high = min(y.min() for y in known_y), max(y.max() for y in known_y)
        left = min(x[0] for x, _ in known if len(x))
        right = max(x[-1] for x, _ in known if len(x))
        for number, (x, y) in enumerate(known):
            if not len(x):
                continue
            places = np.linspace(left, right, 2 * width)
            inside = np.flatnonzero((places >= x[0]) & (places <= x[-1]))
            levels = (np.interp(places[inside], x, y) - low) / max(high - low, 1e-12)
            rows = np.round((1 - levels) * (4 * height - 1)).astype(np.int64)
            for column, row in zip(inside, rows, strict=True):
                bits[row // 4, column // 2] |= _DOTS[row % 4][column % 2]
                owner[row // 4, column // 2] = number
    return [
        [(chr(_BRAILLE + bit) if bit else " ", int(own)) for bit, own in zip(*row, strict=True)]
        for row in zip(bits, owner, strict=True)
    ]
