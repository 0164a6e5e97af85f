"""Reading shares: what one would show, one's own, and what an address shows."""

from collections import Counter

from sqlalchemy import select

from hunmin import documents, privacy
from hunmin.act import Act
from hunmin.chat import queries, rules
from hunmin.chat.tables import ShareRow
from hunmin.chat.views import (
    ConversationView,
    SharedConversation,
    SharedMessage,
    SharePreview,
    ShareView,
)
from hunmin.errors import ShareUnusable


def preview_share(act: Act, conversation_id: str) -> SharePreview:
    """Return what others would see of a conversation, counted; nothing is shared yet.

    Raises:
        ConversationNotFound: There is none, or it is another's.
    """
    copy = copy_of(act, queries.get_conversation(act, conversation_id), masked=False)
    texts = [copy.title, *(message.text for message in copy.messages)]
    found: Counter[str] = Counter(finding.kind for text in texts for finding in privacy.find(text))
    return SharePreview(messages=len(copy.messages), personal_data=dict(found))


def list_shares(act: Act) -> list[ShareView]:
    """Return the actor's shares that still show something, the newest first."""
    rows = act.session.scalars(
        select(ShareRow)
        .where(ShareRow.owner_id == (act.actor.user_id or ""), ShareRow.expires_at > act.now)
        .order_by(ShareRow.id.desc())
    )
    return [share_view(row) for row in rows]


def read_shared(act: Act, secret: str) -> SharedConversation:
    """Return what an address shows, to anyone.

    Raises:
        ShareUnusable: There is no such address, or it shows nothing any more.
    """
    row = act.session.scalar(
        select(ShareRow).where(
            ShareRow.secret_sha256 == rules.hash_secret(secret), ShareRow.expires_at > act.now
        )
    )
    if row is None:
        raise ShareUnusable
    return SharedConversation.model_validate({**row.snapshot, "id": row.id})


def copy_of(act: Act, conversation: ConversationView, *, masked: bool) -> SharedConversation:
    """Return what others see of a conversation: the branch shown.

    Left out are instructions, files, and sources but those from collections that everyone sees.
    """
    public = documents.public_collections(act)

    def shown(text: str) -> str:
        return privacy.mask(text).text if masked else text

    return SharedConversation(
        title=shown(conversation.title),
        messages=[
            SharedMessage(
                role=message.role,
                text=shown(message.text),
                model=message.facts.model if message.facts else None,
                created_at=message.created_at,
                sources=[each for each in message.sources if each.collection_id in public],
            )
            for message in conversation.branch()
            if message.text
        ],
    )


def share_view(row: ShareRow) -> ShareView:
    """Return a share as its owner sees it."""
    return ShareView(
        id=row.id,
        conversation_id=row.conversation_id,
        title=row.snapshot["title"],
        messages=len(row.snapshot["messages"]),
        made_at=row.made_at,
        expires_at=row.expires_at,
    )
