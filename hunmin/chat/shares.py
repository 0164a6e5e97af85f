"""Showing a conversation to whoever has its address: making such an address, and ending it.

What is shown is a copy of the branch as it was; what is said later is not in it. The address
holds 256 random bits, told once; only their SHA-256 is kept. Ending a share deletes the copy.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete

from hunmin import audit
from hunmin.act import Act
from hunmin.chat import queries, rules, share_queries
from hunmin.chat.tables import ShareRow
from hunmin.chat.views import ShareView
from hunmin.db import new_id
from hunmin.errors import SharesOff, ShareUnusable, SignInNeeded


@dataclass(frozen=True, slots=True)
class ShareMade:
    """A share, with the secret that is told once."""

    share: ShareView
    secret: str


def make_share(
    act: Act, *, conversation_id: str, days: int, masked: bool, allowed: bool
) -> ShareMade:
    """Copy the branch that is shown, for whoever has its address.

    Args:
        act: Who shares; a person who signed in.
        conversation_id: What.
        days: How long the copy is kept.
        masked: Put labels in the place of the personal data that is found.
        allowed: Whether the operator lets conversations be shared.

    Raises:
        SharesOff: The operator does not.
        SignInNeeded: A guest asks, whose account ends with a cookie, or a program.
        ConversationNotFound: There is none, or it is another's.
    """
    conversation = queries.get_conversation(act, conversation_id)
    if not allowed:
        raise SharesOff
    if act.actor.kind != "person" or act.actor.user_id is None:
        raise SignInNeeded
    secret = secrets.token_urlsafe(rules.SECRET_BYTES)
    copy = share_queries.copy_of(act, conversation, masked=masked)
    row = ShareRow(
        id=new_id(),
        conversation_id=conversation.id,
        owner_id=act.actor.user_id,
        secret_sha256=rules.hash_secret(secret),
        snapshot=copy.model_dump(mode="json"),
        made_at=act.now,
        expires_at=act.now + timedelta(days=days),
    )
    act.session.add(row)
    audit.record(
        act,
        "chat.share.make",
        row.id,
        conversation_id=conversation.id,
        days=days,
        masked=masked,
        messages=len(copy.messages),
    )
    return ShareMade(share=share_queries.share_view(row), secret=secret)


def revoke_share(act: Act, *, share_id: str) -> None:
    """End a share of one's own at once; its copy is deleted.

    Raises:
        ShareUnusable: There is none, or it is another's.
    """
    ended = act.session.scalar(
        delete(ShareRow)
        .where(ShareRow.id == share_id, ShareRow.owner_id == (act.actor.user_id or ""))
        .returning(ShareRow.id)
    )
    if ended is None:
        raise ShareUnusable
    audit.record(act, "chat.share.revoke", share_id)


def delete_ended_shares(act: Act) -> int:
    """Delete the copies whose time is over; return how many there were."""
    ended = act.session.scalars(
        delete(ShareRow).where(ShareRow.expires_at <= act.now).returning(ShareRow.id)
    ).all()
    for share_id in ended:
        audit.record(act, "chat.share.expire", share_id)
    return len(ended)
