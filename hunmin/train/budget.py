"""What training a shape takes: memory, disk and GPU-hours, so that they can be asked for.

Pure arithmetic. What a run really needs is told by its own figures, once it runs.
"""

from dataclasses import dataclass

from hunmin.model import ModelConfig, flops_per_token, matmul_parameters, total_parameters
from hunmin.train.gpus import PEAK_FLOPS_PER_SECOND
from hunmin.train.recipe import TrainConfig

MFU = 0.4
"""Share of a GPU's arithmetic that training turns into FLOPs of the formula: what large runs
report all in. Put in what your own run reports."""

_FLOAT32_BYTES = 4
_ADAMW_MOMENTS, _MUON_MOMENTS = 2, 1


GPUS = ("A100", "H100", "H200", "B200")
"""The kinds of GPU hours are told of."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one run takes."""

    parameters: int
    embedding_parameters: int
    """The table that is looked up; a tied one is also the head."""
    matmul_parameters: int
    """In the matrix products of a token: layers, or the experts it uses, and the head."""
    active_parameters: int
    """All but the experts that a token does not use."""
    flops_per_token: int
    tokens: int
    flops: float
    state_bytes: int
    """Weights, gradients and the optimizers' memory, on all GPUs together; activations are beside
    it."""
    checkpoint_bytes: int
    """To go on from: weights and the optimizers' memory."""
    model_bytes: int
    """The finished model, float32."""

    @classmethod
    def of(cls, shape: ModelConfig, config: TrainConfig) -> "Budget":
        """Work out what a stage of a shape takes."""
        total = total_parameters(shape)
        embedding = shape.vocab_size * shape.width
        of_muon = _layer_matrices(shape) if config.optimizer == "muon" else 0
        moments = _MUON_MOMENTS * of_muon + _ADAMW_MOMENTS * (total - of_muon)
        cost = flops_per_token(shape, config.sequence_tokens)
        tokens = config.steps * config.batch_sequences * config.sequence_tokens
        unused = shape.layers * (shape.experts - shape.experts_per_token) * 3
        return cls(
            parameters=total,
            embedding_parameters=embedding,
            matmul_parameters=matmul_parameters(shape),
            active_parameters=total - unused * shape.width * shape.expert_width,
            flops_per_token=cost,
            tokens=tokens,
            flops=float(cost * tokens),
            state_bytes=_FLOAT32_BYTES * (2 * total + moments),
            checkpoint_bytes=_FLOAT32_BYTES * (total + moments),
            model_bytes=_FLOAT32_BYTES * total,
        )

    def gpu_hours(self, gpu: str, *, mfu: float) -> float:
        """Return the hours one GPU of a kind takes, or so many of them together."""
        return self.flops / (PEAK_FLOPS_PER_SECOND[gpu] * mfu) / 3600


def _layer_matrices(shape: ModelConfig) -> int:
    """Return the parameters Muon learns: the matrices of the layers, but for routers."""
    attention = 2 * shape.width * shape.head_width * (shape.heads + shape.key_value_heads)
    feed_forward_width = shape.feed_forward_width or shape.experts * shape.expert_width
    return shape.layers * (attention + 3 * shape.width * feed_forward_width)
