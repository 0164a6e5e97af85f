"""From a sources file to a collection: read, cut into passages, index, resumed where it stopped."""

from collections import Counter
from pathlib import Path
from typing import Any

from hunmin.corpus.config import Limits
from hunmin.corpus.planning import Plan, PlannedFile, make_plan
from hunmin.corpus.readers import Drop
from hunmin.corpus.sources import DATA_SUFFIXES
from hunmin.corpus.stage_read import ReadOptions, refusal
from hunmin.corpus.summing import source_record
from hunmin.errors import CollectionEmpty, SourcesFileBroken
from hunmin.indexing.documents import OFFICE_SUFFIXES, Reader, Text
from hunmin.indexing.embedding import Embedder, write_vectors
from hunmin.manifest import Manifest, SourceRecord
from hunmin.progress import Bar, bar
from hunmin.retrieval import cut
from hunmin.retrieval.collection import DATABASE_NAME, Document
from hunmin.retrieval.passages import PASSAGE_CHARACTERS, title_of
from hunmin.retrieval.terms import TERMS_VERSION
from hunmin.retrieval.vectors import VECTORS_NAME
from hunmin.retrieval.writing import CollectionWriter
from hunmin.steps import open_step

_MB = 1e6
_COMMIT_ROWS = 100


def index(
    sources: Path, out: Path, *, rights: Path | None = None, embedder: Embedder | None = None
) -> Manifest:
    """Make a collection of the documents that a sources file names.

    Killed at any moment and called again, it goes on where it was.

    Args:
        sources: The sources file, in TOML. Folders are searched for PDF, HWP, HWPX, DOCX and CSV
            files besides what a corpus is made from.
        out: The folder to make.
        rights: JSON Lines of licenses allowed and ids withdrawn.
        embedder: Who makes vectors of the passages; None leaves the collection without any.

    Raises:
        SourcesFileBroken, LicenseMissing, LicenseRefused, SourceMissing: Before any work.
        SourceUnreadable, CompressionBomb: A data file is damaged or hostile. A file of an office
            program that cannot be read is left out, and said.
        CollectionEmpty: No document is left.
        ServerUnreachable: The server gives no vectors; what it gave is kept for the next time.
    """
    plan = make_plan(sources, rights, suffixes=DATA_SUFFIXES + OFFICE_SUFFIXES)
    for source in plan.file.source:
        if source.kind != "text":
            reason = f'source "{source.name}" is of kind "{source.kind}", not "text"'
            raise SourcesFileBroken(path=sources, reason=reason)
    recipe: dict[str, Any] = {
        "sources": plan.file.model_dump(mode="json"),
        "passage_characters": PASSAGE_CHARACTERS,
        "terms_version": TERMS_VERSION,
        "sha256": plan.hashes,
    }
    if embedder is not None:
        recipe["vectors"] = embedder.model
    with open_step(out, kind="collection", name=out.name, recipe=recipe) as step:
        if step.finished is not None:
            return step.finished
        with CollectionWriter(step.folder / DATABASE_NAME) as writer:
            _write(plan, writer)
            drops, passages = writer.drops(), writer.passage_count()
            if not passages:
                raise CollectionEmpty(dropped=sum(drops.values()))
            records = _source_records(plan, writer)
            vectors = _vectors(step.folder / VECTORS_NAME, writer, embedder)
            writer.finish()
        return step.finish(
            facts={
                "documents": sum(record.documents for record in records),
                "passages": passages,
                "text_bytes": sum(record.text_bytes for record in records),
                "dropped": drops,
                "terms_version": TERMS_VERSION,
                **vectors,
            },
            sources=records,
        )


def _write(plan: Plan, writer: CollectionWriter) -> None:
    """Write what is not written yet."""
    total = sum(file.size_bytes for file in plan.files) / _MB
    with bar("index", total=total, unit="MB") as shown:
        for number, file in enumerate(plan.files):
            _write_file(plan, number, file, writer, shown)


def _write_file(
    plan: Plan, number: int, file: PlannedFile, writer: CollectionWriter, shown: Bar
) -> None:
    """Write one file, or what of it is not written yet."""
    options = ReadOptions(
        limits=Limits(),
        also_allowed=frozenset(plan.file.licenses.allow) | plan.rights.licenses,
        withdrawn=plan.rights.withdrawn,
    )
    verdicts: dict[str, bool] = {}
    reader = Reader(file, options.limits)
    done, whole = writer.done(number)
    if whole:
        shown.advance(file.size_bytes / _MB)
        return
    rows = position = 0
    for row in reader:
        rows += 1
        if rows <= done:
            continue
        drop = row if isinstance(row, Drop) else None
        if isinstance(row, Text):
            drop = refusal(row.document, file.source.name, options, verdicts)
        if drop is not None:
            writer.drop(file.source.name, drop.id, drop.reason, drop.detail)
            if reader.is_office_file:
                shown.say(f"{drop.id}: {drop.detail}")
        elif isinstance(row, Text):
            _add(file, row, writer)
        if rows % _COMMIT_ROWS == 0:
            writer.commit(number, rows)
            shown.advance((reader.position() - position) / _MB)
            position = reader.position()
    writer.commit(number, rows, whole=True)
    shown.advance((file.size_bytes - position) / _MB)


def _add(file: PlannedFile, text: Text, writer: CollectionWriter) -> None:
    """Add a document, cut into passages."""
    row = text.document
    title = text.title or title_of(row.text, row.id)
    document = Document(file.source.name, row.id, title, row.license, row.consent)
    writer.add(document, cut(title, text.pages or [(0, row.text)]))


def _vectors(path: Path, writer: CollectionWriter, embedder: Embedder | None) -> dict[str, object]:
    """Have vectors made where somebody is asked for them; return the facts about them."""
    if embedder is None:
        return {}
    total = writer.passage_count()
    size = write_vectors(path, writer.texts, total=total, embedder=embedder)
    return {"vectors": {"model": embedder.model, "dimensions": size}}


def _source_records(plan: Plan, writer: CollectionWriter) -> list[SourceRecord]:
    """Return one record for each source, in the order of the sources file."""
    licenses: dict[str, Counter[str]] = {}
    text_bytes: Counter[str] = Counter()
    for source, license_id, documents, size in writer.counts():
        licenses.setdefault(source, Counter())[license_id] += documents
        text_bytes[source] += size
    return [
        source_record(
            source,
            licenses=licenses.get(source.name, Counter()),
            text_bytes=text_bytes[source.name],
            sha256=plan.hashes.get(source.name, ""),
        )
        for source in plan.file.source
    ]
