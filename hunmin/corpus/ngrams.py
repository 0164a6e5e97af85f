"""Runs of eojeols as 64-bit hashes, the same in every process and on every machine. Pure."""

import hashlib
import re

import numpy as np
from numpy.typing import NDArray

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_WORD = re.compile(r"[^\W_]+")


def comparable(text: str) -> str:
    """Return a text's words alone, lower case, one space apart: the form that is compared."""
    return " ".join(_WORD.findall(text.lower()))


def word_ids(words: list[str]) -> NDArray[np.uint64]:
    """Number the words of one text in order of appearance. Good within that text only."""
    numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
    return np.fromiter(map(numbers.__getitem__, words), np.uint64, len(words))


def word_hashes(words: list[str]) -> NDArray[np.uint64]:
    """Return a 64-bit hash of every word, comparable between texts."""
    distinct = {word: word.encode("utf-8", "surrogatepass") for word in dict.fromkeys(words)}
    digests = b"".join(hashlib.blake2b(raw, digest_size=8).digest() for raw in distinct.values())
    hashes = np.frombuffer(digests, "<u8").astype(np.uint64)
    return hashes[word_ids(words)]


def ngram_hashes(words_N: NDArray[np.uint64], size: int) -> NDArray[np.uint64]:
    """Return a hash of every run of `size` words.

    Args:
        words_N: Numbers or hashes of the words, shape `(N,)`.
        size: Words in a run.

    Returns:
        Shape `(N - size + 1,)`, empty where the text is shorter than one run.
    """
    count = len(words_N) - size + 1
    if count <= 0:
        return np.empty(0, np.uint64)
    mixed = mix(words_N)
    total = np.zeros(count, np.uint64)
    for offset in range(size):
        total = total * _MULTIPLIER + mixed[offset : offset + count]
    return mix(total)


def rows_hashes(values_NK: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return one hash for each row of a matrix, shape `(N,)`."""
    mixed = mix(values_NK)
    total = np.zeros(len(mixed), np.uint64)
    for column in range(mixed.shape[1]):
        total = total * _MULTIPLIER + mixed[:, column]
    return mix(total)


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread the bits of every value (the finalizer of SplitMix64)."""
    values = values + _MULTIPLIER
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def stable_hash(*parts: str) -> int:
    """Return 63 bits that depend on the parts alone; what is drawn and shuffled by."""
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
