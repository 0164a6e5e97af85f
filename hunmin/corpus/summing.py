"""What a build adds up to: the facts and source records of its manifest."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hunmin.corpus.partfile import UNIT_BITS
from hunmin.corpus.planning import Plan
from hunmin.corpus.sources import Source
from hunmin.corpus.stage_dedup import NEAR, Repeats
from hunmin.corpus.stage_read import ReadCounts, ReadUnit
from hunmin.corpus.stage_shards import RunCounts
from hunmin.manifest import SourceRecord


def cluster_facts(units: Sequence[ReadUnit], repeats: Repeats) -> dict[str, int]:
    """Return how many clusters of near-duplicates there are, and how many reach across sources."""
    near = repeats.reason == NEAR
    firsts: set[int] = set()
    across: set[int] = set()
    for n, first in zip(repeats.n[near].tolist(), repeats.first[near].tolist(), strict=True):
        firsts.add(first)
        if units[n >> UNIT_BITS].source.name != units[first >> UNIT_BITS].source.name:
            across.add(first)
    return {"clusters": len(firsts), "clusters_across_sources": len(across)}


def masked(parts: Sequence[Path], repeats: Repeats) -> dict[str, int]:
    """Return how much personal data was masked in the documents that are kept, by kind."""
    counts: Counter[str] = Counter()
    for path in parts:
        table = pq.read_table(path, columns=["n", "copies", "masked"])
        kept = ~np.isin(table["n"].to_numpy(), repeats.n) & (table["copies"].to_numpy() > 0)
        for found in table["masked"].filter(pa.array(kept)).drop_null().to_pylist():
            counts.update(json.loads(found))
    return dict(sorted(counts.items()))


def repaired(read: Sequence[ReadCounts]) -> dict[str, int]:
    """Return how many documents had to be decoded otherwise than as UTF-8, by kind."""
    counts: Counter[str] = Counter()
    for each in read:
        counts.update(each.repaired)
    return dict(sorted(counts.items()))


def records(
    plan: Plan,
    units: Sequence[ReadUnit],
    read: Sequence[ReadCounts],
    counts: Sequence[RunCounts],
) -> list[SourceRecord]:
    """Return one record for each source, in the order of the sources file."""
    hashes = plan.hashes | {
        unit.source.name: each.sha256 for unit, each in zip(units, read, strict=True) if each.sha256
    }
    made: list[SourceRecord] = []
    for source in plan.file.source:
        licenses: Counter[str] = Counter()
        text_bytes = 0
        for count in counts:
            for license_id, documents, size in count.sources.get(source.name, []):
                licenses[license_id] += documents
                text_bytes += size
        sha256 = hashes.get(source.name, "")
        made.append(source_record(source, licenses=licenses, text_bytes=text_bytes, sha256=sha256))
    return made


def source_record(
    source: Source, *, licenses: Counter[str], text_bytes: int, sha256: str
) -> SourceRecord:
    """Return the record of a source.

    Args:
        source: As the sources file has it.
        licenses: How many of its documents are in the output, by license.
        text_bytes: UTF-8 bytes of their text.
        sha256: Over its files.
    """
    return SourceRecord(
        name=source.name,
        license=source.license or _all_of(sorted(licenses)),
        origin=source.origin or source.dataset or source.path or "",
        attribution=source.attribution,
        documents=licenses.total(),
        text_bytes=text_bytes,
        licenses=dict(sorted(licenses.items())),
        sha256=sha256,
    )


def _all_of(licenses: Sequence[str]) -> str:
    """Return the expression that says all of these licenses apply."""
    return " AND ".join(f"({each})" if " OR " in each else each for each in licenses) or "-"
