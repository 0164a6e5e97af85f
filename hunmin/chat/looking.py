"""Where passages are looked for when a question is asked, and those that its answer was given.

Parts of the actions in `actions`, which leave the events.
"""

from collections.abc import Sequence

from sqlalchemy import select

from hunmin import documents
from hunmin.act import Act
from hunmin.chat.tables import ConversationRow, MessageFileRow, MessageRow, MessageSourceRow
from hunmin.chat.views import Asked, SourceView


def attach(act: Act, row: ConversationRow, question: MessageRow, asked: Asked) -> None:
    """Make files part of a question, and say in which collections passages are looked for.

    Raises:
        FileNotFound, FileNotReady, TooManyFiles, CollectionNotFound: There is no looking there.
    """
    file_ids = list(dict.fromkeys(asked.file_ids))
    documents.use_files(act, file_ids=file_ids, conversation_id=row.id)
    if asked.collection_ids is not None:
        documents.check_sources(act, file_ids=(), collection_ids=asked.collection_ids)
        row.collection_ids = list(dict.fromkeys(asked.collection_ids)) or None
    act.session.add_all(
        MessageFileRow(message_id=question.id, file_id=file_id) for file_id in file_ids
    )
    act.session.flush()


def keep_sources(act: Act, answer_id: str, sources: Sequence[SourceView]) -> None:
    """Keep the sources of an answer, once; those of a file that was deleted meanwhile are not."""
    kept = select(MessageSourceRow.place).where(MessageSourceRow.message_id == answer_id).limit(1)
    if not sources or act.session.scalar(kept) is not None:
        return
    there = documents.files_there(act, {each.file_id for each in sources if each.file_id})
    act.session.add_all(
        MessageSourceRow(message_id=answer_id, place=place, **source.model_dump())
        for place, source in enumerate(sources, start=1)
        if source.file_id is None or source.file_id in there
    )
    act.session.flush()
