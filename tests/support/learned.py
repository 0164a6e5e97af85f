"""Whether two runs learned the same, but for the order of sums."""

from pathlib import Path

import pytest
import torch

from hunmin import model
from hunmin.manifest import Manifest
from hunmin.train.losses import LossLog


def assert_learned_alike(out: Path, other: Path, *, steps: int) -> None:
    """Check the losses and norms of every step, and what is there at the end.

    Args:
        out: A run's folder.
        other: That of the run to be compared with.
        steps: How many steps both have.
    """
    assert len(_lines(out, "loss")) == steps
    for key in ("loss", "gradient_norm"):
        assert _lines(out, key) == pytest.approx(_lines(other, key), rel=1e-5), (out.name, key)
    heldout, others = (_lines(one, "heldout_loss")[steps] for one in (out, other))
    assert heldout == pytest.approx(others, rel=1e-5), out.name
    last, last_of_other = (one / f"step-{steps:06}" for one in (out, other))
    weights, others = (
        dict(model.load_checkpoint(one).named_parameters()) for one in (last, last_of_other)
    )
    for name, weight in weights.items():
        torch.testing.assert_close(weight, others[name], atol=1e-4, rtol=0, msg=name)
    assert Manifest.read(last).ledger == Manifest.read(last_of_other).ledger


def _lines(out: Path, key: str) -> dict[int, float]:
    return {line["step"]: line[key] for line in LossLog(out).lines() if key in line}
