"""What can be done to an answer that another server writes."""

from hunmin import audit
from hunmin.act import Act
from hunmin.chat import queries


def stop_answer(act: Act, *, conversation_id: str, message_id: str) -> bool:
    """Ask whoever writes an answer to stop; return False where nobody writes it any more.

    The writer sees it when it next saves, every other second.

    Raises:
        ConversationNotFound, MessageNotFound: There is no such answer of the actor's.
    """
    queries.conversation_row(act, conversation_id)
    row = queries.message_row(act, conversation_id, message_id)
    if queries.state_of(act, row, written_here=()) != "writing":
        return False
    if row.stop_asked_at is None:
        row.stop_asked_at = act.now
        audit.record(act, "chat.answer.stop", row.id, conversation_id=conversation_id)
    return True
