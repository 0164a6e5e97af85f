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


class Start(BaseModel):
    """What is known of a run before its first step. What is not said is None or empty."""

    model_config = ConfigDict(frozen=True)

    stage: str = ""
    steps: int | None = None
    processes: int | None = None
    device: str = ""
    parameters: int | None = None
    tokens_per_step: int | None = None
    flops_per_token: float | None = None
    peak_flops_per_second: float | None = None
    """Of the device of one process."""
    recipe: dict[str, Any] = {}
    inputs: dict[str, str] = {}
    """SHA-256 of the manifest of each, by role."""

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
            return _read(event)
    return Start() if newest is None else _read(_said_by(newest))


def mfu_of_points(log: Log) -> NDArray[np.float64]:
    """Return the MFU of every point, `(P,)`; NaN where it is not known."""
    of_one = start_of(log).mfu(1.0)
    return log.points["tokens_per_second"] * (math.nan if of_one is None else of_one)


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
