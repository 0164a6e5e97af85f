"""What one replica gives another that comes late or fell behind: everything, straight from memory.

Each process gives its part to the process of the other replica that holds the same part.
"""

from collections.abc import Sequence
from typing import Any

import torch

from hunmin.train.checkpoints import make_room, state_tensors
from hunmin.train.exchange import Exchange
from hunmin.train.learner import Learner, local_parts


def hand_over(
    exchange: Exchange,
    words: dict[str, Any],
    *,
    giver: int,
    takes: bool,
    learner: Learner,
    optimizers: Sequence[torch.optim.Optimizer],
    seconds: float,
) -> dict[str, Any]:
    """Put the giver's weights and optimizer state into those of all that take them.

    Args:
        exchange: Those with the same part of the model in every replica; all must take part.
        words: What the giver says beside, plain JSON.
        giver: Its place in the exchange.
        takes: Whether this one takes them; it holds neither the old nor the new if this fails.
        learner: What is trained.
        optimizers: What trains it.
        seconds: How long the giver may take until it begins.

    Returns:
        The giver's words.

    Raises:
        ExchangeBroken: One was lost.
    """
    own = state_tensors(learner, optimizers)
    sizes = {key: [list(tensor.shape), str(tensor.dtype)] for key, tensor in own.items()}
    said = exchange.give_words({"sizes": sizes, **words}, giver=giver, seconds=seconds)
    if takes:
        given = said["sizes"].items()
        wanted = {key: (torch.Size(size), _DTYPES[name]) for key, (size, name) in given}
        make_room(learner, optimizers, wanted)
        own = state_tensors(learner, optimizers)
    for part in local_parts([own[key] for key in said["sizes"]]):
        exchange.give(part, giver=giver, takes=takes)
    return said


_DTYPES = {str(dtype): dtype for dtype in (torch.float32, torch.float64, torch.bfloat16)}
"""What weights and optimizers are kept in, by name."""
