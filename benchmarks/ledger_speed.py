"""How long the ledger takes: an id of the order, a document's steps, a step's documents.

    python benchmarks/ledger_speed.py [--documents N] [--json FILE]

No peer has a ledger to measure beside. The order is measured beside what others do instead: a
permutation of all sample numbers, shuffled and kept in memory.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from hunmin.ledger import DocumentsTable, Ledger, Order, places_of_text
from hunmin.manifest import LedgerRecord

SAMPLE_TOKENS = 2_048
SAMPLES_PER_STEP = 512
EPOCHS = 2.5
REPEATS = 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--json", type=Path, help="Write the results here, too.")
    arguments = parser.parse_args()
    results = {"machine": platform.machine(), "order": order_speed(10_000_000), "ledgers": []}
    for documents in arguments.documents:
        results["ledgers"].append(ledger_speed(documents))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


def order_speed(samples: int) -> dict[str, float]:
    order = Order(1446, samples, 1 << 16)
    ours = timed(lambda: [order.of_step(step) for step in range(16)]) / (16 << 16)
    back = timed(lambda: order.indexes_of(np.arange(1 << 20), epoch=1)) / (1 << 20)
    shuffled = timed(lambda: np.random.default_rng(0).permutation(samples), repeats=3) / samples
    print(f"order of {samples:,} samples: {ours * 1e9:.0f} ns an id, {back * 1e9:.0f} ns back;")
    print(f"  a shuffled array: {shuffled * 1e9:.0f} ns an id, {samples * 8 >> 20} MiB")
    return {"id_ns": ours * 1e9, "back_ns": back * 1e9, "shuffled_id_ns": shuffled * 1e9}


def ledger_speed(documents: int) -> dict[str, float]:
    ledger, seconds = written(documents)
    names = [f"wiki:{number}" for number in range(0, documents, documents // 100)]
    found = {
        "documents": documents,
        "steps": ledger.steps,
        "write_seconds": seconds,
        "document_ms": timed(lambda: ledger.find(names[:1])) * 1e3,
        "hundred_documents_ms": timed(lambda: ledger.find(names)) * 1e3,
        "step_ms": timed(lambda: ledger.of_step(7)) * 1e3,
        "all_seen_ms": timed(ledger.seen) * 1e3,
    }
    print(f"{documents:,} documents, {ledger.steps:,} steps (written in {seconds:.1f} s):")
    print(f"  a document's steps  {found['document_ms']:8.2f} ms")
    print(f"  a hundred's         {found['hundred_documents_ms']:8.2f} ms")
    print(f"  a step's documents  {found['step_ms']:8.2f} ms")
    print(f"  all that was seen   {found['all_seen_ms']:8.2f} ms")
    return found


def written(documents: int) -> tuple[Ledger, float]:
    """Return the ledger of a run over so many documents, and the seconds its table took."""
    lengths_D = np.random.default_rng(0).lognormal(6, 1.2, documents).astype(np.int64) + 1
    samples = int(lengths_D.sum() - 1) // SAMPLE_TOKENS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "documents.parquet"
        begun = time.perf_counter()
        table = DocumentsTable()
        for start in range(0, documents, 256):
            ids = [f"wiki:{n}" for n in range(start, min(start + 256, documents))]
            rights = {"id": ids, "source": ["wiki"] * len(ids), "license": ["MIT"] * len(ids)}
            table.add(pa.RecordBatch.from_pydict(rights))
        first_D, samples_D = places_of_text(lengths_D, sample_tokens=SAMPLE_TOKENS, samples=samples)
        sha256 = table.write(path, first_samples_D=first_D, samples_D=samples_D)
        seconds = time.perf_counter() - begun
        record = LedgerRecord(
            sha256=sha256,
            seed=1446,
            samples=samples,
            samples_per_step=min(SAMPLES_PER_STEP, samples),
            steps=max(1, int(EPOCHS * samples / SAMPLES_PER_STEP)),
        )
        return Ledger.read("benchmark", record, path), seconds


def timed(work: Callable[[], object], *, repeats: int = REPEATS) -> float:
    """Return the median seconds of a piece of work, after one run that does not count."""
    work()
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
