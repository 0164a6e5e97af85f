"""One optimizer step on all processes: forward, backward, judgment, update.

Processes meet once a step beside what parting the weights and balancing experts cost: to add up
losses, tokens and gradient norms, and to agree whether someone asked to stop.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.distributed.fsdp import FSDPModule

from hunmin.train.batches import Batch, make_batch, shares
from hunmin.train.context_parallel import own_parts
from hunmin.train.device import Device
from hunmin.train.gradients import clipping, squared_norm
from hunmin.train.guard import Guard
from hunmin.train.learner import NO_PENALTIES, Learner, Penalties, local_parts
from hunmin.train.phases import PhaseClock
from hunmin.train.recipe import TrainConfig
from hunmin.train.tokens import Sequences
from hunmin.train.world import World

AddUp = Callable[[Sequence[torch.Tensor], list[float]], list[float]]
"""Adds gradients up over replicas, in place, and numbers."""


def _alone(_gradients: Sequence[torch.Tensor], numbers: list[float]) -> list[float]:
    """Add up over the one replica there is."""
    return numbers


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
    measures: Mapping[str, float]
    """What else the stage measures, as means over its samples."""


class Stepper:
    """Does the steps of one stage."""

    measures: tuple[str, ...] = ()
    """What the stage measures beside its loss, by name."""

    def __init__(
        self,
        config: TrainConfig,
        learner: Learner,
        optimizers: Sequence[torch.optim.Optimizer],
        device: Device,
        world: World,
        *,
        clock: PhaseClock | None = None,
        add_up: AddUp = _alone,
    ) -> None:
        self._config = config
        self._learner = learner
        self._optimizers = optimizers
        self._device = device
        self._world = world
        self._observed: list[torch.Tensor] = []
        """Of each batch the sums of what is measured."""
        self._add_up = add_up
        self._clock = clock or PhaseClock(device.device)
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
            rows_N: The sequences of this step that the processes of this world share out.
            guard: Judges the step, and remembers it.
            flags: Tells, when the step is computed, what this process wants all to know.
        """
        config, world, clock = self._config, self._world, self._clock
        losses: list[torch.Tensor] = []
        tokens = count = 0
        clock.enter("data")
        for batch in self._batches(sequences, rows_N):
            clock.enter("forward")
            loss, penalty = self._sum_of_losses(batch, penalties=self._penalties)
            clock.enter("backward")
            (loss + penalty).backward()
            losses.append(loss.detach())
            tokens += batch.learned
            count += len(batch.ids_BT)
        clock.enter("optimizer")
        weights = self._learner.parameters()
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        observed = self._observations()
        own = [torch.stack(losses).sum().item(), tokens, *observed, *flags()]
        with world.waiting():
            own = self._add_up(gradients, own)
        squares, loss_sum, tokens_sum, *others = world.sum([squared_norm(gradients), *own])
        observed, raised = others[: len(observed)], others[len(observed) :]
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
        self.forget()
        clock.end_step(sequences=count)
        return Outcome(
            mean_loss,
            outcome_norm,
            may_learn,
            tuple(one > 0 for one in raised),
            self._means(observed, tokens_sum),
        )

    def forget(self) -> None:
        """Throw away the gradients, learned from or not."""
        self._observed.clear()
        for optimizer in self._optimizers:
            optimizer.zero_grad(set_to_none=True)

    def measure(self, sequences: Sequences, rows_N: NDArray[np.int64]) -> dict[str, float]:
        """Return the `loss` of sequences, and what else is measured, learning nothing."""
        total = tokens = 0.0
        with torch.no_grad():
            for batch in self._batches(sequences, rows_N):
                total += self._sum_of_losses(batch)[0].item()
                tokens += batch.learned
        self._reshard()
        total, tokens, *observed = self._world.sum([total, tokens, *self._observations()])
        return {"loss": total / max(1.0, tokens), **self._means(observed, tokens)}

    def _reshard(self) -> None:
        """Let go of gathered weights where nothing ran backward, which would have done it."""
        if isinstance(self._learner, FSDPModule):
            self._learner.reshard()

    def _observations(self) -> list[float]:
        """Return the sums over this process's batches of what is measured, and forget them."""
        if not self._observed:
            return []
        observed = torch.stack(self._observed).sum(dim=0).tolist()
        self._observed.clear()
        return observed

    def _means(self, observed: Sequence[float], count: float) -> dict[str, float]:
        """Return what is measured, by name, from its sums and how much was learned from."""
        means = [one / max(1.0, count) for one in observed]
        return dict(zip(self.measures, means, strict=True))

    def _batches(self, sequences: Sequences, rows_N: NDArray[np.int64]) -> list[Batch]:
        world = self._world
        micro = self._config.micro_batch_sequences // self._config.sequences_per_sample
        parts = shares(rows_N, rank=world.data_rank, size=world.data_size, micro=micro)
        return [self._make_batch(sequences, part) for part in parts]

    def _make_batch(self, sequences: Sequences, rows_B: NDArray[np.int64]) -> Batch:
        return make_batch(
            sequences,
            rows_B,
            self._device,
            documents_apart=self._config.documents_apart,
            parts=own_parts(self._world),
        )

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
