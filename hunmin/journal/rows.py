"""A log row by row, every value under the name it has in other programs."""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from hunmin.journal.log import HELDOUT, MEASURES, Columns, Log
from hunmin.journal.start import mfu_of_points

TAGS: Mapping[str, str] = {
    "loss": "train/loss",
    "learning_rate": "train/learning_rate",
    "gradient_norm": "train/gradient_norm",
    "tokens_seen": "train/tokens_seen",
    "tokens_per_second": "speed/tokens_per_second",
    "step_seconds": "speed/step_seconds",
    "mfu": "speed/mfu",
    "heldout_loss": "heldout/loss",
    **{name: f"train/{name}" for name in MEASURES},
    **{HELDOUT + name: f"heldout/{name}" for name in MEASURES},
}


@dataclass(frozen=True, slots=True)
class Row:
    """What a run says at one step."""

    step: int
    at: float
    """Seconds since 1970."""
    values: dict[str, float]
    """By tag; what is not known is not there."""


def rows(log: Log, *, at_unknown: float) -> Iterator[Row]:
    """Yield the rows of a log by step; points and held-out losses of one step are one row.

    Args:
        log: The log.
        at_unknown: The moment of rows whose moment the log does not say.
    """
    points = {**log.points, "mfu": mfu_of_points(log)}
    both = heapq.merge(
        _rows(points, at_unknown), _rows(log.heldout, at_unknown), key=lambda row: row.step
    )
    for step, group in groupby(both, key=lambda row: row.step):
        same = list(group)
        values = {tag: value for row in same for tag, value in row.values.items()}
        yield Row(step, max(row.at for row in same), values)


def _rows(columns: Columns, at_unknown: float) -> Iterator[Row]:
    at = np.where(np.isnan(columns["at"]), at_unknown, columns["at"])
    told = {tag: columns[name] for name, tag in TAGS.items() if name in columns}
    told = {tag: column for tag, column in told.items() if not np.isnan(column).all()}
    for place, step in enumerate(columns["step"]):
        values = {tag: float(column[place]) for tag, column in told.items()}
        known = {tag: value for tag, value in values.items() if not np.isnan(value)}
        yield Row(int(step), float(at[place]), known)
