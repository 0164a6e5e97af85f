"""A person's whole history: deleting it, taking it along to an account, taking it away as files.

Actions like those of `actions`: each leaves its event, with ids and no words.
"""

from sqlalchemy import delete, update

from hunmin import audit, documents
from hunmin.act import Act
from hunmin.chat import queries
from hunmin.chat.tables import ConversationRow, FolderRow, PreferenceRow


def delete_history(act: Act) -> int:
    """Delete every conversation and file of the actor, for good; return how many of the first.

    Folders stay, and what the actor prefers.
    """
    if act.actor.user_id is None:
        return 0
    deleted = act.session.scalars(
        delete(ConversationRow)
        .where(ConversationRow.owner_id == act.actor.user_id)
        .returning(ConversationRow.id)
    ).all()
    documents.delete_all_files(act)
    audit.record(act, "chat.history.delete", act.actor.user_id, conversations=len(deleted))
    return len(deleted)


def adopt_history(act: Act, *, guest_id: str) -> int:
    """Make a guest's conversations and folders one's own; return how many conversations it were.

    What the guest preferred comes along where the account prefers nothing yet. The guest's
    session is the permission: only the shell that has just signed the guest's own browser in
    calls this.
    """
    assert act.actor.kind == "person"
    assert act.actor.user_id is not None
    user_id = act.actor.user_id
    folders = update(FolderRow).where(FolderRow.owner_id == guest_id).values(owner_id=user_id)
    conversations = update(ConversationRow).where(ConversationRow.owner_id == guest_id)
    conversations = conversations.values(owner_id=user_id)
    folder_ids = act.session.scalars(folders.returning(FolderRow.id)).all()
    moved = act.session.scalars(conversations.returning(ConversationRow.id)).all()
    preferred = act.session.get(PreferenceRow, guest_id)
    if preferred is not None and act.session.get(PreferenceRow, user_id) is None:
        preferred.user_id = user_id
    if moved or folder_ids or preferred:
        audit.record(
            act,
            "chat.history.adopt",
            guest_id,
            conversations=len(moved),
            folders=len(folder_ids),
        )
    return len(moved)


def note_export(act: Act, *, conversation_id: str, form: str) -> None:
    """Record that a conversation is about to be taken away as a file.

    Raises:
        ConversationNotFound: There is none, or it is another's.
    """
    row = queries.conversation_row(act, conversation_id)
    audit.record(act, "chat.conversation.export", row.id, form=form)


def note_history_export(act: Act) -> None:
    """Record that the whole history is about to be taken away."""
    audit.record(act, "chat.history.export", act.actor.id)
