"""Reading what questions were asked with and what answers were given: files and passages.

Every message asked about here was found to be the actor's before.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import select

from hunmin import documents
from hunmin.act import Act
from hunmin.chat.tables import ConversationRow, MessageFileRow, MessageSourceRow
from hunmin.chat.views import MessageFile, MessageView, Places, SourceView


def file_ids_of(act: Act, message_ids: Collection[str]) -> list[str]:
    """Return the files that any of these questions was asked with, each once, oldest first."""
    asked = select(MessageFileRow.file_id).where(MessageFileRow.message_id.in_(message_ids))
    return list(act.session.scalars(asked.distinct().order_by(MessageFileRow.file_id)))


def places_of(act: Act, conversation_id: str, path: Sequence[MessageView]) -> Places:
    """Return where passages are looked for, for the last question of a way through the tree."""
    row = act.session.get_one(ConversationRow, conversation_id)
    file_ids = file_ids_of(act, [message.id for message in path])
    return Places(file_ids=file_ids, collection_ids=collections_of(act, row))


def files_of(act: Act, message_ids: Collection[str]) -> dict[str, list[MessageFile]]:
    """Return the files of each question that was asked with any."""
    rows = act.session.scalars(
        select(MessageFileRow)
        .where(MessageFileRow.message_id.in_(message_ids))
        .order_by(MessageFileRow.file_id)
    ).all()
    names = documents.names_of_files(act, {row.file_id for row in rows}) if rows else {}
    files: dict[str, list[MessageFile]] = {}
    for row in rows:
        if row.file_id in names:
            file = MessageFile(id=row.file_id, name=names[row.file_id])
            files.setdefault(row.message_id, []).append(file)
    return files


def sources_of(act: Act, message_ids: Collection[str]) -> dict[str, list[SourceView]]:
    """Return the passages of each answer for which any were found, in their order."""
    rows = act.session.scalars(
        select(MessageSourceRow)
        .where(MessageSourceRow.message_id.in_(message_ids))
        .order_by(MessageSourceRow.message_id, MessageSourceRow.place)
    )
    sources: dict[str, list[SourceView]] = {}
    for row in rows:
        source = SourceView(
            number=row.number,
            file_id=row.file_id,
            collection_id=row.collection_id,
            address=row.address,
            source=row.source,
            citation=row.citation,
            page=row.page,
            excerpt=row.excerpt,
        )
        sources.setdefault(row.message_id, []).append(source)
    return sources


def collections_of(act: Act, row: ConversationRow) -> list[str]:
    """Return the collections a conversation's questions are looked up in, as far as still seen."""
    if not row.collection_ids:
        return []
    seen = {one.id for one in documents.list_collections(act)}
    return [id_ for id_ in row.collection_ids if id_ in seen]
