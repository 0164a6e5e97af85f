"""Reading collections: those one may see, and what is found in them."""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from sqlalchemy import select

from hunmin import organizations
from hunmin.act import Act
from hunmin.documents import rules
from hunmin.documents.tables import CollectionRow
from hunmin.documents.views import CollectionView, PassageFound
from hunmin.errors import CollectionBroken, CollectionNotFound, HunminError, PassageNotFound
from hunmin.manifest import SourceRecord, manifest_sha256
from hunmin.retrieval import Collection as Shelf
from hunmin.retrieval import Found

NO_VECTORS: Mapping[str, Sequence[float]] = {}
"""Of a question of which words alone are compared."""


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
    act: Act,
    collection_id: str,
    question: str,
    *,
    count: int,
    vectors: Mapping[str, Sequence[float]] = NO_VECTORS,
) -> list[PassageFound]:
    """Return the passages of a collection that fit a question, the best first.

    Args:
        act: Who asks.
        collection_id: Where.
        question: What is asked.
        count: At most so many are returned.
        vectors: The question's vectors, by the model that made each.

    Raises:
        CollectionNotFound: There is none, or the actor may not see it.
        CollectionBroken: Its folder is damaged, or holds another collection by now.
    """
    row = collection_row(act, collection_id)
    shelf = shelf_of(row)
    vector = vectors.get(shelf.vector_model or "")
    found = shelf.search(question, count=count, vector=vector)
    return [found_view(row, each) for each in found]


def vector_models(act: Act, collection_ids: Collection[str]) -> frozenset[str]:
    """Return the models whose vectors passages of these collections have.

    Raises:
        CollectionNotFound: There is none, or the actor may not see it.
        CollectionBroken: A folder is damaged, or holds another collection by now.
    """
    shelves = (shelf_of(collection_row(act, collection_id)) for collection_id in collection_ids)
    return frozenset(shelf.vector_model for shelf in shelves if shelf.vector_model is not None)


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
