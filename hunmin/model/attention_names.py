"""The attention kernels by name. `attention_kernels` has them; this loads without PyTorch."""

from typing import Literal, get_args

KernelName = Literal["sdpa", "math", "flash", "efficient", "cudnn", "varlen", "flex", "tiles"]
"""`sdpa` is `scaled_dot_product_attention`, which chooses a kernel itself each time; the next four
are its kernels by name. `varlen` is told where documents begin, and computes nothing between them;
`flex` is FlexAttention, compiled, which leaves out blocks that see nothing of each other; `tiles`
are products of matrices, compiled, for short sequences on a CPU."""

KERNEL_NAMES: tuple[KernelName, ...] = get_args(KernelName)

DETERMINISTIC: frozenset[KernelName] = frozenset(
    {"sdpa", "math", "flash", "efficient", "varlen", "tiles"}
)
"""Those that give the same bits again, on the way back too, once PyTorch is told to be
deterministic. It has no such way for cuDNN's, and `sdpa` leaves that out then; of FlexAttention
nobody promises it."""
