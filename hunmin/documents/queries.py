"""Reading files and collections: one's own files, and the collections one may see."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path

from sqlalchemy import ColumnElement, func, select

from hunmin import organizations
from hunmin.act import Act
from hunmin.documents import rules
from hunmin.documents.tables import CollectionRow, FileRow, PassageRow
from hunmin.documents.views import CollectionView, FileFault, FileView, PassageFound
from hunmin.errors import (
    CollectionBroken,
    CollectionNotFound,
    FileNotFound,
    HunminError,
    PassageNotFound,
)
from hunmin.manifest import SourceRecord, manifest_sha256
from hunmin.retrieval import Collection as Shelf
from hunmin.retrieval import Found


def own(act: Act) -> ColumnElement[bool]:
    """Narrow a query to the actor's own files; a stranger without an account owns nothing."""
    return FileRow.owner_id == (act.actor.user_id or "")


def file_row(act: Act, file_id: str) -> FileRow:
    """Return the actor's own file, or raise `FileNotFound`."""
    row = act.session.scalar(select(FileRow).where(FileRow.id == file_id, own(act)))
    if row is None:
        raise FileNotFound
    return row


def get_file(act: Act, file_id: str) -> FileView:
    """Return one file.

    Raises:
        FileNotFound: There is none, or it is another's.
    """
    return file_view(act, file_row(act, file_id))


def file_view(act: Act, row: FileRow) -> FileView:
    """Return a file as its owner sees it."""
    error = row.error and FileFault(code=row.error["code"], message=row.error[act.language])
    return FileView(
        id=row.id,
        name=row.name,
        state=row.state,
        size_bytes=row.size_bytes,
        kind=row.kind,
        pages=row.pages,
        characters=row.characters,
        error=error,
        made_at=row.made_at,
    )


def count_files(act: Act) -> int:
    """Return how many files the actor has."""
    return act.session.scalar(select(func.count()).select_from(FileRow).where(own(act))) or 0


def names_of_files(act: Act, file_ids: Collection[str]) -> dict[str, str]:
    """Return what files of the actor are called, by id; of others nothing."""
    named = select(FileRow.id, FileRow.name).where(FileRow.id.in_(file_ids), own(act))
    return {row.id: row.name for row in act.session.execute(named)}


def files_there(act: Act, file_ids: Collection[str]) -> frozenset[str]:
    """Return which files have not been deleted, whoever owns them by now; nothing else of them."""
    return frozenset(act.session.scalars(select(FileRow.id).where(FileRow.id.in_(file_ids))))


def file_to_read(act: Act, file_id: str) -> tuple[str, str] | None:
    """Return name and blob of a file that waits to be read, for the job; None where none does."""
    row = act.session.get(FileRow, file_id)
    if row is None or row.state != "waiting" or row.blob_sha256 is None:
        return None
    return row.name, row.blob_sha256


def names_blob(act: Act, sha256: str) -> bool:
    """Return whether any file's bytes are that blob; the house's own question."""
    return act.session.scalar(select(FileRow.id).where(FileRow.blob_sha256 == sha256)) is not None


def passages_of(act: Act, file_id: str) -> Sequence[PassageRow]:
    """Return the passages of a file of the actor, in their order."""
    rows = (
        select(PassageRow)
        .join(FileRow, FileRow.id == PassageRow.file_id)
        .where(PassageRow.file_id == file_id, own(act))
        .order_by(PassageRow.place)
    )
    return act.session.scalars(rows).all()


def file_passage(act: Act, file_id: str, place: int) -> PassageFound:
    """Return a passage of a file.

    Raises:
        FileNotFound: The file is not the actor's.
        PassageNotFound: It has no such passage.
    """
    file = file_row(act, file_id)
    row = act.session.get(PassageRow, (file.id, place))
    if row is None:
        raise PassageNotFound
    return passage_view(file, row)


def last_place(act: Act, file_id: str) -> int:
    """Return how many passages a file of the actor has."""
    places = select(func.max(PassageRow.place)).join(FileRow, FileRow.id == PassageRow.file_id)
    return act.session.scalar(places.where(FileRow.id == file_id, own(act))) or 0


def passage_view(file: FileRow, row: PassageRow) -> PassageFound:
    """Return a passage of a file as its owner sees it."""
    return PassageFound(
        collection_id=None,
        file_id=file.id,
        key=str(row.place),
        source=file.name,
        citation=row.citation,
        heading=row.heading,
        page=row.page,
        text=row.text,
    )


def list_collections(act: Act) -> list[CollectionView]:
    """Return the collections the actor may look things up in, by name."""
    rows = act.session.scalars(select(CollectionRow).order_by(CollectionRow.name)).all()
    needed = any(row.seen_by == "organization" for row in rows)
    mine = _organizations(act) if needed else frozenset()
    return [collection_view(row) for row in rows if _sees(act, row, mine)]


def public_collections(act: Act) -> frozenset[str]:
    """Return the ids of the collections that everyone may see."""
    public = select(CollectionRow.id).where(CollectionRow.seen_by == "everyone")
    return frozenset(act.session.scalars(public))


def collection_row(act: Act, collection_id: str) -> CollectionRow:
    """Return a collection the actor may see, or raise `CollectionNotFound`."""
    row = act.session.get(CollectionRow, collection_id)
    if row is not None:
        mine = _organizations(act) if row.seen_by == "organization" else frozenset()
        if _sees(act, row, mine):
            return row
    raise CollectionNotFound


def get_collection(act: Act, collection_id: str) -> CollectionView:
    """Return one collection.

    Raises:
        CollectionNotFound: There is none, or the actor may not see it.
    """
    return collection_view(collection_row(act, collection_id))


def sources_of(act: Act, collection_id: str) -> list[SourceRecord]:
    """Return what a collection was made from.

    Raises:
        CollectionNotFound: There is none, or the actor may not see it.
        CollectionBroken: Its folder is damaged, or holds another collection by now.
    """
    return list(shelf_of(collection_row(act, collection_id)).manifest.sources)


def find_collection(act: Act, name: str) -> CollectionView | None:
    """Return the collection of that name that the actor may see, or None."""
    return next((one for one in list_collections(act) if one.name == name), None)


def collection_view(row: CollectionRow) -> CollectionView:
    """Return a collection as a reader sees it."""
    return CollectionView(
        id=row.id,
        name=row.name,
        seen_by=row.seen_by,
        documents=row.documents,
        passages=row.passages,
        published_at=row.published_at,
    )


def search_collection(
    act: Act, collection_id: str, question: str, *, count: int
) -> list[PassageFound]:
    """Return the passages of a collection that fit a question, the best first.

    Raises:
        CollectionNotFound: There is none, or the actor may not see it.
        CollectionBroken: Its folder is damaged, or holds another collection by now.
    """
    row = collection_row(act, collection_id)
    found = shelf_of(row).search(question, count=count)
    return [found_view(row, each) for each in found]


def collection_passage(act: Act, collection_id: str, key: str) -> PassageFound:
    """Return a passage of a collection.

    Raises:
        CollectionNotFound: There is none, or the actor may not see it.
        CollectionBroken: Its folder is damaged, or holds another collection by now.
        PassageNotFound: It has no such passage.
    """
    row = collection_row(act, collection_id)
    found = shelf_of(row).passage(key)
    if found is None:
        raise PassageNotFound
    return found_view(row, found)


def beside_passage(act: Act, collection_id: str, key: str) -> tuple[str | None, str | None]:
    """Return the keys of the passages before and after one of a collection, in its document.

    Raises:
        CollectionNotFound: There is none, or the actor may not see it.
        CollectionBroken: Its folder is damaged, or holds another collection by now.
    """
    return shelf_of(collection_row(act, collection_id)).beside(key)


def titles_of(act: Act, collection_id: str, *, count: int) -> list[tuple[str, str]]:
    """Return what documents of a collection are called, each with its first passage's key.

    Raises:
        CollectionNotFound: There is none, or the actor may not see it.
        CollectionBroken: Its folder is damaged, or holds another collection by now.
    """
    return shelf_of(collection_row(act, collection_id)).titles(count=count)


def example_of(act: Act, collection_id: str) -> str:
    """Return how an article of a collection is cited that somebody may ask about.

    Returns:
        Nothing where it has no articles, where it cannot be read, and where the actor may not see
        it: an example is never worth a failure.
    """
    try:
        return shelf_of(collection_row(act, collection_id)).example
    except HunminError:
        return ""


def found_view(row: CollectionRow, found: Found) -> PassageFound:
    """Return a passage of a collection as a reader sees it."""
    return PassageFound(
        collection_id=row.id,
        file_id=None,
        key=found.key,
        source=row.name,
        citation=found.passage.citation,
        heading=found.passage.heading,
        page=found.passage.page,
        text=found.passage.text,
        license=found.document.license,
        cited=found.cited,
    )


def shelf_of(row: CollectionRow) -> Shelf:
    """Return the opened folder of a collection, or raise `CollectionBroken`."""
    folder = Path(row.folder)
    if manifest_sha256(folder) != row.manifest_sha256:
        raise CollectionBroken(folder=folder, reason="another one was published")
    return _opened(folder, row.manifest_sha256)


@lru_cache(maxsize=64)
def _opened(folder: Path, _manifest_sha256: str) -> Shelf:
    """Open a folder, once for each collection that was ever in it."""
    return Shelf(folder)


def _organizations(act: Act) -> frozenset[str]:
    if act.actor.kind == "guest" or act.actor.user_id is None:
        return frozenset()
    return frozenset(one.id for one in organizations.list_organizations(act))


def _sees(act: Act, row: CollectionRow, mine: frozenset[str]) -> bool:
    return rules.sees(
        act.actor,
        seen_by=row.seen_by,
        organization_id=row.organization_id,
        organizations=mine,
    )
