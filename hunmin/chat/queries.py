"""Reading conversations. Every query is narrowed to the actor's own: there is no other reader."""

from collections.abc import Container, Sequence

from sqlalchemy import ColumnElement, func, or_, select

from hunmin.act import Act
from hunmin.chat import rules
from hunmin.chat.rules import Node
from hunmin.chat.tables import ConversationRow, MessageRow
from hunmin.chat.views import (
    ConversationList,
    ConversationSummary,
    ConversationView,
    Facts,
    MessageView,
)
from hunmin.errors import ConversationNotFound, MessageNotFound

_NOBODY: frozenset[str] = frozenset()


def list_conversations(
    act: Act, *, search: str = "", offset: int = 0, limit: int = 50
) -> ConversationList:
    """Return the actor's conversations, the last used first.

    Args:
        act: Who asks.
        search: Words to look for in titles and messages, upper and lower case alike.
        offset: How many to pass over.
        limit: How many to return at most.
    """
    statement = select(ConversationRow).where(_own(act))
    words = rules.tidy(search).strip()[: rules.SEARCH_CHARACTERS_MAX]
    if words:
        inside = select(MessageRow.conversation_id).where(
            MessageRow.conversation_id == ConversationRow.id,
            MessageRow.text.icontains(words, autoescape=True),
        )
        in_title = ConversationRow.title.icontains(words, autoescape=True)
        statement = statement.where(or_(in_title, inside.exists()))
    newest_first = (ConversationRow.updated_at.desc(), ConversationRow.id.desc())
    page = statement.order_by(*newest_first).offset(offset).limit(limit + 1)
    rows = act.session.scalars(page).all()
    excerpts = _excerpts(act, rows[:limit], words) if words else {}
    return ConversationList(
        conversations=[summary(row, excerpts.get(row.id)) for row in rows[:limit]],
        more=len(rows) > limit,
    )


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
    """Return the messages from the first down to a leaf, in order."""
    conversation_row(act, conversation_id)
    rows = {row.id: row for row in message_rows(act, conversation_id)}
    ids = rules.path_to({row.id: node(row) for row in rows.values()}, leaf_id)
    return [message_view(act, rows[id_]) for id_ in ids]


def conversation_row(act: Act, conversation_id: str, *, to_grow: bool = False) -> ConversationRow:
    """Return the actor's own conversation, or raise `ConversationNotFound`.

    Args:
        act: Who asks.
        conversation_id: Which.
        to_grow: Messages will be added: two that would grow it at once go one after the other.
    """
    statement = select(ConversationRow).where(ConversationRow.id == conversation_id, _own(act))
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
            _own(act),
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
        .where(MessageRow.conversation_id == conversation_id, _own(act))
        .order_by(MessageRow.id)
    ).all()


def own_rows(act: Act) -> Sequence[ConversationRow]:
    """Return every conversation of the actor, oldest first."""
    return act.session.scalars(
        select(ConversationRow).where(_own(act)).order_by(ConversationRow.id)
    ).all()


def conversation_view(
    act: Act, row: ConversationRow, *, written_here: Container[str] = _NOBODY
) -> ConversationView:
    """Return a conversation with its messages as a reader sees it."""
    messages = [
        message_view(act, message, written_here=written_here)
        for message in message_rows(act, row.id)
    ]
    return ConversationView(
        id=row.id,
        title=row.title,
        created_at=row.created_at,
        updated_at=row.updated_at,
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
        excerpt=excerpt,
    )


def message_view(
    act: Act, row: MessageRow, *, written_here: Container[str] = _NOBODY
) -> MessageView:
    """Return a message as a reader sees it now."""
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


def node(row: MessageRow) -> Node:
    """Return a message as the tree sees it."""
    return Node(id=row.id, parent_id=row.parent_id, role=row.role)


def _own(act: Act) -> ColumnElement[bool]:
    """Narrow a query to the actor's own; a stranger without an account owns nothing."""
    return ConversationRow.owner_id == (act.actor.user_id or "")


def _excerpts(act: Act, rows: Sequence[ConversationRow], words: str) -> dict[str, str]:
    """Return the words around the first message that has what was searched, by conversation."""
    untitled = [row.id for row in rows if words.casefold() not in row.title.casefold()]
    first = (
        select(func.min(MessageRow.id))
        .where(
            MessageRow.conversation_id.in_(untitled),
            MessageRow.text.icontains(words, autoescape=True),
        )
        .group_by(MessageRow.conversation_id)
    )
    found = act.session.scalars(select(MessageRow).where(MessageRow.id.in_(first))).all()
    excerpts = {row.conversation_id: rules.excerpt(row.text, words) for row in found}
    return {id_: excerpt for id_, excerpt in excerpts.items() if excerpt is not None}
