"""One's whole history as a zip, written while it is sent: never all of it in memory.

Each conversation is read in a short act of its own that only reads, so nobody waits for it, however
slowly it is taken. What is deleted meanwhile is left out.
"""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from hunmin.act import Act
from hunmin.chat import exports, folder_queries, queries, wish_queries
from hunmin.chat.exports import Form
from hunmin.chat.views import ExportedHistory
from hunmin.errors import ConversationNotFound

_IDS_AT_ONCE = 500

_FORMS: tuple[Form, ...] = ("json", "md")

OpenAct = Callable[[], AbstractContextManager[Act]]


def history_zip(open_act: OpenAct) -> Iterator[bytes]:
    """Write everything the actor wrote and was answered, piece by piece.

    Args:
        open_act: Opens an act of the actor that only reads.
    """
    pieces = _Pieces()
    with zipfile.ZipFile(pieces, "w", zipfile.ZIP_DEFLATED) as archive:
        with open_act() as act:
            about = ExportedHistory(
                exported_at=act.now,
                notice=exports.NOTICES[act.language],
                folders=folder_queries.list_folders(act).folders,
                preferences=wish_queries.get_preferences(act),
            )
        archive.writestr("about.json", about.model_dump_json(indent=1))
        for id_ in _ids(open_act):
            for name, content in _files(open_act, id_):
                archive.writestr(f"conversations/{name}", content)
            yield pieces.take()
    yield pieces.take()


def _ids(open_act: OpenAct) -> Iterator[str]:
    """Return the id of every conversation, oldest first."""
    after = ""
    while True:
        with open_act() as act:
            ids = queries.own_ids(act, after=after, limit=_IDS_AT_ONCE)
        yield from ids
        if len(ids) < _IDS_AT_ONCE:
            return
        after = ids[-1]


def _files(open_act: OpenAct, conversation_id: str) -> list[tuple[str, str]]:
    try:
        with open_act() as act:
            conversation = queries.get_conversation(act, conversation_id)
    except ConversationNotFound:
        return []
    return [
        (
            exports.file_name(conversation, form),
            exports.write(conversation, form, language=act.language, now=act.now),
        )
        for form in _FORMS
    ]


class _Pieces(io.RawIOBase):
    """A file that is only written to, and from which is taken what was written so far."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # pyrefly: ignore[bad-override] (a zip writes bytes)
        self._written.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = b"".join(self._written)
        self._written.clear()
        return taken
