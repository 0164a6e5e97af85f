"""What keeps the routers of a mixture of experts even, and their logits small.

Letters in tensor names: L layers, N tokens, E experts, K experts of a token.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from hunmin.model.experts import choose_experts


def balance_penalty(
    routers: Sequence[Tensor],
    learned_N: Tensor,
    *,
    experts_per_token: int,
    total: Callable[[Tensor], Tensor],
) -> Tensor:
    """Return how uneven the choice of experts is, times the number of learned tokens.

    A token's share is `E * sum_e f_e * P_e`, the mean of the layers: 1 where tokens are spread
    evenly, more the more they crowd, E / K where all go to the same experts and to no others.
    `f_e` is the share of choices that fell on an expert, among the learned tokens of all
    processes, so that it matters little which process has which text; `P_e` is the probability
    the router gave it.

    Args:
        routers: The logits of each layer's router, `(N, E)`.
        learned_N: Whether a token is learned from; padding is not.
        experts_per_token: K.
        total: Adds up a tensor over all processes.

    Source:
        Fedus et al., "Switch Transformers", 2021, section 2.2; Qiu et al., "Demons in the Detail",
        2025 (the shares are those of the whole batch).
    """
    counts_LE: list[Tensor] = []
    sums_LE: list[Tensor] = []
    for logits_NE in routers:
        probabilities_NE, _, chosen_NK = choose_experts(logits_NE, experts_per_token)
        chosen = chosen_NK[learned_N].flatten()
        counts_LE.append(chosen.bincount(minlength=logits_NE.shape[1]))
        sums_LE.append((probabilities_NE * learned_N.unsqueeze(1)).sum(dim=0))
    shares_LE = total(torch.stack(counts_LE)).float()
    choices_L1 = shares_LE.sum(dim=1, keepdim=True).clamp(min=1)
    products_LE = shares_LE / choices_L1 * torch.stack(sums_LE)
    return products_LE.sum(dim=1).mean() * shares_LE.shape[1]


def router_z_penalty(routers: Sequence[Tensor], learned_N: Tensor) -> Tensor:
    """Return the squared log of the softmax's sum, added up over learned tokens; layers' mean.

    Source:
        Zoph et al., "ST-MoE", 2022, section 3.3.
    """
    squares_LN = torch.stack([one.float().logsumexp(dim=-1).square() for one in routers])
    return (squares_LN * learned_N).sum(dim=1).mean()
