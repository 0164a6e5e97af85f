"""Reading files: one's own alone."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, func, select

from hunmin.act import Act
from hunmin.documents.tables import FileRow, PassageRow
from hunmin.documents.views import FileFault, FileView, PassageFound
from hunmin.errors import FileNotFound, PassageNotFound


def own(act: Act) -> ColumnElement[bool]:
    """Narrow a query to the actor's own files; a stranger without an account owns nothing."""
    return FileRow.owner_id == (act.actor.user_id or "")


def file_row(act: Act, file_id: str) -> FileRow:
    """Return the actor's own file, or raise `FileNotFound`."""
    row = act.session.scalar(select(FileRow).where(FileRow.id == file_id, own(act)))
    if row is None:
        raise FileNotFound
    return row


def get_file(act: Act, file_id: str) -> FileView:
    """Return one file.

    Raises:
        FileNotFound: There is none, or it is another's.
    """
    return file_view(act, file_row(act, file_id))


def file_view(act: Act, row: FileRow) -> FileView:
    """Return a file as its owner sees it."""
    error = row.error and FileFault(code=row.error["code"], message=row.error[act.language])
    return FileView(
        id=row.id,
        name=row.name,
        state=row.state,
        size_bytes=row.size_bytes,
        kind=row.kind,
        pages=row.pages,
        characters=row.characters,
        error=error,
        made_at=row.made_at,
    )


def count_files(act: Act) -> int:
    """Return how many files the actor has."""
    return act.session.scalar(select(func.count()).select_from(FileRow).where(own(act))) or 0


def names_of_files(act: Act, file_ids: Collection[str]) -> dict[str, str]:
    """Return what files of the actor are called, by id; of others nothing."""
    named = select(FileRow.id, FileRow.name).where(FileRow.id.in_(file_ids), own(act))
    return {row.id: row.name for row in act.session.execute(named)}


def files_there(act: Act, file_ids: Collection[str]) -> frozenset[str]:
    """Return which files have not been deleted, whoever owns them by now; nothing else of them."""
    return frozenset(act.session.scalars(select(FileRow.id).where(FileRow.id.in_(file_ids))))


def file_to_read(act: Act, file_id: str) -> tuple[str, str] | None:
    """Return name and blob of a file that waits to be read, for the job; None where none does."""
    row = act.session.get(FileRow, file_id)
    if row is None or row.state != "waiting" or row.blob_sha256 is None:
        return None
    return row.name, row.blob_sha256


def names_blob(act: Act, sha256: str) -> bool:
    """Return whether any file's bytes are that blob; the house's own question."""
    return act.session.scalar(select(FileRow.id).where(FileRow.blob_sha256 == sha256)) is not None


def passages_of(act: Act, file_id: str) -> Sequence[PassageRow]:
    """Return the passages of a file of the actor, in their order."""
    rows = (
        select(PassageRow)
        .join(FileRow, FileRow.id == PassageRow.file_id)
        .where(PassageRow.file_id == file_id, own(act))
        .order_by(PassageRow.place)
    )
    return act.session.scalars(rows).all()


def file_passage(act: Act, file_id: str, place: int) -> PassageFound:
    """Return a passage of a file.

    Raises:
        FileNotFound: The file is not the actor's.
        PassageNotFound: It has no such passage.
    """
    file = file_row(act, file_id)
    row = act.session.get(PassageRow, (file.id, place))
    if row is None:
        raise PassageNotFound
    return passage_view(file, row)


def last_place(act: Act, file_id: str) -> int:
    """Return how many passages a file of the actor has."""
    places = select(func.max(PassageRow.place)).join(FileRow, FileRow.id == PassageRow.file_id)
    return act.session.scalar(places.where(FileRow.id == file_id, own(act))) or 0


def passage_view(file: FileRow, row: PassageRow) -> PassageFound:
    """Return a passage of a file as its owner sees it."""
    return PassageFound(
        collection_id=None,
        file_id=file.id,
        key=str(row.place),
        source=file.name,
        citation=row.citation,
        heading=row.heading,
        page=row.page,
        text=row.text,
    )
