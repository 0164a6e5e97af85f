"""The text tokenizers are compared on: the staged Korean kinds as a corpus, and English lines.

Part of `tokenizer_table.py`. The text is taken as it is staged and only brought to NFC: nothing is
cleaned, and near-duplicates stay, so that the numbers do not depend on the cleaning of a day. Two
in a hundred documents of each kind, by a hash of the id, are held out.
"""

import io
import json
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from hunmin.manifest import SourceRecord, file_sha256
from hunmin.model.corpus_text import documents, rank, shard_paths
from hunmin.model.script import paragraphs, script_of
from hunmin.progress import bar
from hunmin.steps import open_step

HELDOUT_SHARE = 0.02
_SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "text", "source", "license")])
_SHARD_DOCUMENTS = 5_000


class Text(NamedTuple):
    """Held-out text of one kind."""

    kind: str
    paragraphs: list[str]
    staged_bytes: int
    """How much there is of the whole kind, held out or not: its weight where size counts."""


def staged_corpus(staged: Path, out: Path) -> Path:
    """Make a corpus of every document under `pretrain/` of the Korean data folder."""
    files = sorted((staged / "pretrain").glob("*.jsonl.zst"))
    if not files:
        raise SystemExit(f"No *.jsonl.zst in {staged / 'pretrain'}.")
    recipe = {"heldout_share": HELDOUT_SHARE, "files": {f.name: file_sha256(f) for f in files}}
    with open_step(out, kind="corpus", name="staged", recipe=recipe) as step:
        if step.finished is not None:
            return out
        rows: dict[str, list[dict[str, str]]] = {"text": [], "heldout": []}
        shards: Counter[str] = Counter()
        counts: Counter[str] = Counter()
        sizes: Counter[str] = Counter()
        for document in _staged(files):
            kind = document["source"]
            part = "heldout" if rank(document["id"]) < HELDOUT_SHARE * 2**64 else "text"
            counts[kind] += 1
            sizes[kind] += len(document["text"].encode())
            rows[part].append(document)
            if len(rows[part]) == _SHARD_DOCUMENTS:
                _write(step.folder, part, shards, rows)
        for part in rows:
            _write(step.folder, part, shards, rows)
        sources = [
            SourceRecord(name=kind, license="see-text", documents=n, text_bytes=sizes[kind])
            for kind, n in sorted(counts.items())
        ]
        step.finish(facts={"documents": counts.total(), "text_bytes": dict(sizes)}, sources=sources)
    return out


def korean_texts(corpus: Path, *, kind_bytes_max: int, staged_bytes: dict[str, int]) -> list[Text]:
    """Return the Korean paragraphs held out of each kind, some megabytes at most."""
    found: dict[str, list[str]] = defaultdict(list)
    read: Counter[str] = Counter()
    for document in documents(shard_paths(corpus, "heldout")):
        if read[document.source] < kind_bytes_max:
            korean = [text for text in paragraphs(document.text) if script_of(text) == "korean"]
            found[document.source] += korean
            read[document.source] += sum(len(text.encode()) for text in korean)
    return [Text(kind, texts, staged_bytes[kind]) for kind, texts in sorted(found.items())]


def english_texts(staged: Path) -> list[Text]:
    """Return the English sides of the two translation tests; nobody of us learned from them."""
    texts = []
    for path in sorted((staged / "eval").glob("*_enko.*.jsonl")):
        lines = [json.loads(line)["en"] for line in path.read_text("utf-8").splitlines()]
        size = sum(len(line.encode()) for line in lines)
        texts.append(Text(path.name.split(".")[0].removesuffix("_enko"), lines, size))
    return texts


def _staged(files: list[Path]) -> Iterator[dict[str, str]]:
    with bar("Reading text", total=sum(f.stat().st_size for f in files) / 1e6, unit="MB") as shown:
        for path in files:
            with path.open("rb") as stream:
                reader = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(stream)
                for line in io.TextIOWrapper(reader, "utf-8"):
                    row = json.loads(line)
                    row["text"] = unicodedata.normalize("NFC", row["text"])
                    row["id"] = f"{row['source']}:{row['id']}"
                    yield {name: row[name] for name in _SCHEMA.names}
            shown.advance(path.stat().st_size / 1e6)


def _write(
    folder: Path, part: str, shards: Counter[str], rows: dict[str, list[dict[str, str]]]
) -> None:
    path = folder / "shards" / f"{part}-{shards[part]:05}.parquet"
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows[part], schema=_SCHEMA), path)
    shards[part] += 1
    rows[part].clear()
