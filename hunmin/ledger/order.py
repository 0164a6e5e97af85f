"""The order of the data: which sample comes at which step, and at which steps a sample comes.

Pure: no state, no files. Order is a permutation of the sample numbers for every epoch, a function
of (seed, epoch, position) that can be walked both ways. Nothing is shuffled and nothing is stored,
so a run goes on from a step number alone, on however many processes, and both questions have an
exact answer for ever.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 6
_BLOCK = 1 << 14
"""Numbers worked on at once: few enough to stay in the processor's cache."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True, slots=True)
class Order:
    """The order of one run. An *index* counts samples as they come, over all epochs, from 0."""

    seed: int
    samples: int
    """Samples in an epoch, at least 1."""
    samples_per_step: int

    def __post_init__(self) -> None:
        assert self.samples >= 1
        assert self.samples_per_step >= 1

    def of_step(self, step: int) -> NDArray[np.int64]:
        """Return the samples of one step, counted from step 0, shape `(samples_per_step,)`."""
        first = step * self.samples_per_step
        return self.at(np.arange(first, first + self.samples_per_step, dtype=np.int64))

    def at(self, indexes_N: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the sample at each index, shape `(N,)`."""
        epochs_N, positions_N = np.divmod(indexes_N, self.samples)
        samples_N = np.empty_like(positions_N)
        for epoch in np.unique(epochs_N).tolist():
            inside = epochs_N == epoch
            samples_N[inside] = self._walk(positions_N[inside], epoch, forward=True)
        return samples_N

    def indexes_of(self, samples_N: NDArray[np.int64], *, epoch: int) -> NDArray[np.int64]:
        """Return the index at which each sample comes in an epoch, shape `(N,)`."""
        return self._walk(samples_N, epoch, forward=False) + epoch * self.samples

    def steps_of(self, samples_N: NDArray[np.int64], *, steps: int) -> NDArray[np.int64]:
        """Return the steps, of the first `steps`, in which any of the samples comes; ascending.

        The time it takes grows with the epochs and the samples asked for, not with the run.
        """
        taken = steps * self.samples_per_step
        found = [
            indexes[indexes < taken] // self.samples_per_step
            for indexes in (
                self.indexes_of(samples_N, epoch=epoch) for epoch in range(self._epochs(taken))
            )
        ]
        return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)

    def times_seen(self, *, steps: int) -> NDArray[np.int64]:
        """Return how often each sample comes in the first `steps`, shape `(samples,)`."""
        epochs, rest = divmod(steps * self.samples_per_step, self.samples)
        times_S = np.full(self.samples, epochs, np.int64)
        times_S[self._walk(np.arange(rest, dtype=np.int64), epochs, forward=True)] += 1
        return times_S

    def _epochs(self, taken: int) -> int:
        return -(-taken // self.samples)

    def _walk(
        self, numbers_N: NDArray[np.int64], epoch: int, *, forward: bool
    ) -> NDArray[np.int64]:
        """Map positions of an epoch to samples, or back: a bijection on `range(samples)`.

        A Feistel network over the next even power of two, walked until it lands inside.

        Source:
            Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002, section 4 (cycle
            walking).
        """
        assert not len(numbers_N) or (numbers_N.min() >= 0 and numbers_N.max() < self.samples)
        half_bits = max(1, ((self.samples - 1).bit_length() + 1) // 2)
        keys = _round_keys(self.seed, epoch)
        network = _forward if forward else _backward
        walked_N = np.empty_like(numbers_N)
        for start in range(0, len(numbers_N), _BLOCK):
            values = numbers_N[start : start + _BLOCK].astype(np.uint64)
            outside = np.arange(len(values))
            while len(outside):
                values[outside] = network(values[outside], keys, half_bits)
                outside = outside[values[outside] >= self.samples]
            walked_N[start : start + _BLOCK] = values
        return walked_N


def _forward(
    values_N: NDArray[np.uint64], keys: tuple[np.uint64, ...], half_bits: int
) -> NDArray[np.uint64]:
    shift, mask = np.uint64(half_bits), np.uint64((1 << half_bits) - 1)
    left, right = values_N >> shift, values_N & mask
    for key in keys:
        left, right = right, left ^ (_mix(right ^ key) & mask)
    return (left << shift) | right


def _backward(
    values_N: NDArray[np.uint64], keys: tuple[np.uint64, ...], half_bits: int
) -> NDArray[np.uint64]:
    shift, mask = np.uint64(half_bits), np.uint64((1 << half_bits) - 1)
    left, right = values_N >> shift, values_N & mask
    for key in reversed(keys):
        left, right = right ^ (_mix(left ^ key) & mask), left
    return (left << shift) | right


@lru_cache(maxsize=64)
def _round_keys(seed: int, epoch: int) -> tuple[np.uint64, ...]:
    digest = hashlib.blake2b(f"{seed}/{epoch}".encode(), digest_size=8 * _ROUNDS).digest()
    return tuple(np.frombuffer(digest, "<u8").astype(np.uint64))


def _mix(value_N: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter the bits of 64-bit numbers.

    Source:
        Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014 (SplitMix64).
    """
    value_N = value_N + _GOLDEN
    value_N = (value_N ^ (value_N >> np.uint64(30))) * _MIX_1
    value_N = (value_N ^ (value_N >> np.uint64(27))) * _MIX_2
    return value_N ^ (value_N >> np.uint64(31))
