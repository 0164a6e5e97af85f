"""The runs of a ladder as points of a law, and what they say of other runs."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from hunmin.model import ModelConfig, flops_per_token, matmul_parameters
from hunmin.train.recipe import TrainConfig
from hunmin.train.scaling import LAW_PARAMETERS, Law, fit, predict

LEVEL = 0.9
"""How often an interval shall hold what comes."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A run of a ladder, made or to be made."""

    size: str
    """A depth of the dial, or S, M or L."""
    parameters: int
    """Those of matrix products."""
    tokens: int
    """That it learns from."""
    epochs: float
    """How often it sees the corpus. Beyond about four, more of it is worth less than the law says.

    Source:
        Muennighoff et al., "Scaling Data-Constrained Language Models", 2023.
    """
    flops: float

    @classmethod
    def of(
        cls, size: str, shape: ModelConfig, config: TrainConfig, *, corpus_tokens: int
    ) -> "Rung":
        """Work out the rung of a shape and its stage."""
        tokens = config.steps * config.batch_sequences * config.sequence_tokens
        return cls(
            size=size,
            parameters=matmul_parameters(shape),
            tokens=tokens,
            epochs=tokens / corpus_tokens,
            flops=float(tokens * flops_per_token(shape, config.sequence_tokens)),
        )


@dataclass(frozen=True, slots=True)
class Climbed:
    """The runs of a ladder that ended well, smallest first; at least as many as a law needs."""

    rungs: list[Rung]
    losses: list[float]
    """Held-out loss of each, nats a token."""
    bytes_a_token: float
    """Of held-out text."""

    def law(self) -> Law:
        """Return the law of all of them."""
        return fit([rung.flops for rung in self.rungs], self.losses)

    def bits_per_byte(self, loss: float) -> float:
        """Return a loss in bits per byte; the ends of documents are counted, and have no bytes."""
        return loss / math.log(2) / self.bytes_a_token

    def told(self) -> list[dict[str, Any]]:
        """Return every rung with its loss, and how far that lies from the law, as plain JSON."""
        law = self.law()
        return [
            {
                **dataclasses.asdict(rung),
                "loss": loss,
                "bits_per_byte": self.bits_per_byte(loss),
                "off_the_law": loss / law.loss(rung.flops) - 1,
            }
            for rung, loss in zip(self.rungs, self.losses, strict=True)
        ]

    def prediction(self, target: Rung) -> dict[str, Any]:
        """Return what the rungs say of a target, as plain JSON."""
        flops = [rung.flops for rung in self.rungs]
        said = predict(flops, self.losses, target_flops=target.flops, level=LEVEL)
        return {
            **dataclasses.asdict(target),
            **dataclasses.asdict(said),
            "level": LEVEL,
            "bits_per_byte": self.bits_per_byte(said.loss),
            "bits_per_byte_low": self.bits_per_byte(said.low),
            "bits_per_byte_high": self.bits_per_byte(said.high),
            "times_the_largest_run": target.flops / max(flops),
        }

    def self_check(self) -> dict[str, Any] | None:
        """Predict the largest rung from the others; None where they are too few for that."""
        if len(self.rungs) <= LAW_PARAMETERS:
            return None
        others = Climbed(self.rungs[:-1], self.losses[:-1], self.bytes_a_token)
        said = others.prediction(self.rungs[-1])
        measured = self.losses[-1]
        return {**said, "measured": measured, "within": said["low"] <= measured <= said["high"]}
