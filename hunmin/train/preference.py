"""Direct preference optimization: the loss of pairs of answers, and its steps.

The reference model is the checkpoint the stage starts from. What it thinks of each answer is worked
out once, before the first step (`reference`), so that no second model is in memory.

Letters in tensor names: P pairs on disk, B pairs at once, T positions.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hunmin.train.batches import IGNORED, Batch
from hunmin.train.learner import NO_PENALTIES, Penalties
from hunmin.train.stepping import Stepper
from hunmin.train.tokens import Sequences


@dataclass(frozen=True, slots=True)
class Pairs(Sequences):
    """Preference pairs on disk; a row of `ids_ST` holds both sequences of one."""

    reference_P2: NDArray[np.float32]
    """Log-probabilities of the chosen and the rejected answer by the reference model."""

    def ranked_by_reference(self, rows_N: NDArray[np.int64]) -> float:
        """Return the ranking accuracy of the reference model on some of the pairs."""
        ahead_N = self.reference_P2[rows_N, 0] - self.reference_P2[rows_N, 1]
        return float((np.sign(ahead_N) + 1).mean() / 2)


@dataclass(frozen=True, slots=True)
class PairBatch(Batch):
    """Pairs that go through the model at once: B chosen sequences, then the B rejected ones.

    Targets are -100 everywhere but in the answers; what is to be learned is counted in pairs.
    """

    reference_2B: Tensor
    """Log-probability of each answer by the reference model."""
    counts_B: Tensor
    """1 for each pair; 0 for one that only keeps a process busy."""


def make_pair_batch(pairs: Pairs, rows_B: NDArray[np.int64], device: torch.device) -> PairBatch:
    """Return a batch of pairs; of none, one pair from which nothing is learned.

    Args:
        pairs: Where they are.
        rows_B: Which of them.
        device: Where the batch goes.
    """
    assert pairs.learned_ST is not None
    is_idle = len(rows_B) == 0
    if is_idle:
        rows_B = np.zeros(1, np.int64)
    ids = _chosen_first(pairs.ids_ST[rows_B].astype(np.int64))
    targets = ids[:, 1:].masked_fill(~_chosen_first(pairs.learned_ST[rows_B])[:, 1:], IGNORED)
    if is_idle:
        targets.fill_(IGNORED)
    counts_B = torch.full((len(rows_B),), 0.0 if is_idle else 1.0)
    reference_2B = torch.from_numpy(np.ascontiguousarray(pairs.reference_P2[rows_B].T)).flatten()
    return PairBatch(
        ids[:, :-1].contiguous().to(device),
        targets.to(device),
        segments_BT=None,
        learned=int(counts_B.sum()),
        reference_2B=reference_2B.to(device),
        counts_B=counts_B.to(device),
    )


def _chosen_first(rows: NDArray[Any]) -> Tensor:
    """Return `(2 B, width)` of `(B, 2 * width)`: first the first halves of all rows."""
    return torch.from_numpy(np.concatenate(np.split(rows, 2, axis=1)))


def preference_losses(
    log_probabilities_2B: Tensor, reference_2B: Tensor, *, beta: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the loss of each pair, and the reward of its chosen and of its rejected answer.

    Args:
        log_probabilities_2B: Of the B chosen and then the B rejected answers, in nats.
        reference_2B: The same by the reference model.
        beta: How much a nat away from the reference model counts.

    Source:
        Rafailov et al., "Direct Preference Optimization", 2023, equation 7; the reward is that of
        section 4, up to what both answers share.
    """
    chosen_B, rejected_B = (beta * (log_probabilities_2B - reference_2B)).chunk(2)
    return -functional.logsigmoid(chosen_B - rejected_B), chosen_B, rejected_B


def likelihood_losses(log_probabilities_2B: Tensor, targets_2BT: Tensor) -> Tensor:
    """Return the mean loss of each chosen answer's tokens, `(B,)`, in nats.

    Args:
        log_probabilities_2B: Of the B chosen and then the B rejected answers, in nats.
        targets_2BT: Ids of the answers' tokens; -100 elsewhere.

    Source:
        Pang et al., "Iterative Reasoning Preference Optimization", 2024, equation 1.
    """
    tokens_2B = (targets_2BT != IGNORED).sum(dim=1).clamp(min=1)
    return -(log_probabilities_2B / tokens_2B).chunk(2)[0]


class PreferenceStepper(Stepper):
    """Does the steps of the preference stage."""

    measures = (
        "reward_margin",
        "chosen_reward",
        "chosen_loss",
        "preference_accuracy",
        "ranking_accuracy",
    )
    """Means over pairs: the reward of the chosen answer less that of the rejected one; the reward
    of the chosen one alone, and its loss in nats a token, which rises where the model forgets how
    to say it; the shares of pairs whose chosen answer has the greater reward, and the greater
    probability (a tie counts half)."""

    def _make_batch(self, sequences: Sequences, rows_B: NDArray[np.int64]) -> PairBatch:
        assert isinstance(sequences, Pairs)
        return make_pair_batch(sequences, rows_B, self._device.device)

    def _sum_of_losses(
        self, batch: Batch, *, penalties: Penalties = NO_PENALTIES
    ) -> tuple[Tensor, Tensor]:
        assert isinstance(batch, PairBatch)
        log_2B, added = self._log_probabilities(batch, penalties)
        beta = self._config.preference_beta
        losses_B, chosen_B, rejected_B = preference_losses(log_2B, batch.reference_2B, beta=beta)
        said_B = likelihood_losses(log_2B, batch.targets_BT)
        losses_B = losses_B + self._config.preference_likelihood * said_B
        with torch.no_grad():
            margins_B = chosen_B - rejected_B
            ranks_B = torch.sub(*log_2B.chunk(2))
            seen = (margins_B, chosen_B, said_B.detach(), _wins(margins_B), _wins(ranks_B))
            self._observed.append(torch.stack([(one * batch.counts_B).sum() for one in seen]))
        # What is added is a sum over tokens, and the loss one over pairs.
        tokens = (batch.targets_BT != IGNORED).sum().clamp(min=1)
        return (losses_B * batch.counts_B).sum(), added * batch.learned / tokens

    def _log_probabilities(
        self, batch: Batch, penalties: Penalties = NO_PENALTIES
    ) -> tuple[Tensor, Tensor]:
        """Return the log-probability of each answer, `(2 B,)`, and what is added for learning."""
        with self._device.precision():
            losses_2B, added = self._learner(
                batch.ids_BT, batch.targets_BT, None, penalties=penalties, each="sequence"
            )
        return -losses_2B, added

    def log_probabilities(self, pairs: Pairs, rows_N: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the log-probabilities of both answers of pairs, `(N, 2)`, learning nothing.

        Every process computes a part, and gets the whole.
        """
        own: list[Tensor] = []
        with torch.no_grad():
            for batch in self._batches(pairs, rows_N):
                assert isinstance(batch, PairBatch)
                log_B2 = self._log_probabilities(batch)[0].view(2, -1).T
                own.append(log_B2[batch.counts_B > 0])
        self._reshard()
        parts = self._world.gather(torch.cat(own).float().cpu().numpy())
        return np.concatenate(parts)


def _wins(differences_B: Tensor) -> Tensor:
    """Return 1 for each that is above 0, and a half for 0."""
    return (differences_B.sign() + 1) / 2
