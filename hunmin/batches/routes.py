"""Files and batches over HTTP, as OpenAI's API has them. Thin: parse, call, answer."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Path, Query, UploadFile
from starlette.requests import Request
from starlette.responses import StreamingResponse

from hunmin import accounts
from hunmin.act import Act, Actor, open_act
from hunmin.batches import actions, holding, queries, rules, store
from hunmin.batches.store import Bytes
from hunmin.batches.wire import (
    BatchList,
    BatchObject,
    FileDeleted,
    FileList,
    FileObject,
    NewBatch,
)
from hunmin.blobs import CHUNK_BYTES
from hunmin.db import new_id
from hunmin.errors import FileTooLarge, ScopeNeeded, UnknownParameter
from hunmin.gateway import WHOLE_ENDPOINTS
from hunmin.settings import Settings

FILES_PATH = "/v1/files"

FORM_BYTES_MAX = rules.FILE_BYTES_MAX + 64 * 1024
"""The longest form: a file, and what is said around it."""

NAME_CHARACTERS_MAX = 255

REFUSED: dict[int | str, dict[str, Any]] = {
    kind: {"description": description, "content": {"application/json": {"schema": {}}}}
    for kind, description in {
        "4XX": "Refused, in OpenAI's error envelope.",
        "5XX": "Not able to answer now, in OpenAI's error envelope.",
    }.items()
}

router = APIRouter(tags=["OpenAI API"], responses=REFUSED)

FilesActor = Annotated[Actor, Depends(accounts.key_actor("files"))]
FilesAct = Annotated[Act, Depends(accounts.key_act("files"), scope="function")]
Id = Annotated[str, Path(pattern="^[0-9a-z]{26}$")]
After = Annotated[str | None, Query(pattern="^[0-9a-z]{26}$")]
Limit = Annotated[int, Query(ge=1, le=100)]


@router.post(FILES_PATH, operation_id="createFile")
async def create_file(
    request: Request,
    actor: FilesActor,
    file: UploadFile,
    purpose: Annotated[Literal["batch"], Form()],
) -> FileObject:
    """Bring a file of requests, one JSON object a line. It is kept until it is deleted, or old."""
    del purpose  # there is one
    for name in await request.form():
        if name not in {"file", "purpose"}:
            raise UnknownParameter(param=name[:64])
    with closing(Bytes(new_id())) as content:
        while piece := await file.read(CHUNK_BYTES):
            content.write(piece)
            if content.size_bytes > rules.FILE_BYTES_MAX:
                raise FileTooLarge(measure="bytes", limit=rules.FILE_BYTES_MAX)
        return await asyncio.to_thread(_keep, request, actor, content, _tidy(file.filename))


@router.get(FILES_PATH, operation_id="listFiles")
def list_files(
    act: FilesAct,
    purpose: Literal["batch", "batch_output"] | None = None,
    after: After = None,
    limit: Limit = 20,
    order: Literal["desc"] | None = None,
) -> FileList:
    """List the files of the key's project, the newest first; another order is refused."""
    del order  # there is one
    found, more = queries.list_files(act, purpose=purpose, after=after, limit=limit)
    return FileList(data=found, first_id=_first(found), last_id=_last(found), has_more=more)


@router.get(FILES_PATH + "/{file_id}", operation_id="retrieveFile")
def retrieve_file(act: FilesAct, file_id: Id) -> FileObject:
    """Return a file."""
    return queries.show_file(queries.file_row(act, file_id))


@router.get(
    FILES_PATH + "/{file_id}/content",
    operation_id="downloadFile",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string"}}}}},
)
def download_file(request: Request, act: FilesAct, file_id: Id) -> StreamingResponse:
    """Return what is in a file."""
    row = queries.file_row(act, file_id)
    blobs = store.open_store(request.app.state.settings)
    pieces = store.read(blobs, file_id=row.id, sha256=row.blob_sha256)
    return StreamingResponse(
        pieces,
        media_type="application/octet-stream",
        headers={"Cache-Control": "no-store", "Content-Length": str(row.size_bytes)},
    )


@router.delete(FILES_PATH + "/{file_id}", operation_id="deleteFile")
def delete_file(request: Request, actor: FilesActor, file_id: Id) -> FileDeleted:
    """Delete a file with every word of it, for good."""
    with _act(request, actor) as act:
        sha256 = actions.delete_file(act, file_id)
    store.open_store(request.app.state.settings).delete(sha256)
    return FileDeleted(id=file_id)


@router.post("/v1/batches", operation_id="createBatch")
def create_batch(act: FilesAct, body: NewBatch) -> BatchObject:
    """Have every line of a file answered within a day, after whoever waits for an answer.

    The key must be one that may ask models, and works until the batch has ended.
    """
    rules.check_endpoint(body.endpoint, WHOLE_ENDPOINTS)
    if "inference" not in act.actor.scopes:
        raise ScopeNeeded(scope="inference")
    return actions.create_batch(
        act,
        input_file_id=body.input_file_id,
        endpoint=body.endpoint,
        metadata=body.metadata,
    )


@router.get("/v1/batches", operation_id="listBatches")
def list_batches(act: FilesAct, after: After = None, limit: Limit = 20) -> BatchList:
    """List the batches of the key's project, the newest first."""
    found, more = queries.list_batches(act, after=after, limit=limit)
    return BatchList(data=found, first_id=_first(found), last_id=_last(found), has_more=more)


@router.get("/v1/batches/{batch_id}", operation_id="retrieveBatch")
def retrieve_batch(act: FilesAct, batch_id: Id) -> BatchObject:
    """Return a batch: how far it is, and its files when it has ended."""
    return queries.show_batch(queries.batch_row(act, batch_id))


@router.post("/v1/batches/{batch_id}/cancel", operation_id="cancelBatch")
def cancel_batch(act: FilesAct, batch_id: Id) -> BatchObject:
    """Begin no more lines of a batch; what is answered is kept, in its file."""
    return actions.cancel_batch(act, batch_id)


def _keep(request: Request, actor: Actor, content: Bytes, name: str) -> FileObject:
    """Keep a file: noted first, so that a crash leaves no bytes that nobody knows of."""
    settings: Settings = request.app.state.settings
    with _act(request, actor) as act:
        actions.bring_file(act, content.brought(name))
    try:
        content.put(store.open_store(settings))
    except BaseException:
        with _act(request, actor) as act:
            actions.forget_file(act, content.file_id)
        raise
    with _act(request, actor) as act:
        holding.have_file(act, content.file_id)
        row = queries.file_row(act, content.file_id)
        return queries.show_file(row)


@contextmanager
def _act(request: Request, actor: Actor) -> Iterator[Act]:
    request_id: str | None = getattr(request.state, "request_id", None)
    with open_act(request.app.state.database, actor, request_id=request_id) as act:
        yield act


def _tidy(name: str | None) -> str:
    """Return the name of a file as it can be kept and shown."""
    return "".join(one for one in name or "" if one.isprintable())[:NAME_CHARACTERS_MAX] or "file"


def _first(found: Sequence[FileObject | BatchObject]) -> str | None:
    return found[0].id if found else None


def _last(found: Sequence[FileObject | BatchObject]) -> str | None:
    return found[-1].id if found else None
