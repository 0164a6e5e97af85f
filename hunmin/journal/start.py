"""What a run is, as its newest start says; of an older log, as its newest checkpoint does."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from hunmin.journal import rules
from hunmin.journal.log import Log
from hunmin.manifest import Manifest

SIDES = ("replicas", "context", "tensor", "expert_parallel")
"""In what several processes can be laid out together."""

_PROCESSES_CHANGE = frozenset({"started", "replica_lost", "replica_joined"})
"""Events that say how many processes train from there on."""
_COUNTS = ("processes", "replicas")
"""What they say."""


class Start(BaseModel):
    """What is known of a run before its first step. What is not said is None or empty."""

    model_config = ConfigDict(frozen=True)

    stage: str = ""
    steps: int | None = None
    processes: int | None = None
    replicas: int | None = None
    device: str = ""
    parameters: int | None = None
    tokens_per_step: int | None = None
    flops_per_token: float | None = None
    peak_flops_per_second: float | None = None
    """Of the device of one process."""
    computing: dict[str, Any] = {}
    """Whatever else the bits of the run depend on."""
    data: dict[str, Any] = {}
    """What is told of the sequences it learns from."""
    recipe: dict[str, Any] = {}
    inputs: dict[str, str] = {}
    """SHA-256 of the manifest of each, by role."""

    @property
    def layout(self) -> dict[str, int]:
        """Return how many processes do what together, where it is more than one."""
        found = {**{side: self.computing.get(side) for side in SIDES}, "replicas": self.replicas}
        return {
            side: count for side, count in found.items() if isinstance(count, int) and count > 1
        }

    def share(self, name: str) -> float | None:
        """Return a share that is told of the sequences, or None."""
        share = self.data.get(name)
        return float(share) if isinstance(share, int | float) else None

    @property
    def tokens_total(self) -> int | None:
        """Return the tokens of all steps."""
        if self.steps is None or self.tokens_per_step is None:
            return None
        return self.steps * self.tokens_per_step

    def mfu(self, tokens_per_second: float | None) -> float | None:
        """Return the MFU of a throughput, or None where the peak is not known."""
        if tokens_per_second is None:
            return None
        return rules.mfu(
            tokens_per_second,
            flops_per_token=self.flops_per_token,
            peak_flops_per_second=self.peak_flops_per_second,
            processes=self.processes or 1,
        )


def start_of(log: Log, newest: Manifest | None = None) -> Start:
    """Return what a run is.

    Args:
        log: Its log.
        newest: The manifest of its newest checkpoint, for a log that says nothing of it.
    """
    for event in reversed(log.events):
        if event["event"] == "started":
            newest_change = _changes(log)[-1:]
            now = {key: one[key] for one in newest_change for key in _COUNTS if key in one}
            return _read({**event, **now})
    return Start() if newest is None else _read(_said_by(newest))


def mfu_of_points(log: Log) -> NDArray[np.float64]:
    """Return the MFU of every point, `(P,)`; NaN where it is not known.

    Replicas may come and go: each point is measured by the processes there were.
    """
    start = start_of(log)
    of_one = start.model_copy(update={"processes": 1}).mfu(1.0)
    processes_P = np.full(len(log), float(start.processes or 1))
    for change in _changes(log):
        processes_P[log.points["step"] > change["step"]] = change["processes"]
    return log.points["tokens_per_second"] / processes_P * (math.nan if of_one is None else of_one)


def _changes(log: Log) -> list[Mapping[str, Any]]:
    """Return the events that say how many processes train from there on, in order."""
    said = [event for event in log.events if event["event"] in _PROCESSES_CHANGE]
    return [one for one in said if type(one.get("processes")) is int and one["processes"] > 0]


def _said_by(manifest: Manifest) -> dict[str, Any]:
    recipe = manifest.recipe.get("train", {})
    facts = {key: manifest.facts.get(key) for key in ("device", "processes", "parameters")}
    tokens = recipe.get("batch_sequences", 0) * recipe.get("sequence_tokens", 0)
    return {
        **{key: value for key, value in facts.items() if value is not None},
        "stage": recipe.get("stage", ""),
        "steps": recipe.get("steps"),
        "tokens_per_step": tokens or None,
        "recipe": manifest.recipe,
        "inputs": {record.role: record.sha256 for record in manifest.inputs},
    }


def _read(said: Mapping[str, Any]) -> Start:
    """Read what a start says; one that is not as we write it says nothing."""
    try:
        return Start.model_validate(said)
    except ValidationError:
        return Start()
