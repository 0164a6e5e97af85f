"""How people keep order: titles, folders, pins, the archive, and how they want to be answered.

Actions like those of `actions`: each leaves its event, with ids and no words.
"""

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from hunmin import audit
from hunmin.act import Act
from hunmin.chat import folder_queries, queries, rules, wish_queries
from hunmin.chat.tables import ConversationRow, FolderRow, PreferenceRow
from hunmin.chat.views import ConversationSummary, FolderList, FolderView, Instructions
from hunmin.db import new_id
from hunmin.errors import FolderNotFound, TooManyFolders


def rename_conversation(act: Act, *, conversation_id: str, title: str) -> ConversationSummary:
    """Give a conversation another title.

    Raises:
        ConversationNotFound: There is none, or it is another's.
        TitleUnfit: The title is empty or too long.
    """
    row = queries.conversation_row(act, conversation_id)
    row.title = rules.check_title(title)
    row.title_initials = rules.initials(row.title)
    audit.record(act, "chat.conversation.rename", row.id)
    return queries.summary(row)


def file_conversation(
    act: Act, *, conversation_id: str, folder_id: str | None
) -> ConversationSummary:
    """Put a conversation into a folder; None takes it out of the one it lies in.

    Raises:
        ConversationNotFound, FolderNotFound: There is none, or it is another's.
    """
    row = queries.conversation_row(act, conversation_id)
    row.folder_id = None if folder_id is None else folder_queries.folder_row(act, folder_id).id
    audit.record(act, "chat.conversation.file", row.id, folder_id=row.folder_id)
    return queries.summary(row)


def pin_conversation(act: Act, *, conversation_id: str, pinned: bool) -> ConversationSummary:
    """Keep a conversation at the top of the list, or do so no longer.

    Raises:
        ConversationNotFound: There is none, or it is another's.
    """
    row = queries.conversation_row(act, conversation_id)
    row.pinned_at = act.now if pinned else None
    audit.record(act, "chat.conversation.pin", row.id, pinned=pinned)
    return queries.summary(row)


def archive_conversation(act: Act, *, conversation_id: str, archived: bool) -> ConversationSummary:
    """Put a conversation out of the list and into the archive, or back.

    Raises:
        ConversationNotFound: There is none, or it is another's.
    """
    row = queries.conversation_row(act, conversation_id)
    row.archived_at = act.now if archived else None
    audit.record(act, "chat.conversation.archive", row.id, archived=archived)
    return queries.summary(row)


def instruct_conversation(
    act: Act, *, conversation_id: str, instructions: Instructions
) -> ConversationSummary:
    """Say how the questions of a conversation are to be answered from now on.

    Raises:
        ConversationNotFound: There is none, or it is another's.
        PreferenceUnfit: The prompt is too long, or the temperature is none.
    """
    row = queries.conversation_row(act, conversation_id)
    _instruct(row, instructions)
    audit.record(act, "chat.conversation.instruct", row.id)
    return queries.summary(row)


def create_folder(act: Act, *, name: str, system_prompt: str = "") -> FolderView:
    """Make a folder, the last one of the list.

    Raises:
        TitleUnfit: The name is empty or too long.
        PreferenceUnfit: The system prompt is too long.
        TooManyFolders: The account has as many as it may.
    """
    assert act.actor.user_id is not None, "the shell makes strangers guests before they write"
    own_ones = FolderRow.owner_id == act.actor.user_id
    count = act.session.scalar(select(func.count()).where(own_ones)) or 0
    if count >= rules.FOLDERS_MAX:
        raise TooManyFolders(folders_max=rules.FOLDERS_MAX)
    last = act.session.scalar(select(func.max(FolderRow.place)).where(own_ones))
    row = FolderRow(
        id=new_id(),
        owner_id=act.actor.user_id,
        name=rules.check_title(name),
        place=0 if last is None else last + 1,
        system_prompt=rules.check_system_prompt(system_prompt),
        created_at=act.now,
    )
    act.session.add(row)
    audit.record(act, "chat.folder.create", row.id)
    return folder_queries.folder_view(row)


def rename_folder(act: Act, *, folder_id: str, name: str) -> FolderView:
    """Give a folder another name.

    Raises:
        FolderNotFound: There is none, or it is another's.
        TitleUnfit: The name is empty or too long.
    """
    row = folder_queries.folder_row(act, folder_id)
    row.name = rules.check_title(name)
    audit.record(act, "chat.folder.rename", row.id)
    return folder_queries.folder_view(row)


def instruct_folder(act: Act, *, folder_id: str, system_prompt: str) -> FolderView:
    """Say what the model is told before each conversation of a folder.

    Raises:
        FolderNotFound: There is none, or it is another's.
        PreferenceUnfit: It is too long.
    """
    row = folder_queries.folder_row(act, folder_id)
    row.system_prompt = rules.check_system_prompt(system_prompt)
    audit.record(act, "chat.folder.instruct", row.id)
    return folder_queries.folder_view(row)


def order_folders(act: Act, *, folder_ids: list[str]) -> FolderList:
    """Give the folders another order; those that are not named come after, as they were.

    Raises:
        FolderNotFound: One of them is not there, or is another's; the order stays.
    """
    known = {folder.id for folder in folder_queries.list_folders(act).folders}
    if not known.issuperset(folder_ids):
        raise FolderNotFound
    wanted = {id_: place for place, id_ in enumerate(dict.fromkeys(folder_ids))}
    for id_ in known:
        row = folder_queries.folder_row(act, id_)
        row.place = wanted.get(id_, len(wanted) + row.place)
    act.session.flush()
    audit.record(act, "chat.folder.order", act.actor.id, folders=len(wanted))
    return folder_queries.list_folders(act)


def delete_folder(act: Act, *, folder_id: str) -> None:
    """Delete a folder. The conversations in it stay, in no folder.

    Raises:
        FolderNotFound: There is none, or it is another's.
    """
    act.session.delete(folder_queries.folder_row(act, folder_id))
    audit.record(act, "chat.folder.delete", folder_id)


def set_preferences(act: Act, *, instructions: Instructions) -> Instructions:
    """Say how one would like to be answered where a conversation says nothing else.

    Raises:
        PreferenceUnfit: The prompt is too long, or the temperature is none; nothing is changed.
    """
    assert act.actor.user_id is not None, "the shell makes strangers guests before they write"
    _instruct(_preference_row(act, act.actor.user_id), instructions)
    audit.record(act, "chat.preference.set", act.actor.user_id)
    return wish_queries.get_preferences(act)


def _instruct(row: ConversationRow | PreferenceRow, instructions: Instructions) -> None:
    system_prompt = rules.check_system_prompt(instructions.system_prompt)
    row.temperature = rules.check_temperature(instructions.temperature)
    row.system_prompt = system_prompt
    row.model = instructions.model


def _preference_row(act: Act, user_id: str) -> PreferenceRow:
    """Return the row of an account, made where there was none; two may make it at once."""
    row = act.session.get(PreferenceRow, user_id)
    if row is not None:
        return row
    try:
        with act.session.begin_nested():
            act.session.add(PreferenceRow(user_id=user_id, system_prompt=""))
    except IntegrityError:
        pass  # The other one was first, and its row is there to be changed.
    return act.session.get_one(PreferenceRow, user_id)
