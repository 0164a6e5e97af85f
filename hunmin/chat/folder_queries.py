"""Reading folders. Every query is narrowed to the actor's own."""

from sqlalchemy import select

from hunmin.act import Act
from hunmin.chat.tables import FolderRow
from hunmin.chat.views import FolderList, FolderView
from hunmin.errors import FolderNotFound


def get_folder(act: Act, folder_id: str) -> FolderView:
    """Return one folder.

    Raises:
        FolderNotFound: There is none, or it is another's.
    """
    return folder_view(folder_row(act, folder_id))


def folder_row(act: Act, folder_id: str) -> FolderRow:
    """Return the actor's own folder, or raise `FolderNotFound`."""
    own_one = select(FolderRow).where(
        FolderRow.id == folder_id, FolderRow.owner_id == (act.actor.user_id or "")
    )
    row = act.session.scalar(own_one)
    if row is None:
        raise FolderNotFound
    return row


def folder_view(row: FolderRow) -> FolderView:
    """Return a folder as its owner sees it."""
    return FolderView(
        id=row.id, name=row.name, system_prompt=row.system_prompt, created_at=row.created_at
    )


def list_folders(act: Act) -> FolderList:
    """Return the actor's folders, in the order they were given."""
    rows = act.session.scalars(
        select(FolderRow)
        .where(FolderRow.owner_id == (act.actor.user_id or ""))
        .order_by(FolderRow.place, FolderRow.id)
    )
    return FolderList(folders=[folder_view(row) for row in rows])
