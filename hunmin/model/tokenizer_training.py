"""Learning a vocabulary from a corpus: a lab step, `(corpus, out) -> Manifest`.

The same corpus and recipe give the same bytes on any machine: the sample, and what of it is read
twice, is chosen by document id, pieces are counted, and ties between merges go to the lower ids, so
neither the order of the shards nor the number of threads can be seen in the result. A smaller
vocabulary from the same text is the beginning of a larger one.
"""

import contextlib
import hashlib
import json
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from hunmin.errors import (
    SourceBalanceWrong,
    TokenizerTrainingFailed,
    VocabularySizeWrong,
    VocabularyTooLarge,
)
from hunmin.manifest import Manifest
from hunmin.model.corpus_text import (
    Readings,
    Sample,
    balanced_readings,
    choose_sample,
    shard_paths,
)
from hunmin.model.morphemes import kiwi_version
from hunmin.model.special_tokens import SPECIAL_TOKENS
from hunmin.model.tokenizer import (
    BYTE_COUNT,
    SPLIT_EXPRESSION,
    VOCAB_SIZE_MULTIPLE,
    smallest_vocab_size,
    write_tokenizer_files,
)
from hunmin.model.tokenizer_child import MERGING, READING
from hunmin.progress import bar
from hunmin.steps import open_step

BYTES_PER_SOURCE_MAX = 200_000_000
MIN_FREQUENCY = 2


def train_tokenizer(
    corpus: Path,
    out: Path,
    *,
    vocab_size: int,
    min_frequency: int = MIN_FREQUENCY,
    bytes_per_source_max: int = BYTES_PER_SOURCE_MAX,
    balance: float = 0.0,
    morphemes: bool = False,
) -> Manifest:
    """Learn a byte-level BPE vocabulary from the training text of a corpus.

    Args:
        corpus: A finished corpus folder.
        out: The tokenizer folder to be.
        vocab_size: Tokens in all, the 256 special ones and 256 bytes included; a multiple of 128.
        min_frequency: How often a pair must occur to become a token.
        bytes_per_source_max: How much text of each source is read at most; documents are drawn
            by lot from a larger one.
        balance: How far small sources are brought to the weight of the largest, by reading them
            more than once: 0 not at all, 1 wholly; between, a source weighs as its size to the
            power of `1 - balance`.
        morphemes: Whether merges are learned inside the morphemes that Kiwi finds. Encoding is
            the same as ever. The same bytes come out again with the same Kiwi.

    Raises:
        VocabularySizeWrong: The size is too small or not a multiple of 128.
        SourceBalanceWrong: The balance is not between 0 and 1.
        ExtraMissing: Morphemes are asked for, and Kiwi is not installed.
        VocabularyTooLarge: The text has too few repeated pieces for it.
        CorpusEmpty: The corpus has no training text.
        ShardBroken: A shard cannot be read.
        TokenizerTrainingFailed: Memory ran out, or the process was killed.
    """
    if vocab_size % VOCAB_SIZE_MULTIPLE or vocab_size < smallest_vocab_size():
        raise VocabularySizeWrong(
            vocab_size=vocab_size, smallest=smallest_vocab_size(), multiple=VOCAB_SIZE_MULTIPLE
        )
    if not 0 <= balance <= 1:
        raise SourceBalanceWrong(balance=balance)
    Manifest.read(corpus, kind="corpus")
    recipe = {
        "vocab_size": vocab_size,
        "min_frequency": min_frequency,
        "bytes_per_source_max": bytes_per_source_max,
        "balance": balance,
        "split_expression": SPLIT_EXPRESSION,
        "special_tokens_sha256": hashlib.sha256("\n".join(SPECIAL_TOKENS).encode()).hexdigest(),
    }
    if morphemes:
        recipe["kiwi"] = kiwi_version()
    with open_step(
        out, kind="tokenizer", name=out.name, recipe=recipe, inputs={"corpus": corpus}
    ) as step:
        if step.finished is not None:
            return step.finished
        sample = choose_sample(corpus, bytes_per_source_max=bytes_per_source_max)
        readings = balanced_readings(sample.text_bytes, balance=balance)
        tokenizer_json = _learn(
            corpus,
            sample,
            readings,
            vocab_size=vocab_size,
            min_frequency=min_frequency,
            morphemes=morphemes,
        )
        size = Tokenizer.from_buffer(tokenizer_json).get_vocab_size()
        if size < vocab_size:
            largest = size - size % VOCAB_SIZE_MULTIPLE
            raise VocabularyTooLarge(vocab_size=vocab_size, largest=largest)
        write_tokenizer_files(step.folder, tokenizer_json)
        return step.finish(
            facts={
                "vocab_size": size,
                "special_tokens": len(SPECIAL_TOKENS),
                "sample_documents": sample.documents,
                "sample_text_bytes": sample.text_bytes,
                "source_readings": readings.times,
            }
        )


def _learn(
    corpus: Path,
    sample: Sample,
    readings: Readings,
    *,
    vocab_size: int,
    min_frequency: int,
    morphemes: bool,
) -> bytes:
    """Run the child process, show its progress, and return `tokenizer.json`."""
    task = {
        "shards": [str(path) for path in shard_paths(corpus, "text")],
        "thresholds": sample.thresholds,
        "readings": readings.times,
        "vocab_size": vocab_size,
        "min_frequency": min_frequency,
        "morphemes": morphemes,
    }
    with tempfile.TemporaryFile() as result:
        child = subprocess.Popen(
            [sys.executable, "-m", "hunmin.model.tokenizer_child"],
            stdin=subprocess.PIPE,
            stdout=result,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        try:
            assert child.stdin is not None
            assert child.stderr is not None
            with contextlib.suppress(BrokenPipeError):  # its exit status tells more
                child.stdin.write(json.dumps(task))
                child.stdin.close()
            last_words = _show(
                child.stderr,
                total_bytes=readings.text_bytes(sample.text_bytes),
                total_merges=vocab_size - len(SPECIAL_TOKENS) - BYTE_COUNT,
            )
            status = child.wait()
        finally:
            child.kill()
            child.wait()
            child.stderr.close()
        if status:
            reason = f"signal {-status}" if status < 0 else last_words or f"exit status {status}"
            raise TokenizerTrainingFailed(reason=reason)
        result.seek(0)
        return result.read()


def _show(lines: Iterable[str], *, total_bytes: float, total_merges: int) -> str:
    """Show progress until the child falls silent; return its last line that was no report."""
    others: deque[str] = deque(maxlen=1)
    reports = _reports(lines, others)
    with bar("Reading text", total=total_bytes / 1e6, unit="MB") as shown:
        for report in reports:
            if report["stage"] != READING:
                shown.advance(total_bytes / 1e6 - shown.done)
                break
            shown.advance(report["current"] / 1e6 - shown.done)
    with bar("Learning merges", total=total_merges, unit="tokens") as shown:
        for report in reports:
            if report["stage"] == MERGING:
                shown.advance(report["current"] - shown.done, note="")
            else:
                shown.advance(0, note=report["stage"].lower())
    return "".join(others)


def _reports(lines: Iterable[str], others: deque[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            report = json.loads(line)
            if "stage" in report:
                yield report
        except ValueError:
            if line.strip():
                others.append(line.strip())
