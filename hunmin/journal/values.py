"""What is told of a run: plain frozen values, the same for the terminal, for pages and as JSON."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from hunmin.journal.rules import State


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class Event(_Value):
    """Something that happened to a run."""

    event: str
    step: int
    at: datetime | None
    details: dict[str, str | int | float | bool | None]
    """Whatever else the log says of it, in short."""


class Straggler(_Value):
    """A process that holds up the others now."""

    process: int
    host: str
    phase: str
    seconds_over: float | None
    """By how much each of its steps takes longer than those of others."""


class Checkpoint(_Value):
    """A whole checkpoint on the disk."""

    name: str
    step: int
    made_at: datetime | None
    size_bytes: int
    heldout_loss: float | None
    sha256: str
    """Of its `manifest.json`."""


class Head(_Value):
    """What a run has learned from, up to its newest checkpoint, in one hash to write down.

    The manifest that it is the hash of names the table of documents, the order and the steps.
    """

    step: int
    sha256: str
    """Of the manifest; `sha256sum RUN/step-N/manifest.json` says the same."""
    table_sha256: str
    """Of the table of documents."""
    data_steps_left_out: int
    """Steps that were skipped or taken back: their data was not learned from."""


class Part(_Value):
    """The documents of one source under one license."""

    source: str
    license: str
    documents: int
    share: float
    """Of the data of the run, 0 to 1."""


class Summary(_Value):
    """What a run is and where it is. A number that is not known is None, never guessed."""

    name: str
    state: State
    reason: str
    """Why it failed; else empty."""
    stage: str
    step: int
    steps: int | None
    started_at: datetime | None
    """When it was started first."""
    seen_at: datetime | None
    """When it gave a sign of life last."""
    seconds_left: float | None
    loss: float | None
    heldout_loss: float | None
    learning_rate: float | None
    gradient_norm: float | None
    measures: dict[str, float]
    """What the stage measures beside its loss, the newest of each: of the training data, and after
    `heldout_` of held-out data."""
    tokens_seen: int | None
    tokens_total: int | None
    tokens_per_second: float | None
    step_seconds: float | None
    mfu: float | None
    """Share of the devices' peak, 0 to 1; None where the peak is not known."""
    device: str
    processes: int | None
    layout: dict[str, int]
    """How many processes do what together, where it is more than one; see `join_world`."""
    drop_share: float | None
    """Share of the tokens of the data that fills no sequence, 0 to 1."""
    pad_share: float | None
    """Share of the sequences that is only filled up, 0 to 1."""
    parameters: int | None
    skipped: int
    """Steps that were not learned from."""
    rollbacks: int
    stragglers: list[Straggler]
    """Those that hold up the others now, or did when the run ended."""
    checkpoints: list[Checkpoint]
    head: Head | None
    mix: list[Part]
    events: list[Event]
    """The newest ones, oldest first."""
    recipe: dict[str, Any]
    inputs: dict[str, str]
    """SHA-256 of the manifest of each, by role."""
