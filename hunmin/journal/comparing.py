"""Runs beside each other: losses at the same steps or tokens, and what differs in their recipes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hunmin.journal.log import Log, read_log
from hunmin.journal.rules import Axis
from hunmin.journal.summary import summarize
from hunmin.journal.values import Summary

_ROWS = 10


@dataclass(frozen=True, slots=True)
class Difference:
    """One value of the recipes, or one input, that is not the same in all runs."""

    key: str
    values: tuple[str, ...]
    """Of each run; empty where it has none."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs beside each other. R runs, X places."""

    axis: Axis
    summaries: list[Summary]
    lines: list[tuple[NDArray[np.float64], NDArray[np.float64]]]
    """Of each run, where its points lie on the axis and their losses."""
    places_X: NDArray[np.float64]
    """As far as every run has come, evenly apart."""
    losses_RX: NDArray[np.float64]
    """At these places, between two points by a straight line; NaN before the first point."""
    differences: list[Difference]

    def to_json(self) -> dict[str, Any]:
        """Return what is compared as plain JSON."""
        return {
            "axis": self.axis,
            "runs": [one.model_dump(mode="json") for one in self.summaries],
            "places": self.places_X.tolist(),
            "losses": [
                [None if np.isnan(loss) else loss for loss in losses.tolist()]
                for losses in self.losses_RX
            ],
            "differences": [
                {"key": one.key, "values": list(one.values)} for one in self.differences
            ],
        }


def compare(
    runs: Sequence[Path], *, names: Sequence[str] = (), axis: Axis = "step", now: float
) -> Comparison:
    """Read runs and lay them beside each other.

    Args:
        runs: The run folders.
        names: What to call them; by default as many last parts of their paths as tell them apart.
        axis: What losses are compared at.
        now: The moment, in seconds since 1970.

    Raises:
        RunMissing: One is not the folder of a run.
    """
    summaries = [
        summarize(run, name=name, now=now)
        for run, name in zip(runs, names or _names(runs), strict=True)
    ]
    logs = [read_log(run) for run in runs]
    lines = [
        (axis_of(log, summary, axis), log.points["loss"])
        for log, summary in zip(logs, summaries, strict=True)
    ]
    reached = [float(x[-1]) if len(x) and not np.isnan(x[-1]) else 0.0 for x, _ in lines]
    end = min(reached, default=0.0)
    places_X = np.linspace(end / _ROWS, end, _ROWS) if end > 0 else np.empty(0)
    losses_RX = np.full((len(lines), len(places_X)), np.nan)
    for row, (x, losses) in enumerate(lines):
        if len(x) and end > 0:
            losses_RX[row] = np.interp(places_X, x, losses, left=np.nan)
    return Comparison(axis, summaries, lines, places_X, losses_RX, differences(summaries))


def axis_of(log: Log, summary: Summary, axis: Axis) -> NDArray[np.float64]:
    """Return where the points of a run lie on an axis, `(P,)`.

    An old log says no tokens: there they are told from the steps.
    """
    if axis == "step":
        return log.points["step"]
    tokens = log.points["tokens_seen"]
    total = summary.tokens_total
    if not np.isnan(tokens).any() or not total or not summary.steps:
        return tokens
    return log.points["step"] * (total / summary.steps)


def _names(runs: Sequence[Path]) -> list[str]:
    """Return short names that differ: as many last parts of the paths as that takes."""
    parts = [run.resolve().parts for run in runs]
    for length in range(1, max(map(len, parts), default=0) + 1):
        names = ["/".join(each[-length:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    return [str(run) for run in runs]


def differences(summaries: Sequence[Summary]) -> list[Difference]:
    """Return what differs in the recipes and inputs of runs, by name."""
    flat = [{**_flat(one.recipe), **_flat({"inputs": one.inputs})} for one in summaries]
    keys = sorted({key for each in flat for key in each})
    rows = [Difference(key, tuple(each.get(key, "") for each in flat)) for key in keys]
    return [row for row in rows if len(set(row.values)) > 1]


def _flat(value: Mapping[str, Any], above: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, inner in value.items():
        name = f"{above}{key}"
        flat.update(_flat(inner, f"{name}.") if isinstance(inner, Mapping) else {name: str(inner)})
    return flat
