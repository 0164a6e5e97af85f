"""The process that learns merges. `tokenizer_training` starts it and shows what it reports.

The trainer of `tokenizers` holds the interpreter for minutes, so in a process of its own it can
be stopped at once. It takes its task as JSON on stdin, reports progress as JSON lines on stderr,
and writes `tokenizer.json` to stdout; it touches no file, so an orphan can spoil nothing.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

from hunmin.model.corpus_text import Document, Readings, Sample, documents
from hunmin.model.morphemes import cut_at_morphemes
from hunmin.model.tokenizer import added_specials, blank_tokenizer

READING = "read"
"""The stage of a progress line while text is read; the others are the trainer's own."""

MERGING = "Compute merges"

_REPORT_BYTES = 1_000_000
_LONG_RUN = re.compile(r"\S{400}|\s{400}")
"""No word is longer. A run without end (base64, a drawn table) would only slow the trainer."""


def main() -> None:
    """Learn a vocabulary as stdin says."""
    task = json.loads(sys.stdin.read())
    tokenizer = blank_tokenizer()
    trainer = BpeTrainer(
        vocab_size=task["vocab_size"],
        min_frequency=task["min_frequency"],
        special_tokens=added_specials(),
        initial_alphabet=sorted(ByteLevel.alphabet()),
        progress_format="json",
    )
    sample = Sample(task["thresholds"], {}, {})
    shards = [Path(path) for path in task["shards"]]
    chosen = (document for document in documents(shards) if sample.takes(document))
    texts = _texts(chosen, Readings(task["readings"]))
    if task["morphemes"]:
        encoding_split = tokenizer.pre_tokenizer
        # Text comes in pieces already, and only its bytes are still to be spelled.
        tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=False)
        tokenizer.train_from_iterator(cut_at_morphemes(texts), trainer)
        tokenizer.pre_tokenizer = encoding_split
    else:
        tokenizer.train_from_iterator(texts, trainer)
    sys.stdout.write(tokenizer.to_str(pretty=True))


def _texts(chosen: Iterator[Document], readings: Readings) -> Iterator[str]:
    read = reported = 0
    for document in chosen:
        times = readings.of(document)
        for _ in range(times):
            yield from cut_long_runs(document.text)
        read += times * len(document.text.encode())
        if read - reported >= _REPORT_BYTES:
            reported = read
            print(json.dumps({"stage": READING, "current": read}), file=sys.stderr)  # noqa: T201


def cut_long_runs(text: str) -> Iterator[str]:
    """Yield the text in pieces, cut only inside runs of 400 characters without a word border."""
    start = 0
    for run in _LONG_RUN.finditer(text):
        yield text[start : run.end()]
        start = run.end()
    yield text[start:]


if __name__ == "__main__":
    main()
