"""One optimizer step on all processes: forward, backward, judgment, update.

Processes meet once a step beside what parting the weights and balancing experts cost: to add up
losses, tokens and gradient norms, and to agree whether someone asked to stop.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.distributed.fsdp import FSDPModule

from hunmin.train.batches import Batch, make_batch, shares
from hunmin.train.device import Device
from hunmin.train.gradients import clipping, squared_norm
from hunmin.train.guard import Guard
from hunmin.train.learner import NO_PENALTIES, Learner, Penalties, local_parts
from hunmin.train.recipe import TrainConfig
from hunmin.train.tokens import Sequences
from hunmin.train.world import World


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step came to, the same on every process."""

    loss: float
    """Mean over the tokens of the step, in nats."""
    norm: float
    """Of the gradient, before it was clipped."""
    learned: bool
    """False where the step was skipped and changed nothing."""
    raised: tuple[bool, ...]
    """Each flag, if any process raised it."""


class Stepper:
    """Does the steps of one stage."""

    def __init__(
        self,
        config: TrainConfig,
        learner: Learner,
        optimizers: Sequence[torch.optim.Optimizer],
        device: Device,
        world: World,
    ) -> None:
        self._config = config
        self._learner = learner
        self._optimizers = optimizers
        self._device = device
        self._world = world
        self._penalties = Penalties(
            z_loss=config.z_loss,
            balance_loss=config.balance_loss,
            router_z_loss=config.router_z_loss,
        )

    def step(
        self,
        step: int,
        sequences: Sequences,
        rows_N: NDArray[np.int64],
        guard: Guard,
        flags: Callable[[], Sequence[bool]],
    ) -> Outcome:
        """Learn from sequences, unless the guard forbids it.

        Args:
            step: The number of the step, from 0: the learning rate is a function of it.
            sequences: Where the data lie.
            rows_N: The sequences of this step, on every process the same.
            guard: Judges the step, and remembers it.
            flags: Tells, when the step is computed, what this process wants all to know.
        """
        config, world = self._config, self._world
        losses: list[torch.Tensor] = []
        tokens = 0
        for batch in self._batches(sequences, rows_N):
            loss, penalty = self._sum_of_losses(batch, penalties=self._penalties)
            (loss + penalty).backward()
            losses.append(loss.detach())
            tokens += batch.learned
        weights = self._learner.parameters()
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        loss_sum, tokens_sum, squares, *raised = world.sum(
            [torch.stack(losses).sum().item(), tokens, squared_norm(gradients), *flags()]
        )
        # The gradients so far are of the summed loss, and `fully_shard` has averaged them over the
        # parts of the data. Processes that share a part all count its losses and tokens.
        factor = world.size / max(1.0, tokens_sum)
        outcome_norm = squares**0.5 * factor
        mean_loss = loss_sum / max(1.0, tokens_sum)
        may_learn = guard.may_learn(step, loss=mean_loss, norm=outcome_norm)
        if may_learn:
            clip = clipping(outcome_norm, norm_max=config.gradient_norm_max)
            torch._foreach_mul_(local_parts(gradients), factor * clip)
            self._update(step)
        for optimizer in self._optimizers:
            optimizer.zero_grad(set_to_none=True)
        return Outcome(mean_loss, outcome_norm, may_learn, tuple(one > 0 for one in raised))

    def mean_loss(self, sequences: Sequences, rows_N: NDArray[np.int64]) -> float:
        """Return the loss of sequences in nats a token, learning nothing."""
        total = tokens = 0.0
        with torch.no_grad():
            for batch in self._batches(sequences, rows_N):
                total += self._sum_of_losses(batch)[0].item()
                tokens += batch.learned
        if isinstance(self._learner, FSDPModule):
            self._learner.reshard()  # nothing ran backward, which would have done it
        total, tokens = self._world.sum([total, tokens])
        return total / max(1.0, tokens)

    def _batches(self, sequences: Sequences, rows_N: NDArray[np.int64]) -> list[Batch]:
        config, world = self._config, self._world
        return [
            make_batch(sequences, part, self._device, documents_apart=config.documents_apart)
            for part in shares(
                rows_N,
                rank=world.data_rank,
                size=world.data_size,
                micro=config.micro_batch_sequences,
            )
        ]

    def _sum_of_losses(
        self, batch: Batch, *, penalties: Penalties = NO_PENALTIES
    ) -> tuple[torch.Tensor, torch.Tensor]:
        with self._device.precision():
            return self._learner(
                batch.ids_BT, batch.targets_BT, batch.segments_BT, penalties=penalties
            )

    def _update(self, step: int) -> None:
        rate = self._config.learning_rate_at(step)
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
