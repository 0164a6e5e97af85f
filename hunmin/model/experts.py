"""A mixture of experts in the place of a feed-forward layer, as `Qwen3MoeForCausalLM` has it.

A router gives each token to a few of many small feed-forward layers, its experts, and adds their
outputs by weight. No token is dropped, however uneven the choice; keeping it even is a matter of
training (`hunmin.train.routing`).

Letters in tensor names: B sequences, T positions, N tokens, D model width, E experts, K experts
of a token, S = N x K slots, one for each token and each of its experts.
"""

import torch
from torch import Tensor, nn

from hunmin.model.feed_forward import FeedForward


def choose_experts(logits_NE: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return which experts each token goes to.

    Args:
        logits_NE: What the router says of each expert, `(N, E)`.
        count: Experts of a token, K.

    Returns:
        The probabilities of all experts, `(N, E)`, float32; the weights of the chosen ones, which
        sum to 1, `(N, K)`, float32; their numbers, `(N, K)`, int64.

    Source:
        Yang et al., "Qwen3 Technical Report", 2025: softmax, top K, weights made to sum to 1.
    """
    probabilities_NE = logits_NE.float().softmax(dim=-1)
    weights_NK, chosen_NK = probabilities_NE.topk(count, dim=-1)
    return probabilities_NE, weights_NK / weights_NK.sum(dim=-1, keepdim=True), chosen_NK


class Experts(nn.Module):
    """The router and the experts of one layer."""

    def __init__(
        self, width: int, *, experts: int, experts_per_token: int, width_each: int
    ) -> None:
        super().__init__()
        self.experts_per_token = experts_per_token
        self.gate = nn.Linear(width, experts, bias=False)
        self.experts = nn.ModuleList(FeedForward(width, width_each) for _ in range(experts))

    def forward(self, x_BTD: Tensor) -> tuple[Tensor, Tensor]:
        """Return the layer's output, `(B, T, D)`, and the router's logits, `(B * T, E)`."""
        x_ND = x_BTD.flatten(0, 1)
        logits_NE = self.gate(x_ND)
        _, weights_NK, chosen_NK = choose_experts(logits_NE, self.experts_per_token)
        return self._mixed(x_ND, weights_NK, chosen_NK).view_as(x_BTD), logits_NE

    @torch.compiler.disable  # how many tokens an expert gets is another number each time
    def _mixed(self, x_ND: Tensor, weights_NK: Tensor, chosen_NK: Tensor) -> Tensor:
        """Return the sum of the outputs of each token's experts, by weight, `(N, D)`.

        Slots are sorted by expert and put back, never added into one place, so the sum has one
        order on every device. An expert without tokens computes on none: its gradient is zero and
        not absent, for processes among whom weights are parted must all have the same gradients.
        """
        tokens, count = chosen_NK.shape
        order_S = chosen_NK.flatten().argsort(stable=True)
        slots_SD = x_ND.unsqueeze(1).expand(-1, count, -1).reshape(tokens * count, -1)
        sizes_E = chosen_NK.flatten().bincount(minlength=len(self.experts)).tolist()
        parts = slots_SD[order_S].split(sizes_E)
        outputs_SD = torch.cat(
            [expert(part) for expert, part in zip(self.experts, parts, strict=True)]
        )
        outputs_NKD = outputs_SD[order_S.argsort()].view(tokens, count, -1)
        return (outputs_NKD * weights_NK.unsqueeze(-1)).sum(dim=1).type_as(x_ND)
