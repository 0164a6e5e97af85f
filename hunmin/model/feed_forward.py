"""SwiGLU, the feed-forward layer of a dense model; those of a mixture are in `experts`.

Letters in tensor names: N tokens, D model width.
"""

from torch import Tensor, nn
from torch.nn import functional


class FeedForward(nn.Module):
    """SwiGLU: a gated feed-forward layer.

    Source:
        Shazeer, "GLU Variants Improve Transformer", 2020.
    """

    def __init__(self, width: int, inner_width: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, inner_width, bias=False)
        self.up_proj = nn.Linear(width, inner_width, bias=False)
        self.down_proj = nn.Linear(inner_width, width, bias=False)

    def forward(self, x_ND: Tensor) -> Tensor:
        """Return the layer's output, of the shape of `x_ND`."""
        return self.down_proj(functional.silu(self.gate_proj(x_ND)) * self.up_proj(x_ND))
