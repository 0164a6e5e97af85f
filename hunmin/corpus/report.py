"""What became of the text: a corpus folder described as plain data, and that as tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from hunmin.corpus.licenses import License
from hunmin.manifest import Manifest

_MB = 1e6


def describe(folder: Path) -> dict[str, Any]:
    """Return the counts of a corpus by source, license and reason for dropping.

    Raises:
        ManifestMissing, ManifestBroken, WrongInput: It is not a finished corpus.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415 (slow to load)

    manifest = Manifest.read(folder, kind="corpus")
    dropped = pq.read_table(folder / "dropped.parquet", columns=["source", "reason"])
    counts = dropped.group_by(["source", "reason"]).aggregate([([], "count_all")]).to_pylist()
    by_source: dict[str, dict[str, int]] = {}
    for row in sorted(counts, key=lambda row: (-row["count_all"], row["reason"])):
        by_source.setdefault(row["source"], {})[row["reason"]] = row["count_all"]
    licenses: dict[str, int] = {}
    for source in manifest.sources:
        for license_id, count in source.licenses.items():
            licenses[license_id] = licenses.get(license_id, 0) + count
    return {
        "name": manifest.name,
        "facts": manifest.facts,
        "sources": [
            {
                "name": source.name,
                "license": source.license,
                "documents": source.documents,
                "text_bytes": source.text_bytes,
                "dropped": by_source.get(source.name, {}),
                "origin": source.origin,
                "attribution": source.attribution,
            }
            for source in manifest.sources
        ],
        "licenses": dict(sorted(licenses.items(), key=lambda pair: -pair[1])),
    }


def tables(description: dict[str, Any]) -> str:
    """Return a description as text for the terminal."""
    facts = description["facts"]
    sources = [
        (
            source["name"],
            f"{source['documents']:,}",
            f"{source['text_bytes'] / _MB:,.1f}",
            f"{sum(source['dropped'].values()):,}",
            _short(source["license"]),
        )
        for source in description["sources"]
    ]
    licenses = [(name, f"{count:,}") for name, count in description["licenses"].items()]
    dropped = [
        (reason, f"{count:,}", _where(reason, description))
        for reason, count in sorted(facts["dropped"].items(), key=lambda pair: -pair[1])
    ]
    parts = [
        _headline(facts),
        _table(("SOURCE", "DOCUMENTS", "MB", "DROPPED", "LICENSE"), sources, right={1, 2, 3}),
        _table(("LICENSE", "DOCUMENTS"), licenses, right={1}),
    ]
    if dropped:
        parts.append(_table(("DROPPED FOR", "DOCUMENTS", "MOSTLY FROM"), dropped, right={1}))
    for title, found in (("MASKED", facts["masked"]), ("REPAIRED", facts["repaired"])):
        if found:
            rows = [(kind, f"{count:,}") for kind, count in found.items()]
            parts.append(_table((title, "COUNT"), rows, right={1}))
    return "\n\n".join(parts)


def summary(manifest: Manifest) -> str:
    """Return one line about a finished corpus."""
    return f"{manifest.name}: {_headline(manifest.facts)}"


def license_table(licenses: Sequence[License]) -> str:
    """Return the list of licenses as text for the terminal."""
    rows = [
        (
            entry.id,
            "allowed" if entry.allowed else "refused",
            ", ".join(entry.conditions) or "-",
            f"{entry.en} / {entry.ko}",
        )
        for entry in licenses
    ]
    return _table(("LICENSE", "BY DEFAULT", "ASKS FOR", "NAME"), rows, right=set())


def _headline(facts: dict[str, Any]) -> str:
    asked = ""
    for kind, said in (("preferences", "preference pairs"), ("prompts", "prompts")):
        heldout = facts.get(f"heldout_{kind}", 0)
        if facts.get(kind) or heldout:
            asked += f"{facts[kind]:,} {said} ({heldout:,} more held out), "
    return (
        f"{facts['documents']:,} documents ({facts['text_bytes'] / _MB:,.1f} MB), "
        f"{facts['heldout_documents']:,} held out ({facts['heldout_text_bytes'] / _MB:,.1f} MB), "
        f"{facts['chats']:,} chats ({facts['chat_text_bytes'] / _MB:,.1f} MB), "
        f"{asked}{sum(facts['dropped'].values()):,} of {facts['rows_read']:,} rows dropped"
    )


def _where(reason: str, description: dict[str, Any]) -> str:
    counts = [
        (source["dropped"].get(reason, 0), source["name"]) for source in description["sources"]
    ]
    top = sorted((pair for pair in counts if pair[0]), key=lambda pair: -pair[0])[:3]
    return ", ".join(f"{name} {count:,}" for count, name in top)


def _short(text: str, cells: int = 48) -> str:
    return text if len(text) <= cells else text[: cells - 1] + "…"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, right: set[int]) -> str:
    widths = [max(cell_len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = []
    for row in [head, *rows]:
        cells = []
        for i, cell in enumerate(row):
            pad = " " * (widths[i] - cell_len(cell))
            cells.append(pad + cell if i in right else cell + pad)
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
