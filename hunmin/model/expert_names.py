"""What experts are called in files: each matrix of each expert apart, as transformers has them.

In memory the experts of a layer are three stacks, `model.layers.N.mlp.experts.gate_proj` and so on;
in files expert J has `model.layers.N.mlp.experts.J.gate_proj.weight`. All else has one name.
"""

import re
from collections.abc import Mapping

from torch import Tensor

_STACK = re.compile(r"(.*\.mlp\.experts)\.((?:gate|up|down)_proj)")
_STACK_SIDES = 3


def is_stack(weight: Tensor) -> bool:
    """Whether a parameter is the same matrix of all experts of a layer."""
    return weight.ndim == _STACK_SIDES


def names_in_files(name: str, *, experts: int) -> list[str]:
    """Return what a parameter is called in files: of a stack, one name for each expert."""
    found = _STACK.fullmatch(name)
    if found is None:
        return [name]
    return [f"{found[1]}.{number}.{found[2]}.weight" for number in range(experts)]


def each_in_files(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights by the names of files; the experts of a stack share its memory."""
    apart: dict[str, Tensor] = {}
    for name, weight in weights.items():
        names = names_in_files(name, experts=len(weight))
        apart.update({name: weight} if names == [name] else zip(names, weight, strict=True))
    return apart
