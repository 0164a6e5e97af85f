"""Which test items also stand in the training text, so that answers may be known by heart.

An item counts as overlapping when half or more of the runs of eight words (eojeols) of one of its
texts occur somewhere in the training documents, chats, preference pairs or prompts. That finds
copied passages, not paraphrases; texts under eight words are too common to prove anything and are
left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hunmin.corpus.ngrams import comparable, ngram_hashes
from hunmin.corpus.tidy import tidy
from hunmin.manifest import Manifest
from hunmin.model.corpus_text import documents, shard_paths
from hunmin.progress import bar

RUN_WORDS = 8
SHARE = 0.5

_NOT_ASKED = frozenset({"id", "task", "split", "license", "guid", "sample_id", "doc"})
"""Fields of an item that are about it and not part of it."""

_BATCH_ROWS = 256


def measure_overlap(
    corpus: Path, tasks: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[str, float]:
    """Return, for each task, the share of its items that stand in a corpus' training text.

    Args:
        corpus: A finished corpus folder.
        tasks: The items of each task.
    """
    vocabulary: dict[str, int] = {}
    runs = {name: [_item_runs(item, vocabulary) for item in all_] for name, all_ in tasks.items()}
    parts = [part for items in runs.values() for item in items for part in item]
    known = np.unique(np.concatenate(parts)) if parts else np.empty(0, np.uint64)
    seen = np.zeros(len(known), dtype=bool)
    if len(known):
        facts = Manifest.read(corpus).facts
        sizes = (f"{kind}text_bytes" for kind in ("", "chat_", "preference_", "prompt_"))
        total = sum(facts.get(name, 0) for name in sizes)
        with bar("looking for items in the training text", total=total / 1e6, unit="MB") as shown:
            for text in _training_texts(corpus):
                _mark(seen, known, _known_runs(text, vocabulary))
                shown.advance(len(text.encode()) / 1e6)
    return {
        name: sum(_overlaps(item, known, seen) for item in items) / max(len(items), 1)
        for name, items in runs.items()
    }


def _training_texts(corpus: Path) -> Iterator[str]:
    for document in documents(shard_paths(corpus, "text")):
        yield document.text
    for path in sorted((corpus / "shards").glob("chat-*.parquet")):
        with pq.ParquetFile(path) as shard:
            for batch in shard.iter_batches(_BATCH_ROWS, columns=["messages"]):
                for messages in batch.column("messages").to_pylist():
                    yield "\n".join(turn["content"] for turn in messages)
    for kind, answers in (("preference", ["chosen", "rejected"]), ("prompt", ["answer"])):
        for path in sorted((corpus / "shards").glob(f"{kind}-*.parquet")):
            with pq.ParquetFile(path) as shard:
                for batch in shard.iter_batches(_BATCH_ROWS, columns=["prompt", *answers]):
                    for row in batch.to_pylist():
                        asked = [turn["content"] for turn in row["prompt"]]
                        yield "\n".join([*asked, *(row[name] for name in answers)])


def _item_runs(item: Mapping[str, Any], vocabulary: dict[str, int]) -> list[NDArray[np.uint64]]:
    """Return the runs of each text of an item that has any, numbering the words met."""
    asked = [value for name, value in item.items() if name not in _NOT_ASKED]
    found = []
    for text in _texts(asked):
        words = comparable(tidy(text)).split(" ")
        if len(words) >= RUN_WORDS:
            numbers = [vocabulary.setdefault(word, len(vocabulary) + 1) for word in words]
            found.append(np.unique(ngram_hashes(np.array(numbers, np.uint64), RUN_WORDS)))
    return found


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, (list, tuple)):
        return [text for part in value for text in _texts(part)]
    return []


def _known_runs(text: str, vocabulary: Mapping[str, int]) -> NDArray[np.uint64]:
    """Return the runs of a text all of whose words some item has; no other can match."""
    words = comparable(text).split(" ")
    numbers = np.fromiter(map(vocabulary.get, words, repeat(0)), np.uint64, len(words))
    count = np.concatenate(([0], np.cumsum(numbers > 0)))
    whole = count[RUN_WORDS:] - count[:-RUN_WORDS] == RUN_WORDS
    return ngram_hashes(numbers, RUN_WORDS)[whole] if whole.any() else np.empty(0, np.uint64)


def _mark(seen: NDArray[np.bool_], known: NDArray[np.uint64], runs: NDArray[np.uint64]) -> None:
    """Mark the known runs that are among `runs`."""
    places = np.minimum(np.searchsorted(known, runs), len(known) - 1)
    seen[places[known[places] == runs]] = True


def _overlaps(
    item: list[NDArray[np.uint64]], known: NDArray[np.uint64], seen: NDArray[np.bool_]
) -> bool:
    return any(seen[np.searchsorted(known, runs)].mean() >= SHARE for runs in item)
