"""How fast a run goes, and how fast its device could: what throughput and MFU are told from."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from hunmin.train.device import Device
from hunmin.train.gpus import PEAK_FLOPS_PER_SECOND


class Pace:
    """Measures steps, from one line of the log to the next."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._steps = 0

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Measure one step; what lies between steps, a checkpoint for instance, is not in it."""
        began = time.monotonic()
        yield
        self._seconds += time.monotonic() - began
        self._steps += 1

    def take(self) -> float:
        """Return the mean seconds of a step since the last call."""
        mean = self._seconds / max(1, self._steps)
        self._seconds, self._steps = 0.0, 0
        return max(mean, 1e-9)


def peak_flops_per_second(device: Device) -> float | None:
    """Return what one device can do at most, or None where that is not known for certain."""
    if device.device.type != "cuda" or not device.bfloat16:
        return None
    return peak_of(torch.cuda.get_device_name(device.device))


def peak_of(name: str) -> float | None:
    """Return the peak of a GPU by the name its driver gives, as in `NVIDIA A100-SXM4-80GB`."""
    words = name.replace("-", " ").split()
    if "MIG" in words:  # a slice of a GPU
        return None
    known = [peak for peak in PEAK_FLOPS_PER_SECOND if all(word in words for word in peak.split())]
    return PEAK_FLOPS_PER_SECOND[max(known, key=len)] if known else None
