"""Evaluation passages as n-grams, and whether a document holds one of them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hunmin.corpus.config import Limits
from hunmin.corpus.decode import decode
from hunmin.corpus.files import OpenFile, lines, plain_name
from hunmin.corpus.ngrams import comparable, ngram_hashes, word_hashes
from hunmin.corpus.partfile import whole_file
from hunmin.corpus.tidy import tidy


@dataclass(frozen=True)
class Passages:
    """N-grams of all evaluation passages, sorted, with the passage each belongs to."""

    size: int
    share: float
    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    owners: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    lengths: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """N-grams in each passage."""
    names: tuple[str, ...] = ()
    """Where each passage comes from."""
    words: tuple[str, ...] = ()
    """The words of all passages: what has no run of them holds no passage."""
    places: Mapping[str, int] = field(init=False, repr=False)
    """The words by their place among `words`, counted from 1."""
    word_hashes: NDArray[np.uint64] = field(init=False, repr=False)
    """Their hashes, behind one that stands for every other word."""

    def __post_init__(self) -> None:
        places = {word: place for place, word in enumerate(self.words, start=1)}
        object.__setattr__(self, "places", places)
        hashes = np.concatenate((np.zeros(1, np.uint64), word_hashes(list(self.words))))
        object.__setattr__(self, "word_hashes", hashes)

    @classmethod
    def none(cls) -> Self:
        """Return passages that nothing holds."""
        return cls(1, 1.0)

    def save(self, path: Path) -> None:
        """Write the passages to a file for other processes."""
        with whole_file(path) as partial, partial.open("wb") as stream:
            np.savez(
                stream,
                size=self.size,
                share=self.share,
                hashes=self.hashes,
                owners=self.owners,
                lengths=self.lengths,
                names=np.array(self.names, np.str_),
                words=np.array(" ".join(self.words)),
            )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return passages that `save` wrote."""
        with np.load(path) as saved:
            return cls(
                int(saved["size"]),
                float(saved["share"]),
                saved["hashes"],
                saved["owners"],
                saved["lengths"],
                tuple(saved["names"].tolist()),
                tuple(saved["words"].item().split()),
            )

    def hit(self, text: str) -> str | None:
        """Return the name of a passage that a comparable text holds, or None."""
        if not len(self.hashes):
            return None
        words = text.split(" ")
        places_N = np.fromiter(map(self.places.get, words, repeat(0)), np.int64, len(words))
        strange = np.concatenate(([0], (places_N == 0).cumsum()))
        familiar = strange[self.size :] == strange[: -self.size]
        if not familiar.any():
            return None
        grams = np.unique(ngram_hashes(self.word_hashes[places_N], self.size)[familiar])
        left = np.searchsorted(self.hashes, grams, "left")
        right = np.searchsorted(self.hashes, grams, "right")
        found = right > left
        if not found.any():
            return None
        owners = np.concatenate(
            [self.owners[a:b] for a, b in zip(left[found], right[found], strict=True)]
        )
        passages, counts = np.unique(owners, return_counts=True)
        covered = counts / self.lengths[passages]
        best = int(covered.argmax())
        return self.names[passages[best]] if covered[best] >= self.share else None


def read_passages(files: list[Path], *, size: int, share: float) -> Passages:
    """Collect the n-grams of every text field in JSON Lines files of evaluation items.

    A field shorter than one n-gram is too common to prove anything and is left out.

    Raises:
        SourceUnreadable, CompressionBomb: A file cannot be read whole; a passage that is passed
            over would be trained on.
    """
    owner_parts: list[NDArray[np.int64]] = []
    hash_parts: list[NDArray[np.uint64]] = []
    lengths: list[int] = []
    names: list[str] = []
    vocabulary: dict[str, None] = {}
    for path in files:
        for place, item in _items(path):
            for value in _texts(item):
                words = comparable(tidy(value)).split(" ")
                grams = np.unique(ngram_hashes(word_hashes(words), size))
                if len(grams):
                    vocabulary.update(dict.fromkeys(words))
                    owner_parts.append(np.full(len(grams), len(names), np.int64))
                    hash_parts.append(grams)
                    lengths.append(len(grams))
                    own = item.get("id") if isinstance(item, dict) else None
                    names.append(_sound(str(own or place)))
    if not names:
        return Passages(size, share)
    hashes = np.concatenate(hash_parts)
    order = np.argsort(hashes, kind="stable")
    return Passages(
        size,
        share,
        hashes[order],
        np.concatenate(owner_parts)[order],
        np.array(lengths, np.int64),
        tuple(names),
        tuple(vocabulary),
    )


def _items(path: Path) -> Iterator[tuple[str, object]]:
    """Yield the items of a file, each with the file's name and its line."""
    file = OpenFile(path, source="decontaminate", limits=Limits())
    if not _JSON_LINES.search(path.name.lower()):
        raise file.unreadable("evaluation sets are JSON Lines", "평가 자료는 JSON Lines여야 합니다")
    for number, line in enumerate(lines(file), start=1):
        if isinstance(line, bytes) and not line.strip():
            continue
        try:
            item = json.loads(decode(line)[0]) if isinstance(line, bytes) else None
        except (ValueError, RecursionError):
            item = None
        if item is None:
            raise file.unreadable(
                f"line {number} is not JSON", f"{number}번째 줄이 JSON이 아닙니다"
            )
        yield f"{plain_name(Path(path.name))}:{number}", item


_JSON_LINES = re.compile(r"\.(jsonl|ndjson|json)(\.gz|\.zst)?$")


def _sound(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [_sound(value)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    if isinstance(value, dict):
        return [text for part in value.values() for text in _texts(part)]
    return []
