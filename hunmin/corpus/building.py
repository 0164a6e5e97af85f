"""From a sources file to a corpus: the stages in their order, resumed where they stopped."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from hunmin.corpus.config import CorpusConfig, Runner
from hunmin.corpus.contamination import read_passages
from hunmin.corpus.engine import open_daft
from hunmin.corpus.rights import Rights, read_rights
from hunmin.corpus.sources import Source, SourcesFile, find_files, read_sources
from hunmin.corpus.stage_clean import clean_group
from hunmin.corpus.stage_dedup import Duplicates, find_duplicates
from hunmin.corpus.stage_read import DROPS, Unit, read_unit
from hunmin.corpus.stage_shards import Group, Written, write_shards
from hunmin.errors import NothingLeft
from hunmin.manifest import Manifest, SourceRecord, file_sha256
from hunmin.progress import bar
from hunmin.steps import Step, open_step

_GROUP_TEXT_CHARS = 128 * 2**20
_MB = 1e6


@dataclass
class _Plan:
    """What is to be done, decided before any document is read."""

    file: SourcesFile
    units: list[Unit]
    eval_files: list[Path]
    rights: Rights
    hashes: dict[str, str]
    """SHA-256 of every source, and of evaluation sets and rights."""


def build(
    sources: Path,
    out: Path,
    *,
    config: CorpusConfig | None = None,
    runner: Runner = "local",
    rights: Path | None = None,
) -> Manifest:
    """Build a corpus from the sources a file names.

    Killed at any moment and called again, it goes on where it was; the result is the same bytes
    on any machine, with any number of threads and with either runner.

    Args:
        sources: The sources file, in TOML.
        out: The folder to make.
        config: How to build; the default is for Korean.
        runner: `local` for this machine, `ray` for a Ray cluster that shares its file system.
        rights: JSON Lines of licenses allowed and ids withdrawn.

    Raises:
        SourcesFileBroken, LicenseMissing, LicenseRefused, SourceMissing: Before any work.
        SourceUnreadable, CompressionBomb: A file is damaged or hostile.
        NothingLeft: Every document was dropped.
        RunnerMissing: Ray was asked for and is not installed.
    """
    config = config or CorpusConfig()
    plan = _plan(sources, rights)
    recipe = {
        "sources": plan.file.model_dump(mode="json"),
        "config": config.model_dump(mode="json"),
        "sha256": plan.hashes,
    }
    with open_step(out, kind="corpus", name=out.name, recipe=recipe) as step:
        if step.finished is not None:
            return step.finished
        return _build(step, plan, config, runner)


def _plan(path: Path, rights_path: Path | None) -> _Plan:
    file = read_sources(path)
    base = path.absolute().parent
    units: list[Unit] = []
    hashes: dict[str, str] = {}
    known: dict[Path, str] = {}

    def sha256(files: Iterable[Path]) -> str:
        listed = list(files)
        for each in listed:
            known.setdefault(each, file_sha256(each))
        if len(listed) == 1:
            return known[listed[0]]
        lines = "".join(f"{known[each]}  {each.name}\n" for each in listed)
        return hashlib.sha256(lines.encode()).hexdigest()

    for source in file.source:
        if source.path is None:
            units.append(Unit(len(units), source, None, None, 0))
            continue
        files = find_files(base, source.name, source.path)
        root = base / source.path
        for each in files:
            parent = root if root.is_dir() else None
            units.append(Unit(len(units), source, each, parent, each.stat().st_size))
        hashes[source.name] = sha256(files)
    eval_files = [
        each
        for pattern in file.decontaminate.paths
        for each in find_files(base, "decontaminate", pattern)
    ]
    if eval_files:
        hashes["[decontaminate]"] = sha256(eval_files)
    if rights_path is not None:
        hashes["[rights]"] = file_sha256(rights_path)
    return _Plan(file, units, eval_files, read_rights(rights_path), hashes)


def _build(step: Step, plan: _Plan, config: CorpusConfig, runner: Runner) -> Manifest:
    scratch = step.scratch
    also = frozenset(plan.file.licenses.allow) | plan.rights.licenses
    counts: list[dict[str, Any]] = []
    total = sum(unit.size_bytes for unit in plan.units) / _MB
    with bar("reading", total=total, unit="MB") as shown:
        for unit in plan.units:
            shown.note = unit.source.name
            counts.append(
                read_unit(
                    unit,
                    scratch / "read" / unit.folder_name,
                    limits=config.limits,
                    also_allowed=also,
                    withdrawn=plan.rights.withdrawn,
                    advance=lambda size: shown.advance(size / _MB),
                )
            )
    groups = _clean(step, plan, counts, config, runner)
    if not groups:
        raise NothingLeft(reasons=_drop_counts(_read_drops(plan, scratch)))
    daft = open_daft(runner)
    turns = config.near_duplicates.bands + 2
    with bar("finding duplicates", total=turns, unit="turns") as shown:
        duplicates = find_duplicates(
            daft,
            [group.folder for group in groups],
            [group.folder for group in groups if group.source.kind == "text"],
            config.near_duplicates,
            advance=shown.advance,
        )
    with bar("writing shards", unit="documents"):
        shutil.rmtree(scratch / "spool", ignore_errors=True)
        gone = np.unique(
            np.concatenate([p[0] for p in (duplicates.same_id, duplicates.same_words, duplicates.near)])
        )
        shutil.rmtree(step.folder / "shards", ignore_errors=True)
        written = write_shards(
            groups, gone, step.folder / "shards", scratch / "spool", config=config
        )
    drops = _all_drops(plan, scratch, groups, duplicates, written)
    reasons = _drop_counts(drops)
    if not written.documents:
        raise NothingLeft(reasons=reasons)
    pq.write_table(drops.drop_columns(["n"]), step.folder / "dropped.parquet", compression="zstd")
    return step.finish(
        facts=_facts(plan, counts, groups, duplicates, written, reasons),
        sources=_records(plan, written),
    )


def _clean(
    step: Step, plan: _Plan, counts: list[dict[str, Any]], config: CorpusConfig, runner: Runner
) -> list[Group]:
    passages = read_passages(
        plan.eval_files,
        size=plan.file.decontaminate.ngram_eojeols,
        share=plan.file.decontaminate.share,
    )
    groups: list[tuple[Group, list[Path], int]] = []
    for unit, count in zip(plan.units, counts, strict=True):
        for index, chars in enumerate(count["parts"]):
            path = step.scratch / "read" / unit.folder_name / f"part-{index:05}.parquet"
            last = groups[-1] if groups else None
            if last and last[0].source is unit.source and last[2] + chars <= _GROUP_TEXT_CHARS:
                groups[-1] = (last[0], [*last[1], path], last[2] + chars)
            else:
                folder = step.scratch / "clean" / f"{len(groups):06}"
                groups.append((Group(folder, unit.source), [path], chars))
    daft = open_daft(runner)
    total = sum(chars for _, _, chars in groups) / _MB
    with bar("cleaning", total=total, unit="M characters") as shown:
        for group, parts, chars in groups:
            shown.note = group.source.name
            clean_group(
                daft, parts, group.folder, source=group.source, config=config, passages=passages
            )
            shown.advance(chars / _MB)
    return [group for group, _, _ in groups]


def _read_drops(plan: _Plan, scratch: Path) -> pa.Table:
    files = [
        path
        for unit in plan.units
        for path in sorted((scratch / "read" / unit.folder_name).glob("drops-*.parquet"))
    ]
    return pa.concat_tables([DROPS.empty_table(), *(pq.read_table(path) for path in files)])


def _all_drops(
    plan: _Plan,
    scratch: Path,
    groups: list[Group],
    duplicates: Duplicates,
    written: Written,
) -> pa.Table:
    """Return every dropped document in order of its number, with reason and detail."""
    repeats: dict[int, tuple[str, int]] = {}
    for reason, pairs in (
        ("near_duplicate", duplicates.near),
        ("exact_duplicate", duplicates.same_words),
        ("duplicate_id", duplicates.same_id),
    ):
        repeats.update(
            (n, (reason, first)) for n, first in zip(*(p.tolist() for p in pairs), strict=True)
        )
    not_drawn = set(written.not_drawn)
    wanted = {first for _, first in repeats.values()}
    names: dict[int, str] = {}
    rows: list[tuple[int, str, str, str, str]] = []
    pending: list[tuple[int, str, str, str, int]] = []
    for group in groups:
        source = group.source.name
        data = ds.dataset(group.folder)
        for batch in data.to_batches(columns=["n", "id", "reason", "detail"]):
            for n, doc_id, reason, detail in zip(
                *(batch[name].to_pylist() for name in ("n", "id", "reason", "detail")), strict=True
            ):
                if n in wanted:
                    names[n] = doc_id
                if reason is not None:
                    rows.append((n, doc_id, source, reason, detail))
                elif n in repeats:
                    pending.append((n, doc_id, source, *repeats[n]))
                elif n in not_drawn:
                    rows.append((n, doc_id, source, "not_drawn", f"weight {group.source.weight}"))
    rows += [(n, i, s, reason, f"repeats {names[first]}") for n, i, s, reason, first in pending]
    columns = list(zip(*rows, strict=True)) or [()] * len(DROPS)
    arrays = [pa.array(column, f.type) for column, f in zip(columns, DROPS, strict=True)]
    table = pa.concat_tables(
        [_read_drops(plan, scratch), pa.Table.from_arrays(arrays, schema=DROPS)]
    )
    return table.sort_by("n").combine_chunks()


def _drop_counts(drops: pa.Table) -> dict[str, int]:
    return dict(sorted(Counter(drops["reason"].to_pylist()).items()))


def _facts(
    plan: _Plan,
    counts: list[dict[str, Any]],
    groups: list[Group],
    duplicates: Duplicates,
    written: Written,
    reasons: dict[str, int],
) -> dict[str, Any]:
    masked: Counter[str] = Counter()
    for group in groups:
        for batch in ds.dataset(group.folder).to_batches(
            columns=["masked"], filter=ds.field("masked").is_valid()
        ):
            for found in batch["masked"].to_pylist():
                masked.update(json.loads(found))
    repaired: Counter[str] = Counter()
    for count in counts:
        repaired.update(count["repaired"])
    source_of = [unit.source.name for unit in plan.units]
    near = list(zip(*(pair.tolist() for pair in duplicates.near), strict=True))
    return {
        "rows_read": sum(count["rows"] for count in counts),
        "documents": written.rows["text"],
        "text_bytes": written.bytes["text"],
        "heldout_documents": written.rows["heldout"],
        "heldout_text_bytes": written.bytes["heldout"],
        "chats": written.rows["chat"],
        "chat_text_bytes": written.bytes["chat"],
        "dropped": reasons,
        "clusters": len({first for _, first in near}),
        "clusters_across_sources": len(
            {first for n, first in near if source_of[n >> 36] != source_of[first >> 36]}
        ),
        "masked": dict(sorted(masked.items())),
        "repaired": dict(sorted(repaired.items())),
    }


def _records(plan: _Plan, written: Written) -> list[SourceRecord]:
    return [_record(source, plan.hashes.get(source.name, ""), written) for source in plan.file.source]


def _record(source: Source, sha256: str, written: Written) -> SourceRecord:
    licenses = dict(sorted(written.licenses.get(source.name, {}).items()))
    return SourceRecord(
        name=source.name,
        license=source.license or " AND ".join(sorted(licenses)) or "-",
        origin=source.origin or source.dataset or source.path or "",
        attribution=source.attribution,
        documents=written.documents.get(source.name, 0),
        text_bytes=written.text_bytes.get(source.name, 0),
        licenses=licenses,
        sha256=sha256,
    )
