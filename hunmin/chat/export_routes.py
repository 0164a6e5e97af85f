"""Taking conversations away, under `/chat/api`. Thin: record, read, send.

The event is written first and in a short act of its own, so nobody who writes waits for what is
read and sent afterwards.
"""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response
from starlette.requests import Request

from hunmin import faces
from hunmin.accounts import VisitorActor
from hunmin.chat import exports, history, queries
from hunmin.chat.exports import MEDIA_TYPES, Form
from hunmin.chat.history_zip import history_zip
from hunmin.chat.streams import TimedStream, answers_of, open_for
from hunmin.chat.wire import Id

router = APIRouter(tags=["chat"], responses=faces.PROBLEM_RESPONSES)


@router.get(
    "/chat/api/conversations/export",
    response_class=TimedStream,
    responses={200: {"content": {"application/zip": {}}}},
)
def export_history(request: Request, actor: VisitorActor) -> Response:
    """Take everything of one's own away, as a zip with JSON and Markdown of each conversation."""
    with open_for(request, actor) as act:
        history.note_history_export(act)
    pieces = history_zip(partial(open_for, request, actor, read_only=True))
    return TimedStream(
        pieces,
        media_type="application/zip",
        headers=_as_file(f"hunmin-{act.now:%Y-%m-%d}.zip"),
    )


@router.get(
    "/chat/api/conversations/{conversation_id}/export",
    response_class=Response,
    responses={200: {"content": {kind.partition(";")[0]: {} for kind in MEDIA_TYPES.values()}}},
)
def export_conversation(
    request: Request,
    actor: VisitorActor,
    conversation_id: Id,
    form: Annotated[Form, Query(alias="format")] = "md",
) -> Response:
    """Take one conversation away: JSON has every branch, the others the one that is shown."""
    with open_for(request, actor) as act:
        history.note_export(act, conversation_id=conversation_id, form=form)
    with open_for(request, actor, read_only=True) as act:
        conversation = queries.get_conversation(
            act, conversation_id, written_here=answers_of(request)
        )
    return Response(
        exports.write(conversation, form, language=act.language, now=act.now),
        media_type=MEDIA_TYPES[form],
        headers=_as_file(exports.file_name(conversation, form)),
    )


def _as_file(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
