"""Reading conversations. Every query is narrowed to the actor's own: there is no other reader."""

from collections.abc import Container, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, literal, select

from hunmin.act import Act
from hunmin.chat import feedback_queries, rules, source_queries
from hunmin.chat.rules import Node
from hunmin.chat.tables import ConversationRow, MessageRow
from hunmin.chat.views import (
    ConversationSummary,
    ConversationView,
    Facts,
    MessageView,
)
from hunmin.errors import ConversationNotFound, MessageNotFound

_NOBODY: frozenset[str] = frozenset()


def get_conversation(
    act: Act, conversation_id: str, *, written_here: Container[str] = _NOBODY
) -> ConversationView:
    """Return one conversation with its tree of messages.

    Args:
        act: Who asks.
        conversation_id: Which.
        written_here: Ids of the answers this process is writing.

    Raises:
        ConversationNotFound: There is none, or it is another's.
    """
    row = conversation_row(act, conversation_id)
    return conversation_view(act, row, written_here=written_here)


def get_summary(act: Act, conversation_id: str) -> ConversationSummary:
    """Return one conversation as the list shows it.

    Raises:
        ConversationNotFound: There is none, or it is another's.
    """
    return summary(conversation_row(act, conversation_id))


def get_message(
    act: Act, conversation_id: str, message_id: str, *, written_here: Container[str] = _NOBODY
) -> MessageView:
    """Return one message.

    Raises:
        ConversationNotFound: The conversation is not the actor's.
        MessageNotFound: It has no such message.
    """
    conversation_row(act, conversation_id)
    row = message_row(act, conversation_id, message_id)
    return message_view(act, row, written_here=written_here)


def path(act: Act, conversation_id: str, leaf_id: str) -> list[MessageView]:
    """Return the messages from the first down to a leaf, in order; no other branch is read."""
    conversation_row(act, conversation_id)
    rows = act.session.scalars(branch(conversation_id, leaf_id)).all()
    return [message_view(act, row) for row in rows]


def branch(conversation_id: str, leaf_id: str) -> Select[MessageRow]:
    """Return the query of the messages from the first down to a leaf, whosever they are."""
    inside = MessageRow.conversation_id == conversation_id
    leaf = select(MessageRow.id, MessageRow.parent_id, literal(0).label("height"))
    found = leaf.where(inside, MessageRow.id == leaf_id).cte("branch", recursive=True)
    above = select(MessageRow.id, MessageRow.parent_id, found.c.height + 1)
    found = found.union_all(above.where(inside, MessageRow.id == found.c.parent_id))
    by_height = found.c.height.desc()
    return select(MessageRow).join(found, found.c.id == MessageRow.id).order_by(by_height)


def conversation_row(act: Act, conversation_id: str, *, to_grow: bool = False) -> ConversationRow:
    """Return the actor's own conversation, or raise `ConversationNotFound`.

    Args:
        act: Who asks.
        conversation_id: Which.
        to_grow: Messages will be added: two that would grow it at once go one after the other.
    """
    statement = select(ConversationRow).where(ConversationRow.id == conversation_id, own(act))
    row = act.session.scalar(statement.with_for_update() if to_grow else statement)
    if row is None:
        raise ConversationNotFound
    return row


def message_row(act: Act, conversation_id: str, message_id: str) -> MessageRow:
    """Return a message of a conversation that was found to be the actor's."""
    row = act.session.scalar(
        select(MessageRow)
        .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
        .where(
            MessageRow.id == message_id,
            MessageRow.conversation_id == conversation_id,
            own(act),
        )
    )
    if row is None:
        raise MessageNotFound
    return row


def message_rows(act: Act, conversation_id: str) -> Sequence[MessageRow]:
    """Return every message of the actor's conversation, oldest first."""
    return act.session.scalars(
        select(MessageRow)
        .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
        .where(MessageRow.conversation_id == conversation_id, own(act))
        .order_by(MessageRow.id)
    ).all()


def nodes(act: Act, conversation_id: str) -> list[Node]:
    """Return every message of the actor's conversation as the tree sees it, oldest first."""
    return [
        Node(id=id_, parent_id=parent_id, role=role)
        for id_, parent_id, role in act.session.execute(
            select(MessageRow.id, MessageRow.parent_id, MessageRow.role)
            .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
            .where(MessageRow.conversation_id == conversation_id, own(act))
            .order_by(MessageRow.id)
        )
    ]


def leaf_id(act: Act, conversation_id: str) -> str | None:
    """Return the last message of the branch shown.

    Raises:
        ConversationNotFound: There is none, or it is another's.
    """
    return conversation_row(act, conversation_id).leaf_id


def own_ids(act: Act, *, after: str, limit: int) -> Sequence[str]:
    """Return the ids of the actor's conversations that come after one, in their order."""
    ids = select(ConversationRow.id).where(own(act), ConversationRow.id > after)
    return act.session.scalars(ids.order_by(ConversationRow.id).limit(limit)).all()


def conversation_view(
    act: Act, row: ConversationRow, *, written_here: Container[str] = _NOBODY
) -> ConversationView:
    """Return a conversation with its messages as a reader sees it."""
    rated = feedback_queries.feedback_of(act, row.id)
    messages = [
        message.model_copy(update={"feedback": rated.get(message.id)})
        for message in message_views(act, message_rows(act, row.id), written_here=written_here)
    ]
    return ConversationView(
        id=row.id,
        title=row.title,
        created_at=row.created_at,
        updated_at=row.updated_at,
        folder_id=row.folder_id,
        pinned=row.pinned_at is not None,
        archived=row.archived_at is not None,
        model=row.model,
        system_prompt=row.system_prompt,
        temperature=row.temperature,
        collection_ids=source_queries.collections_of(act, row),
        leaf_id=row.leaf_id,
        messages=messages,
    )


def summary(row: ConversationRow, excerpt: str | None = None) -> ConversationSummary:
    """Return a conversation as the list shows it."""
    return ConversationSummary(
        id=row.id,
        title=row.title,
        created_at=row.created_at,
        updated_at=row.updated_at,
        folder_id=row.folder_id,
        pinned=row.pinned_at is not None,
        archived=row.archived_at is not None,
        model=row.model,
        excerpt=excerpt,
    )


def message_views(
    act: Act, rows: Sequence[MessageRow], *, written_here: Container[str] = _NOBODY
) -> list[MessageView]:
    """Return messages as a reader sees them now, with their files and sources."""
    ids = [row.id for row in rows]
    files, sources = source_queries.files_of(act, ids), source_queries.sources_of(act, ids)
    return [
        message_view(act, row, written_here=written_here).model_copy(
            update={"files": files.get(row.id, []), "sources": sources.get(row.id, [])}
        )
        for row in rows
    ]


def message_view(
    act: Act, row: MessageRow, *, written_here: Container[str] = _NOBODY
) -> MessageView:
    """Return a message as a reader sees it now, but for files, sources and feedback."""
    facts = None
    if row.model is not None:
        facts = Facts.model_validate(
            {
                "model": row.model,
                "model_sha256": row.model_sha256,
                "wall_ms": row.wall_ms,
                "first_token_ms": row.first_token_ms,
                "prompt_tokens": row.prompt_tokens,
                "completion_tokens": row.completion_tokens,
                "finish_reason": row.finish_reason,
                "left_out": row.left_out or 0,
                "looked": row.looked or False,
            }
        )
    return MessageView.model_validate(
        {
            "id": row.id,
            "parent_id": row.parent_id,
            "role": row.role,
            "text": row.text,
            "state": state_of(act, row, written_here=written_here),
            "created_at": row.created_at,
            "facts": facts,
            "error_code": row.error_code,
            "ai_generated": row.role == "assistant",
        }
    )


def state_of(act: Act, row: MessageRow, *, written_here: Container[str]) -> rules.State:
    """Return the state of a message as a reader should see it now."""
    return rules.state_now(
        row.state, saved_at=row.saved_at, now=act.now, written_here=row.id in written_here
    )


def reader_seen_at(act: Act, answer_id: str) -> datetime | None:
    """Return the last sign of life of who reads an answer at another server. For its writer."""
    return act.session.scalar(select(MessageRow.reader_seen_at).where(MessageRow.id == answer_id))


def node(row: MessageRow) -> Node:
    """Return a message as the tree sees it."""
    return Node(id=row.id, parent_id=row.parent_id, role=row.role)


def own(act: Act) -> ColumnElement[bool]:
    """Narrow a query to the actor's own; a stranger without an account owns nothing."""
    return ConversationRow.owner_id == (act.actor.user_id or "")
