"""`dropped.parquet`: every document that is not in the corpus, with its reason."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hunmin.corpus.partfile import DROPS
from hunmin.corpus.stage_dedup import EXACT, NEAR, SAME_ID, Repeats

_REPEATS = frozenset({EXACT, NEAR, SAME_ID})
_ROW_GROUP_ROWS = 16_384
_SHOWN = pa.schema([field for field in DROPS if field.name != "n"])


def write_drops(
    out: Path,
    read_drops: Iterable[Path],
    run_drops: Iterable[Path],
    *,
    repeats: Repeats,
    parts: Sequence[Path],
) -> dict[str, int]:
    """Write all drops to one file, those of reading first, and return them counted by reason.

    Args:
        out: The file to make.
        read_drops: Drops of the first stage, in order.
        run_drops: Drops of the later stages, in order.
        repeats: What repeats what.
        parts: Cleaned parts, where the ids of what is repeated stand.
    """
    names = _ids(np.unique(repeats.first), parts)
    reasons: Counter[str] = Counter()
    waiting = _SHOWN.empty_table()
    with pq.ParquetWriter(out, _SHOWN, compression="zstd") as writer:
        for path in (*read_drops, *run_drops):
            table = pq.read_table(path)
            reason = table["reason"].to_pylist()
            reasons.update(reason)
            detail = [
                f"repeats {names[int(text)]}" if why in _REPEATS else text
                for why, text in zip(reason, table["detail"].to_pylist(), strict=True)
            ]
            columns = [table["id"], table["source"], table["reason"], pa.array(detail, pa.string())]
            waiting = pa.concat_tables([waiting, pa.table(columns, schema=_SHOWN)])
            # Row groups of one size, however the work was divided, so that bytes are the same.
            while waiting.num_rows >= _ROW_GROUP_ROWS:
                writer.write_table(waiting.slice(0, _ROW_GROUP_ROWS).combine_chunks())
                waiting = waiting.slice(_ROW_GROUP_ROWS)
        writer.write_table(waiting.combine_chunks())
    return dict(sorted(reasons.items()))


def _ids(wanted: NDArray[np.int64], parts: Sequence[Path]) -> dict[int, str]:
    names: dict[int, str] = {}
    if not len(wanted):
        return names
    for part in parts:
        table = pq.read_table(part, columns=["n", "id"])
        kept = table.filter(pa.array(np.isin(table["n"].to_numpy(), wanted)))
        names.update(zip(kept["n"].to_pylist(), kept["id"].to_pylist(), strict=True))
    return names
