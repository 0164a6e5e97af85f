"""What a model card tells, gathered from manifests, lineage and the evaluation's results.

Reads small JSON files only. How it is said is in `card` and its template.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hunmin.errors import ManifestBroken
from hunmin.manifest import Kind, Manifest, SourceRecord, ancestor, ancestors
from hunmin.model.flops import flops_per_token

if TYPE_CHECKING:
    from hunmin.model.gguf_writer import Quantization  # it loads gguf

_RESULTS_NAME = "results.json"
_EXPOSURE_NAME = "exposure.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFacts:
    """One stage of training, as its last checkpoint tells it."""

    stage: str
    steps: int
    tokens: int
    sequence_tokens: int
    learning_rate: float
    loss: float | None
    heldout_loss: float | None
    device: str
    training_flop: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusFacts:
    """One corpus: its sources, and what was left out of it or masked."""

    name: str
    sources: tuple[SourceRecord, ...]
    dropped: int
    masked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFacts:
    """One task of the evaluation."""

    title_ko: str
    title_en: str
    metric: str
    score: float
    low: float | None
    high: float | None
    baseline: float | None
    verdict: str
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationFacts:
    """What an evaluation found."""

    bits_per_byte: float | None
    scores: tuple[ScoreFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryGroup:
    """Canaries that were put into the training text equally often."""

    repeats: int
    learned_mean: float
    canaries: int
    exposure_mean: float
    recited: int
    verdict_ko: str
    verdict_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFacts:
    """How much the model memorized of the canaries in its training text."""

    chance_mean: float
    space_bits: float
    groups: tuple[MemoryGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """Everything a model card tells."""

    name: str
    license: str
    languages: tuple[str, ...]
    made_on: str
    """ISO date of the checkpoint."""
    made_by: str
    parameters: int
    weights_dtype: str
    config: Mapping[str, Any]
    """The plain `config.json`."""
    sampling: Mapping[str, Any]
    stages: tuple[StageFacts, ...]
    corpora: tuple[CorpusFacts, ...]
    evaluation: EvaluationFacts | None
    has_canaries: bool
    """Whether canaries were put into its training text."""
    memory: MemoryFacts | None
    """None where nobody has measured it."""
    checkpoint_sha256: str
    gguf_name: str
    quantization: "Quantization"

    @property
    def speaks(self) -> bool:
        """Whether the model was trained on answers, not only on running text."""
        return any(stage.stage in {"chat", "preference", "reinforce"} for stage in self.stages)

    @property
    def training_flop(self) -> float:
        """Floating-point operations of all stages, forward and backward."""
        return sum(stage.training_flop for stage in self.stages)


def read_stages(checkpoint: Path) -> tuple[StageFacts, ...]:
    """Return the stages a checkpoint went through, first to last."""
    manifests = [Manifest.read(checkpoint, kind="checkpoint")]
    while base := next((one for one in manifests[-1].inputs if one.role == "base"), None):
        manifests.append(ancestor(checkpoint, base.sha256))
    return tuple(_stage(manifest) for manifest in reversed(manifests))


def read_corpora(checkpoint: Path) -> tuple[CorpusFacts, ...]:
    """Return every corpus a checkpoint has learned from, nearest first."""
    return tuple(
        CorpusFacts(
            name=manifest.name,
            sources=tuple(manifest.sources),
            dropped=_total(manifest.facts.get("dropped")),
            masked=_total(manifest.facts.get("masked")),
        )
        for _, manifest in ancestors(checkpoint)
        if manifest.kind == "corpus"
    )


def read_evaluation(folder: Path) -> EvaluationFacts:
    """Return what an evaluation found.

    Raises:
        ManifestBroken: `results.json` cannot be read.
    """
    path = folder / _RESULTS_NAME
    try:
        plain = json.loads(path.read_bytes())
        return EvaluationFacts(
            bits_per_byte=(plain.get("heldout") or {}).get("bits_per_byte"),
            scores=tuple(_score(task) for task in plain.get("tasks", {}).values()),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ManifestBroken(path=path, reason=type(error).__name__) from error


def has_canaries(checkpoint: Path) -> bool:
    """Whether canaries were put into the text that a checkpoint learned from."""
    return any(manifest.kind == "canaries" for _, manifest in ancestors(checkpoint))


def read_memory(folder: Path) -> MemoryFacts:
    """Return what a measurement of exposure found.

    Raises:
        ManifestBroken: `exposure.json` cannot be read.
    """
    path = folder / _EXPOSURE_NAME
    try:
        plain = json.loads(path.read_bytes())
        return MemoryFacts(
            chance_mean=float(plain["chance_mean"]),
            space_bits=float(plain["space_bits"]),
            groups=tuple(_memory_group(group) for group in plain["groups"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ManifestBroken(path=path, reason=type(error).__name__) from error


def measured_checkpoint(measurement: Path, *, kind: Kind) -> str | None:
    """Return the manifest hash of the checkpoint that a measurement of a kind measured."""
    manifest = Manifest.read(measurement, kind=kind)
    return next((each.sha256 for each in manifest.inputs if each.kind == "checkpoint"), None)


def _stage(manifest: Manifest) -> StageFacts:
    train = manifest.recipe.get("train") or {}
    facts = manifest.facts
    tokens = int(facts.get("tokens_seen") or 0)
    sequence_tokens = int(train.get("sequence_tokens") or 0)
    per_token = _flop_per_token(manifest.recipe.get("model") or {}, sequence_tokens)
    return StageFacts(
        stage=str(train.get("stage") or "train"),
        steps=int(facts.get("step") or train.get("steps") or 0),
        tokens=tokens,
        sequence_tokens=sequence_tokens,
        learning_rate=float(train.get("learning_rate") or 0),
        loss=facts.get("loss"),
        heldout_loss=facts.get("heldout_loss"),
        device=str(facts.get("device") or ""),
        training_flop=float(per_token * tokens),
    )


def _flop_per_token(shape: Mapping[str, Any], sequence_tokens: int) -> int:
    from hunmin.model.transformer import ModelConfig  # noqa: PLC0415 (loads torch)

    try:
        return flops_per_token(ModelConfig(**shape), sequence_tokens)
    except TypeError:
        return 0


def _total(counts: object) -> int:
    """Return a count, or the sum of counts by kind."""
    if isinstance(counts, Mapping):
        return sum(_total(count) for count in counts.values())
    return int(counts) if isinstance(counts, int | float) else 0


def _memory_group(group: Mapping[str, Any]) -> MemoryGroup:
    return MemoryGroup(**{field.name: group[field.name] for field in fields(MemoryGroup)})


def _score(task: Mapping[str, Any]) -> ScoreFacts:
    metric = task["metrics"][task["primary"]]
    return ScoreFacts(
        title_ko=task["title_ko"],
        title_en=task["title_en"],
        metric=task["primary"],
        score=metric["score"],
        low=metric.get("low"),
        high=metric.get("high"),
        baseline=metric.get("baseline"),
        verdict=metric.get("verdict", "unknown"),
        items=task["items"],
    )
