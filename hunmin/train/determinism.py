"""Runs that give the same bits again: on a GPU too, stopped and gone on with or not.

On a CPU a run does so anyway. On a GPU sums are added up in whatever order is fastest, unless
PyTorch is told otherwise; and what is chosen by time may be chosen otherwise the next time.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from hunmin.errors import BitsWouldDiffer
from hunmin.manifest import Manifest
from hunmin.train.device import Device
from hunmin.train.recipe import TrainConfig
from hunmin.train.world import World


@contextmanager
def same_bits(*, wanted: bool) -> Iterator[None]:
    """Have PyTorch compute the same bits from the same numbers while a block runs.

    What it can do only otherwise raises an error then. The environment variable that cuBLAS asks
    for stays afterwards. The compiler is told apart, where layers are compiled.

    Args:
        wanted: Without it nothing is changed.
    """
    if not wanted:
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.deterministic,
        torch.backends.cudnn.benchmark,
    )
    torch.use_deterministic_algorithms(mode=True)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = before[2:]


def how_computed(device: Device, world: World, config: TrainConfig) -> dict[str, Any]:
    """Return all that the bits of a run depend on beside its plan; for manifests."""
    return {
        **device.to_json(),
        "processes": world.size,
        "replicas": world.replicas,
        "context": world.context,
        "tensor": world.tensor,
        "expert_parallel": world.expert_parallel,
        "micro_batch_sequences": config.micro_batch_sequences or config.batch_sequences,
    }


def check_same_bits(checkpoint: Path, computing: Mapping[str, Any]) -> None:
    """Check that a deterministic run goes on just as it was computed before.

    Args:
        checkpoint: Where it goes on from.
        computing: How it would be computed now.

    Raises:
        BitsWouldDiffer: It was computed otherwise.
    """
    before = Manifest.read(checkpoint).facts.get("computing", {})
    for what, now in computing.items():
        if before.get(what) != now:
            raise BitsWouldDiffer(
                checkpoint=checkpoint, what=what, before=before.get(what), now=now
            )
