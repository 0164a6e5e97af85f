"""What a run tells of itself: in its log, and in the manifest of a checkpoint."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hunmin.ledger import Order
from hunmin.manifest import LedgerRecord, Manifest, manifest_sha256
from hunmin.model import ModelConfig, flops_per_token
from hunmin.train.checkpoints import RunPlan
from hunmin.train.course import Course
from hunmin.train.device import Device
from hunmin.train.pace import peak_flops_per_second
from hunmin.train.recipe import TrainConfig
from hunmin.train.reference import reference_record
from hunmin.train.stepping import Outcome
from hunmin.train.tokens import Sequences

_NAMED_ELSEWHERE = {"corpus", "tokenizer", "layout", "documents_sha256"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What is known of a run from its beginning on."""

    config: TrainConfig
    model_config: ModelConfig
    plan: RunPlan
    device: Device
    computing: Mapping[str, Any]
    """All that the bits of the run depend on beside its plan."""
    parameters: Mapping[str, int]
    sequences: Sequences

    def at_start(self, layout: Mapping[str, int]) -> dict[str, object]:
        """Return what the log tells of this run, for those who watch it.

        Args:
            layout: How many processes and replicas there are now.
        """
        config = self.config
        return {
            "stage": config.stage,
            "steps": config.steps,
            **layout,
            "device": self.device.describe(),
            "precision": self.device.number_format,
            "computing": {**self.computing, **layout},
            **self.parameters,
            "tokens_per_step": config.tokens_per_step,
            "flops_per_token": flops_per_token(self.model_config, config.sequence_tokens),
            "peak_flops_per_second": peak_flops_per_second(self.device),
            "recipe": self.plan.recipe,
            "data": self._data(),
            "inputs": {role: manifest_sha256(one) for role, one in self.plan.inputs.items()},
        }

    def of_checkpoint(
        self, course: Course, layout: Mapping[str, int], *, finished: bool
    ) -> dict[str, Any]:
        """Return what the manifest of a checkpoint tells, but for what is measured.

        Args:
            course: Where the run is.
            layout: How many processes and replicas there are now.
            finished: Whether it is the last checkpoint.
        """
        config = self.config
        facts = {
            "stage": config.stage,
            "step": course.step,
            "finished": finished,
            "loss": course.loss,
            "tokens_seen": course.steps_learned * config.tokens_per_step,
            "epochs": course.steps_learned * config.samples_per_step / len(self.sequences),
            **self.parameters,
            "device": self.device.describe(),
            "precision": self.device.number_format,
            "processes": layout["processes"],
            "computing": {**self.computing, **layout},
            "data": self._data(),
        }
        if config.stage == "preference":
            facts["reference"] = reference_record(self.sequences)
        return facts

    def of_step(self, course: Course, outcome: Outcome, *, seconds: float) -> dict[str, Any]:
        """Return what the log tells of a step that was learned from, and is done.

        Args:
            course: Where the run is after it.
            outcome: What it came to.
            seconds: How long a step took of late.
        """
        tokens = self.config.tokens_per_step
        return {
            "step": course.step,
            "loss": outcome.loss,
            "learning_rate": self.config.learning_rate_at(course.step - 1),
            "gradient_norm": outcome.norm,
            "tokens_seen": course.steps_learned * tokens,
            "tokens_per_second": round(tokens / seconds, 1),
            "step_seconds": round(seconds, 6),
            **outcome.measures,
        }

    def ledger(self, course: Course, order: Order) -> LedgerRecord:
        """Return which samples were learned, as the order and the course of the run tell."""
        return LedgerRecord(
            sha256=self.sequences.info["documents_sha256"],
            seed=order.seed,
            samples=order.samples,
            samples_per_step=order.samples_per_step,
            steps=course.step,
            stretches=course.stretches.copy(),
        )

    @staticmethod
    def of_skipped(course: Course, outcome: Outcome) -> dict[str, Any]:
        """Return what the log tells of a step that was not learned from, but for its samples."""
        return {
            "step": course.step,
            "event": "skipped",
            "skipped_loss": _finite(outcome.loss),
            "gradient_norm": _finite(outcome.norm),
        }

    @staticmethod
    def precision_of(checkpoint: Path | None) -> str | None:
        """Return what a checkpoint was trained in; None where there is none, or it does not say."""
        return None if checkpoint is None else Manifest.read(checkpoint).facts.get("precision")

    def _data(self) -> dict[str, Any]:
        """Return what is told of the sequences: how many, of what, what was dropped and padded."""
        info = self.sequences.info.items()
        return {key: value for key, value in info if key not in _NAMED_ELSEWHERE}


def _finite(value: float) -> float | None:
    """Return a number that JSON knows."""
    return value if math.isfinite(value) else None
