"""The training that belongs to a shape: how long, in which batches, at which rates.

Every number follows from two, the parameters of the model and the tokens of text for each of them,
by laws others have measured on thousands of runs. Nobody has measured them below some 60 million
parameters; they are used there all the same, so that a ladder of small runs has one rule.
"""

import math

from hunmin.model import ModelConfig, matmul_parameters
from hunmin.train.recipe import TrainConfig

TOKENS_PER_PARAMETER = 20.0
"""For the least loss of a given compute.

Source:
    Hoffmann et al., "Training Compute-Optimal Large Language Models", 2022.
"""

_DECAY_SHARE = 0.65
"""Source: Karpathy, nanochat, 2026: `warmdown_ratio`."""

_CHECKPOINTS_MAX = 20
_CHECKPOINT_STEPS_MIN = 100
"""A crash can cost a twentieth of a run; in a short one, a checkpoint costs more than its steps."""

_HELDOUT_SEQUENCES = 256

_AT_ONCE_TOKENS = 32_768
"""Through the model at once on one GPU of 80 GB: the logits of a vocabulary of 65,536 alone are
8.6 GB, and as much again for their gradient."""


def plan(shape: ModelConfig, *, tokens_per_parameter: float = TOKENS_PER_PARAMETER) -> TrainConfig:
    """Return the pretraining that belongs to a shape.

    Parameters are those of matrix products, the head among them: with these the tokens that serve
    a model best are the same multiple at every size.

    Args:
        shape: The model; sequences are as long as its context.
        tokens_per_parameter: Tokens of text for each of those parameters.

    Raises:
        ValueError: `tokens_per_parameter` is not more than 0.

    Source:
        Which parameters: Karpathy, nanochat, 2026, `dev/LOG.md` of January 27.
    """
    if not tokens_per_parameter > 0:
        raise ValueError("tokens_per_parameter must be more than 0")
    sequence_tokens = shape.context_tokens
    parameters = matmul_parameters(shape)
    tokens = parameters * tokens_per_parameter
    batch_sequences = _power_of_two(batch_tokens(tokens) / sequence_tokens)
    steps = max(1, round(tokens / (batch_sequences * sequence_tokens)))
    at_once = min(batch_sequences, _power_of_two(_AT_ONCE_TOKENS / sequence_tokens))
    rate = learning_rate(parameters, tokens)
    return TrainConfig(
        stage="pretrain",
        steps=steps,
        batch_sequences=batch_sequences,
        micro_batch_sequences=at_once,
        sequence_tokens=sequence_tokens,
        optimizer="muon",
        learning_rate=rate,
        decay_share=_DECAY_SHARE,
        weight_decay=weight_decay(rate, steps, tokens_per_parameter),
        checkpoint_every_steps=max(_CHECKPOINT_STEPS_MIN, steps // _CHECKPOINTS_MAX),
        heldout_sequences=_HELDOUT_SEQUENCES,
    )


def batch_tokens(tokens: float) -> float:
    """Return the tokens of a step that suit a run over so many tokens.

    It grows with the data and not with the model.

    Source:
        Li et al., "Predictable Scale: Part I, Step Law", 2025: 0.58 D^0.571. That it is the data:
        Bergsma et al., "Power Lines", 2025, who find an exponent of 0.383.
    """
    return 0.58 * tokens**0.571


def learning_rate(parameters: float, tokens: float) -> float:
    """Return the highest learning rate.

    Found for AdamW. Muon's updates are scaled to the size of AdamW's, so that it serves both.

    Source:
        Li et al., "Predictable Scale: Part I, Step Law", 2025: 1.79 N^-0.713 D^0.307.
    """
    return 1.79 * parameters**-0.713 * tokens**0.307


def weight_decay(rate: float, steps: int, tokens_per_parameter: float) -> float:
    """Return the weight decay at which weights remember the right share of the run.

    Weights are an average of the updates of the last `1 / (rate * decay)` steps. Which share of
    the run that should be depends on the tokens for each parameter alone.

    Source:
        Wang and Aitchison, "How to set AdamW's weight decay as you scale model and dataset size",
        2024; Bergsma et al., "Power Lines", 2025: 1.084 (D/N)^-0.527 of the run.
    """
    share = 1.084 * tokens_per_parameter**-0.527
    return 1 / (rate * steps * share)


def _power_of_two(value: float) -> int:
    """Return the nearest power of two, at least 1, which the usual numbers of GPUs divide."""
    return 2 ** max(0, round(math.log2(value)))
