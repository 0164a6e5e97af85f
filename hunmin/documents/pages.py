"""Collections to look things up in, and the passages that answers cite, to be read in place."""

from typing import Annotated, ClassVar

from fastapi import Path, Query

from hunmin import faces
from hunmin.accounts import VisitorAct
from hunmin.documents import collection_queries, queries
from hunmin.documents.views import CollectionView, PassageFound
from hunmin.manifest import SourceRecord

router = faces.PageRouter(tags=["documents"])

Id = Annotated[str, Path(pattern="^[0-9a-z]{26}$")]
Key = Annotated[str, Path(pattern="^[0-9a-f]{20}$")]
Place = Annotated[int, Path(ge=1, le=10_000_000)]

FOUND_MAX = 10
TITLES_MAX = 100
"""Documents that are named on the page of a collection; the others are found by searching."""


class CollectionsView(faces.View):
    """Every collection one may look things up in."""

    template: ClassVar[str] = "documents/collections.html"

    collections: list[CollectionView]


class CollectionSearchView(faces.View):
    """One collection: where it comes from, and what was found in it."""

    template: ClassVar[str] = "documents/collection.html"

    collection: CollectionView
    sources: list[SourceRecord]
    """What it was made from, with licenses and whom to name."""
    titles: list[tuple[str, str]]
    """Documents in it by name, and the key of the first passage of each."""
    question: str
    found: list[PassageFound]


class PassageView(faces.View):
    """One passage, where it stands."""

    template: ClassVar[str] = "documents/passage.html"
    no_store: ClassVar[bool] = True

    passage: PassageFound
    before: str | None
    """The address of the passage before it in its document; None where it is the first."""
    after: str | None


@router.get("/collections")
def show_collections(act: VisitorAct) -> CollectionsView:
    """Show the collections one may have questions looked up in."""
    return CollectionsView(collections=collection_queries.list_collections(act))


@router.get("/collections/{collection_id}")
def show_collection(
    act: VisitorAct, collection_id: Id, question: Annotated[str, Query(max_length=1_000)] = ""
) -> CollectionSearchView:
    """Show a collection, and the passages in it that fit a question."""
    return CollectionSearchView(
        collection=collection_queries.get_collection(act, collection_id),
        sources=collection_queries.sources_of(act, collection_id),
        titles=collection_queries.titles_of(act, collection_id, count=TITLES_MAX),
        question=question,
        found=collection_queries.search_collection(act, collection_id, question, count=FOUND_MAX),
    )


@router.get("/collections/{collection_id}/passages/{key}")
def show_passage(act: VisitorAct, collection_id: Id, key: Key) -> PassageView:
    """Show a passage of a collection, and lead to those around it."""
    passage = collection_queries.collection_passage(act, collection_id, key)
    here = f"/collections/{collection_id}/passages"
    before, after = (
        beside and f"{here}/{beside}"
        for beside in collection_queries.beside_passage(act, collection_id, key)
    )
    return PassageView(passage=passage, before=before, after=after)


@router.get("/files/{file_id}/passages/{place}")
def show_file_passage(act: VisitorAct, file_id: Id, place: Place) -> PassageView:
    """Show a passage of a file of one's own, and lead to those around it."""
    passage = queries.file_passage(act, file_id, place)
    last = queries.last_place(act, file_id)
    here = f"/files/{file_id}/passages"
    return PassageView(
        passage=passage,
        before=f"{here}/{place - 1}" if place > 1 else None,
        after=f"{here}/{place + 1}" if place < last else None,
    )
