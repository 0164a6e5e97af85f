"""The shape of `results.json` and `items.json`: what programs read of an evaluation.

A field is only ever added; `format` counts changes that would mislead an old reader.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from hunmin.errors import EvaluationBroken

RESULTS_NAME = "results.json"
ITEMS_NAME = "items.json"

Verdict = Literal["above", "same", "below", "unknown"]
"""A score beside its baseline: above, not distinguishable, below; unknown without a baseline."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class MetricResult(_Record):
    """One metric of one task."""

    score: float
    stderr: float | None = None
    low: float | None = None
    """Lower end of the 95% confidence interval."""
    high: float | None = None
    higher_is_better: bool = True
    chance: float | None = None
    """What guessing gives: a uniform guess, or the same answers dealt out at random."""
    baseline: float | None = None
    """The better of chance and always giving the most common answer."""
    verdict: Verdict = "unknown"


class TaskResult(_Record):
    """One task."""

    pack: str
    title_ko: str
    title_en: str
    version: str
    license: str = ""
    items: int
    """Items scored."""
    items_in_all: int
    """Items the data file has."""
    shots: int = 0
    primary: str
    """The metric to quote."""
    metrics: dict[str, MetricResult]
    task_sha256: str
    """Of the task file: its wording and settings."""
    data_sha256: str
    overlap: float | None = None
    """Share of the items that also stand in the training text, where the corpus tells."""

    @property
    def main(self) -> MetricResult:
        """The metric to quote."""
        return self.metrics[self.primary]


class SourceResult(_Record):
    """Bits per byte on the held-out text of one source."""

    bits_per_byte: float
    stderr: float | None
    """None where a single document says nothing of how documents differ."""
    documents: int
    text_bytes: int
    tokens: int


class HeldoutResult(SourceResult):
    """Bits per byte on all sources, each weighing as much as the corpus holds out of it."""

    text_bytes_held_out: int
    stride_tokens: int
    by_source: dict[str, SourceResult]


class ModelFacts(_Record):
    """What was evaluated."""

    name: str
    kind: str
    manifest_sha256: str
    parameters: int
    context_tokens: int
    vocab_size: int


class Results(_Record):
    """A whole evaluation."""

    format: int = 1
    made_by: str
    command: str
    seed: int
    limit: int | None
    chat_template: bool
    software: dict[str, str]
    model: ModelFacts
    heldout: HeldoutResult | None = None
    tasks: dict[str, TaskResult] = {}
    left_out: dict[str, str] = {}
    """Tasks of a pack that were not run, and why."""


class HeldoutItems(_Record):
    """Every held-out document's bits and bytes."""

    ids: list[str]
    bits: list[float]
    text_bytes: list[int]


class TaskItems(_Record):
    """Every item's part of every metric: a number, or what the metric is computed from."""

    ids: list[str]
    metrics: dict[str, list[Any]]


class Items(_Record):
    """What two evaluations are compared by, pair by pair."""

    heldout: HeldoutItems | None = None
    tasks: dict[str, TaskItems] = {}


def read_results(folder: Path) -> tuple[Results, Items]:
    """Read a finished evaluation.

    Raises:
        EvaluationBroken: A file is missing or not of this shape.
    """
    path = folder / RESULTS_NAME
    try:
        results = Results.model_validate_json(path.read_bytes())
        path = folder / ITEMS_NAME
        return results, Items.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise EvaluationBroken(path=path, reason=type(error).__name__) from error
