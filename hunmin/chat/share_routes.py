"""The JSON of sharing, under `/chat/api`. Thin: parse, call, answer."""

from fastapi import APIRouter, Response
from starlette.requests import Request

from hunmin import faces
from hunmin.accounts import VisitorAct
from hunmin.chat import share_queries, shares
from hunmin.chat.views import SharePreview, ShareTold
from hunmin.chat.wire import Id, NewShare
from hunmin.settings import Settings

router = APIRouter(tags=["chat"], responses=faces.PROBLEM_RESPONSES)


@router.get("/chat/api/conversations/{conversation_id}/shares/preview")
def preview_share(act: VisitorAct, conversation_id: Id) -> SharePreview:
    """Say what others would see of a conversation, before anything is shared."""
    return share_queries.preview_share(act, conversation_id)


@router.post("/chat/api/conversations/{conversation_id}/shares", status_code=201)
def make_share(
    request: Request, response: Response, act: VisitorAct, conversation_id: Id, body: NewShare
) -> ShareTold:
    """Make an address that shows the branch as it is now, and tell it, once."""
    settings: Settings = request.app.state.settings
    made = shares.make_share(
        act,
        conversation_id=conversation_id,
        days=body.days,
        masked=body.masked,
        allowed=settings.chat.shares,
    )
    response.headers["Cache-Control"] = "no-store"
    base = settings.web.public_url or str(request.base_url)
    return ShareTold(share=made.share, address=f"{base.rstrip('/')}/shared/{made.secret}")


@router.delete("/chat/api/shares/{share_id}", status_code=204)
def revoke_share(act: VisitorAct, share_id: Id) -> None:
    """End a share of one's own at once; its copy is deleted."""
    shares.revoke_share(act, share_id=share_id)
