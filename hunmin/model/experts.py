"""A mixture of experts in the place of a feed-forward layer, as `Qwen3MoeForCausalLM` has it.

A router gives each token to a few of many small feed-forward layers, its experts, and adds their
outputs by weight. No token is dropped, however uneven the choice; keeping it even is a matter of
training (`hunmin.train.routing`).

Letters in tensor names: B sequences, T positions, N tokens, D model width, F expert width,
E experts, K experts of a token, S = N x K slots, one for each token and each of its experts.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from hunmin.model.grouped_product import grouped_product


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


class ExpertStack(nn.Module):
    """The experts of a layer, SwiGLU each; what is the same matrix in all of them is one tensor.

    The weights are yet unset: whoever makes a model sets them.
    """

    def __init__(self, experts: int, width: int, inner_width: int) -> None:
        super().__init__()
        self.gate_proj = nn.Parameter(torch.zeros(experts, inner_width, width))
        self.up_proj = nn.Parameter(torch.zeros(experts, inner_width, width))
        self.down_proj = nn.Parameter(torch.zeros(experts, width, inner_width))

    def forward(self, x_SD: Tensor, sizes_E: Tensor) -> Tensor:
        """Return each expert's output for its slots, `(S, D)`.

        Args:
            x_SD: The slots of one expert after those of the other.
            sizes_E: How many slots each expert has, int64.
        """
        return swiglu_of_each(x_SD, sizes_E, self.gate_proj, self.up_proj, self.down_proj)


def swiglu_of_each(
    x_SD: Tensor, sizes_E: Tensor, gate_EFD: Tensor, up_EFD: Tensor, down_EDF: Tensor
) -> Tensor:
    """Return what `ExpertStack` does, `(S, D)`, for weights that are given."""
    x_SD = as_autocast(x_SD)
    gate_SF = grouped_product(x_SD, as_autocast(gate_EFD), sizes_E)
    up_SF = grouped_product(x_SD, as_autocast(up_EFD), sizes_E)
    return grouped_product(functional.silu(gate_SF) * up_SF, as_autocast(down_EDF), sizes_E)


def as_autocast(x: Tensor) -> Tensor:
    """Return a tensor as `autocast` wants it for a product; it knows nothing of grouped ones."""
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x


class Experts(nn.Module):
    """The router and the experts of one layer."""

    def __init__(
        self, width: int, *, experts: int, experts_per_token: int, width_each: int
    ) -> None:
        super().__init__()
        self.experts_per_token = experts_per_token
        self.gate = nn.Linear(width, experts, bias=False)
        self.experts = ExpertStack(experts, width, width_each)

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
        chosen_S = chosen_NK.flatten()
        order_S = chosen_S.argsort(stable=True)
        slots_SD = x_ND.unsqueeze(1).expand(-1, count, -1).reshape(tokens * count, -1)
        # Not `bincount`, which makes a GPU wait until the largest number is known.
        sizes_E = chosen_S.new_zeros(self.gate.out_features)
        sizes_E.scatter_add_(0, chosen_S, torch.ones_like(chosen_S))
        outputs_SD = self.experts(slots_SD[order_S], sizes_E)
        outputs_NKD = outputs_SD[order_S.argsort()].view(tokens, count, -1)
        return (outputs_NKD * weights_NK.unsqueeze(-1)).sum(dim=1).type_as(x_ND)
