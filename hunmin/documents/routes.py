"""The JSON of files and collections, under `/chat/api`. Thin: parse, call, answer."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Path, UploadFile
from starlette.requests import Request

from hunmin import accounts, faces
from hunmin.accounts import VisitorAct, VisitorActor
from hunmin.act import Act, Actor
from hunmin.documents import actions, collection_queries, queries, rules, store
from hunmin.documents.views import CollectionList, FileView
from hunmin.errors import FileTooLarge
from hunmin.settings import Settings

FILES_PATH = "/chat/api/files"

FORM_BYTES = 64 * 1024
"""What a form says around a file, at most."""

router = APIRouter(tags=["documents"], responses=faces.PROBLEM_RESPONSES)

Id = Annotated[str, Path(pattern="^[0-9a-z]{26}$")]


@router.post(FILES_PATH, status_code=201)
async def bring_file(request: Request, actor: VisitorActor, file: UploadFile) -> FileView:
    """Bring a file: PDF, HWP, HWPX, DOCX, text or CSV. It is read within moments.

    Ask for it again until its state is `read` or `failed`. A file that no question was asked
    about is deleted after a day; what was read is kept as text, and the file itself is not.
    """
    settings: Settings = request.app.state.settings
    documents = settings.documents
    content = await file.read()
    if len(content) > documents.file_bytes_max:
        raise FileTooLarge(measure="bytes", limit=documents.file_bytes_max)
    name, visitor = file.filename or "", _Visitor(request, actor)
    guest = actor.kind == "guest"
    return await asyncio.to_thread(
        store.bring,
        visitor.open_act,
        store.open_store(settings),
        name=name,
        content=content,
        files_max=rules.FILES_PER_GUEST_MAX if guest else rules.FILES_PER_PERSON_MAX,
    )


@router.get(FILES_PATH + "/{file_id}")
def get_file(act: VisitorAct, file_id: Id) -> FileView:
    """Return what became of a file of one's own."""
    return queries.get_file(act, file_id)


@router.delete(FILES_PATH + "/{file_id}", status_code=204)
def delete_file(act: VisitorAct, file_id: Id) -> None:
    """Delete a file of one's own with every word of it, for good."""
    actions.delete_file(act, file_id)


@router.get("/chat/api/collections")
def list_collections(act: VisitorAct) -> CollectionList:
    """List the collections one may have questions looked up in."""
    return CollectionList(collections=collection_queries.list_collections(act))


class _Visitor:
    """Opens several acts of one visitor, who is a guest from the first one on."""

    def __init__(self, request: Request, actor: Actor) -> None:
        self._request = request
        self._actor = actor

    @contextmanager
    def open_act(self) -> Iterator[Act]:
        with accounts.welcome(self._request, self._actor) as act:
            self._actor = act.actor
            yield act
