"""Which of several upstreams a request goes to. Pure.

An engine remembers the prompts it has seen, so a conversation is best answered where it was
answered before. Each request has a key; the same key prefers the same upstream, whoever else is
there, until that one has more than its share of what is being written. Then the one with the least
to do takes it.

Source:
    Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2016: no upstream
    has more than 1.25 times the mean. In place of a ring, each key orders the upstreams by a hash
    of both (Thaler and Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996).
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from hunmin.plugins import Generation

LOAD_FACTOR = 1.25
KEY_CHARACTERS = 1_024
"""How much of a prompt's beginning tells one conversation from another."""


@dataclass(frozen=True, slots=True)
class Place:
    """An upstream that can take a request."""

    name: str
    load: int
    """Answers it writes for us."""
    pressure: float = 0.0
    """What it says of itself, to choose among those with the same load."""


def key_of(generation: Generation) -> bytes:
    """Return what is the same for all requests that an engine may have seen the beginning of.

    Of a conversation that is everything up to its first question, so that its later turns, which
    begin with the same words, have the same key.
    """
    parts = [generation.tenant, generation.model]
    for message in generation.messages:
        parts.append(message.content[:KEY_CHARACTERS])
        if message.role == "user":
            break
    parts.append((generation.prompt or "")[:KEY_CHARACTERS])
    parts.append(",".join(map(str, generation.prompt_ids[:KEY_CHARACTERS])))
    parts.append(str(generation.embed[:1])[:KEY_CHARACTERS])
    return hashlib.blake2b(
        "\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16
    ).digest()


def choose(places: Sequence[Place], key: bytes) -> Place:
    """Return the upstream for a key, among at least one."""
    preferred = max(places, key=lambda place: _weight(place, key))
    mean = (sum(place.load for place in places) + 1) / len(places)
    if preferred.load + 1 <= math.ceil(LOAD_FACTOR * mean):
        return preferred
    return min(places, key=lambda place: (place.load, place.pressure, _weight(place, key)))


def _weight(place: Place, key: bytes) -> bytes:
    return hashlib.blake2b(place.name.encode(), key=key, digest_size=8).digest()
