"""The order of the data: which sample comes at which step. Pure: no state, no files.

Order is a permutation of the sample numbers for every epoch, computed one number at a time from
(seed, epoch, position). Nothing is shuffled and nothing is stored, so a run can be continued from
a step number alone, and "which samples did step N see?" has an exact answer for ever.
"""

import hashlib
from functools import lru_cache

_ROUNDS = 6


def samples_of_step(
    step: int, *, seed: int, samples: int, samples_per_step: int
) -> list[tuple[int, int]]:
    """Return the `(epoch, sample)` pairs of one step, counted from step 0.

    Args:
        step: The step, from 0.
        seed: The run's seed.
        samples: Samples in an epoch, at least 1.
        samples_per_step: Samples a step takes.
    """
    first = step * samples_per_step
    return [
        (epoch, sample_at(position, seed=seed, epoch=epoch, samples=samples))
        for epoch, position in (
            divmod(index, samples) for index in range(first, first + samples_per_step)
        )
    ]


def sample_at(position: int, *, seed: int, epoch: int, samples: int) -> int:
    """Return the sample at `position` of an epoch: a bijection on `range(samples)`.

    A Feistel network over the next even power of two, walked until it lands inside.

    Source:
        Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002, section 4 (cycle walking).
    """
    assert 0 <= position < samples
    half_bits = max(1, ((samples - 1).bit_length() + 1) // 2)
    mask = (1 << half_bits) - 1
    keys = _round_keys(seed, epoch)
    value = position
    while True:
        left, right = value >> half_bits, value & mask
        for key in keys:
            left, right = right, left ^ (_mix(right ^ key) & mask)
        value = (left << half_bits) | right
        if value < samples:
            return value


@lru_cache(maxsize=16)
def _round_keys(seed: int, epoch: int) -> tuple[int, ...]:
    digest = hashlib.blake2b(f"{seed}/{epoch}".encode(), digest_size=8 * _ROUNDS).digest()
    return tuple(int.from_bytes(digest[8 * i : 8 * i + 8], "little") for i in range(_ROUNDS))


def _mix(value: int) -> int:
    """Scatter the bits of a 64-bit number.

    Source:
        Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014 (SplitMix64).
    """
    value = (value + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return value ^ (value >> 31)
