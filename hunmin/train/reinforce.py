"""Reinforcement learning with verifiable rewards (GRPO): the loss of groups of answers, its steps.

The answers, their rewards and their log-probabilities under the model that gave them come from
files (`hunmin.rollouts`); nothing is generated here, and no second model is in memory.

Letters in tensor names: P groups on disk, G answers in each, B answers at once, T positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hunmin.train.batches import IGNORED, Batch
from hunmin.train.learner import NO_PENALTIES, Penalties
from hunmin.train.recipe import TrainConfig
from hunmin.train.stepping import Stepper
from hunmin.train.tokens import Sequences

SPREAD_ADDED = 1e-4
"""Is added to a group's deviation before it divides, so that a tiny one is no lever."""


@dataclass(frozen=True, slots=True)
class Groups(Sequences):
    """Groups on disk; a row of `ids_ST` holds the G sequences of one."""

    sampling_ST: NDArray[np.float32]
    """Log-probability of each token by the model that answered; 0 outside the answers."""
    reference_ST: NDArray[np.float32]
    """The same by the reference model; 0 where there was none."""
    rewards_PG: NDArray[np.float32]

    @classmethod
    def of(cls, sequences: Sequences) -> Self:
        """Open what stands beside the sequences of groups."""
        folder = sequences.documents.parent
        plain = {field.name: getattr(sequences, field.name) for field in fields(Sequences)}
        return cls(
            **plain,
            sampling_ST=np.load(folder / "sampling.npy", mmap_mode="r"),
            reference_ST=np.load(folder / "reference.npy", mmap_mode="r"),
            rewards_PG=np.load(folder / "rewards.npy", mmap_mode="r"),
        )


@dataclass(frozen=True, slots=True)
class GroupBatch(Batch):
    """Answers that go through the model at once, group after group."""

    sampling_BT: Tensor
    reference_BT: Tensor
    weights_BT: Tensor
    """How much each token counts; 0 where nothing is to be learned. They sum to `learned`."""
    advantages_B: Tensor
    rewards_B: Tensor
    counts_B: Tensor
    """1 for each answer; 0 for one that only keeps a process busy."""


def advantages(rewards_PG: NDArray[np.float32], *, scaled: bool) -> NDArray[np.float32]:
    """Return how much better each answer is than the mean of its group.

    Args:
        rewards_PG: Rewards of groups, `(P, G)`, G at least 2.
        scaled: Whether to divide by the group's standard deviation, as GRPO does. It makes prompts
            loud whose answers are nearly all worth the same.

    Source:
        Shao et al., "DeepSeekMath", 2024, section 4.1.2; unscaled: Liu et al., "Understanding
        R1-Zero-Like Training" (Dr. GRPO), 2025, section 3.2.
    """
    exact_PG = rewards_PG.astype(np.float64)
    centered_PG = exact_PG - exact_PG.mean(axis=1, keepdims=True)
    if scaled:
        centered_PG /= exact_PG.std(axis=1, ddof=1, keepdims=True) + SPREAD_ADDED
    return centered_PG.astype(np.float32)


def clipped_losses(
    log_ratios_BT: Tensor, advantages_B: Tensor, *, low: float, high: float
) -> tuple[Tensor, Tensor]:
    """Return the loss of each token, and whether clipping has taken its gradient away.

    Args:
        log_ratios_BT: Log-probability of each token by the model that learns, less that by the
            model that answered, in nats.
        advantages_B: Of each answer.
        low: The ratio of a token that shall become rarer counts down to `1 - low`.
        high: That of a token that shall become likelier counts up to `1 + high`.

    Source:
        Shao et al., "DeepSeekMath", 2024, equation 3; with two bounds: Yu et al., "DAPO", 2025,
        equation 10.
    """
    ratios_BT, advantages_B1 = log_ratios_BT.exp(), advantages_B.unsqueeze(1)
    free_BT = ratios_BT * advantages_B1
    bound_BT = ratios_BT.clamp(1 - low, 1 + high) * advantages_B1
    return -torch.minimum(free_BT, bound_BT), bound_BT < free_BT


def divergences(log_ratios_BT: Tensor) -> Tensor:
    """Return an estimate of the divergence from another model at each token, never below 0.

    Args:
        log_ratios_BT: Log-probability of each token by the other model, less that by this one.

    Source:
        Shao et al., "DeepSeekMath", 2024, equation 4.
    """
    return log_ratios_BT.exp() - log_ratios_BT - 1


def make_group_batch(
    groups: Groups, rows_N: NDArray[np.int64], config: TrainConfig, device: torch.device
) -> GroupBatch:
    """Return a batch of groups; of none, one group from which nothing is learned.

    Args:
        groups: Where they are.
        rows_N: Which of them.
        config: How advantages are made, and what is averaged.
        device: Where the batch goes.
    """
    assert groups.learned_ST is not None
    is_idle = len(rows_N) == 0
    if is_idle:
        rows_N = np.zeros(1, np.int64)
    count = groups.rewards_PG.shape[1]

    def by_answer(rows: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(rows).reshape(len(rows_N) * count, -1))

    ids = by_answer(groups.ids_ST[rows_N].astype(np.int64))
    learned_BT = by_answer(groups.learned_ST[rows_N])[:, 1:]
    if is_idle:
        learned_BT = torch.zeros_like(learned_BT)
    targets_BT = ids[:, 1:].masked_fill(~learned_BT, IGNORED)
    weights_BT = learned_BT.float()
    if config.reinforce_mean == "answers":
        weights_BT = weights_BT / weights_BT.sum(dim=1, keepdim=True).clamp(min=1)
    rewards_PG = groups.rewards_PG[rows_N]
    counts_B = torch.full((len(ids),), 0.0 if is_idle else 1.0)
    by_tokens = config.reinforce_mean == "tokens"
    return GroupBatch(
        ids[:, :-1].contiguous().to(device),
        targets_BT.to(device),
        segments_BT=None,
        learned=int((learned_BT if by_tokens else counts_B).sum()),
        sampling_BT=by_answer(groups.sampling_ST[rows_N])[:, 1:].to(device),
        reference_BT=by_answer(groups.reference_ST[rows_N])[:, 1:].to(device),
        weights_BT=weights_BT.to(device),
        advantages_B=by_answer(advantages(rewards_PG, scaled=config.reinforce_scaled))
        .flatten()
        .to(device),
        rewards_B=by_answer(rewards_PG).flatten().to(device),
        counts_B=counts_B.to(device),
    )


class ReinforceStepper(Stepper):
    """Does the steps of the reinforce stage."""

    measures = ("reward", "clip_share", "sampling_kl", "reference_kl", "entropy")
    """Means: the reward of the answers learned from; the share of tokens whose gradient clipping
    takes away; how far, in nats a token, the model is from the one that answered, and from the
    reference model (0 without one); the entropy of the next token in the answers, in nats."""

    def _make_batch(self, sequences: Sequences, rows_B: NDArray[np.int64]) -> GroupBatch:
        assert isinstance(sequences, Groups)
        return make_group_batch(sequences, rows_B, self._config, self._device.device)

    def _sum_of_losses(
        self, batch: Batch, *, penalties: Penalties = NO_PENALTIES
    ) -> tuple[Tensor, Tensor]:
        assert isinstance(batch, GroupBatch)
        config = self._config
        with self._device.precision():
            (cross_BT, entropy_BT), added = self._learner(
                batch.ids_BT, batch.targets_BT, None, penalties=penalties, each="token"
            )
        # Outside the answers all three are 0, and so is all that is made of them.
        from_sampling_BT = -cross_BT - batch.sampling_BT
        losses_BT, is_clipped_BT = clipped_losses(
            from_sampling_BT,
            batch.advantages_B,
            low=config.reinforce_clip_low,
            high=config.reinforce_clip_high,
        )
        reference_BT = torch.zeros_like(losses_BT)
        if config.reinforce_kl > 0:
            reference_BT = divergences(batch.reference_BT + cross_BT)
            losses_BT = losses_BT + config.reinforce_kl * reference_BT
        with torch.no_grad():
            sampling_BT = divergences(-from_sampling_BT)
            by_token = (is_clipped_BT, sampling_BT, reference_BT, entropy_BT)
            seen = [(one * batch.weights_BT).sum() for one in by_token]
            rewards = (batch.rewards_B * batch.counts_B).sum()
            self._observed.append(torch.stack([rewards, *seen, batch.counts_B.sum()]))
        tokens = (batch.targets_BT != IGNORED).sum().clamp(min=1)
        return (losses_BT * batch.weights_BT).sum(), added * batch.learned / tokens

    def _means(self, observed: Sequence[float], count: float) -> dict[str, float]:
        *sums, answers = observed
        reward = sums[0] / max(1.0, answers)
        return super()._means(sums, count) | {"reward": reward}
