"""The list of one's conversations, and searching it. Only one's own are found.

A list is read on from the last conversation shown, not from a number of them: what is deleted
meanwhile makes no other one be passed over.

No index of words is kept. It would hold what was deleted: SQLite's full-text index clears its
pages only from 3.42 on. One person's messages are few enough to be read
(`benchmarks/history_search.py`).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, case, or_, select, tuple_

from hunmin.act import Act
from hunmin.chat import folder_queries, hangul, queries, rules
from hunmin.chat.tables import ConversationRow, MessageRow
from hunmin.chat.views import ConversationList

PLACE = r"^[01]\.[0-9]{1,16}\.[0-9a-z]{26}$"
"""What a written place looks like; sixteen digits of microseconds reach to the year 2286."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_PINNED = case((ConversationRow.pinned_at.is_(None), 0), else_=1)
_ORDER = (_PINNED.desc(), ConversationRow.updated_at.desc(), ConversationRow.id.desc())


class Place(NamedTuple):
    """Where in the list a conversation stands."""

    pinned: int
    updated_at: datetime
    id: str

    @classmethod
    def of(cls, row: ConversationRow) -> "Place":
        """Return the place of a conversation."""
        return cls(int(row.pinned_at is not None), row.updated_at, row.id)

    @classmethod
    def read(cls, written: str) -> "Place":
        """Return the place that `str` wrote; its form is `PLACE`."""
        pinned, microseconds, id_ = written.split(".")
        return cls(int(pinned), _EPOCH + int(microseconds) * _MICROSECOND, id_)

    def __str__(self) -> str:
        """Return the place as an address can hold it."""
        return f"{self.pinned}.{(self.updated_at - _EPOCH) // _MICROSECOND}.{self.id}"


def list_conversations(
    act: Act,
    *,
    search: str = "",
    folder: str | None = None,
    archived: bool | None = None,
    after: Place | None = None,
    limit: int = 50,
) -> ConversationList:
    """Return the actor's conversations: what is pinned first, then the last used.

    Args:
        act: Who asks.
        search: Words to look for in titles and messages, upper and lower case alike; a lone
            consonant matches every syllable that begins with it.
        folder: The id of a folder; `none` is what lies in no folder.
        archived: Whether to list what is in the archive, or what is not. By default a search
            looks in both, and a list leaves the archive out.
        after: Where the list goes on.
        limit: How many to return at most.

    Raises:
        FolderNotFound: There is no such folder, or it is another's.
    """
    words = rules.tidy(search).strip()[: rules.SEARCH_CHARACTERS_MAX]
    narrowed = [queries.own(act)]
    if folder == "none":
        narrowed.append(ConversationRow.folder_id.is_(None))
    elif folder is not None:
        narrowed.append(ConversationRow.folder_id == folder_queries.folder_row(act, folder).id)
    if archived is None and not words:
        archived = False
    if archived is not None:
        narrowed.append(ConversationRow.archived_at.is_not(None) == archived)
    if words:
        return _search(act, words, narrowed, after=after, limit=limit)
    rows = _rows(act, narrowed, after=after, limit=limit + 1)
    return _page([(row, None) for row in rows], limit)


def _rows(
    act: Act, narrowed: Sequence[ColumnElement[bool]], *, after: Place | None, limit: int
) -> Sequence[ConversationRow]:
    statement = select(ConversationRow).where(*narrowed).order_by(*_ORDER).limit(limit)
    if after is not None:
        here = tuple_(_PINNED, ConversationRow.updated_at, ConversationRow.id)
        statement = statement.where(here < tuple(after))
    return act.session.scalars(statement).all()


def _page(found: Sequence[tuple[ConversationRow, str | None]], limit: int) -> ConversationList:
    """Return the first `limit` of what was found, and where the list goes on."""
    more = len(found) > limit
    return ConversationList(
        conversations=[queries.summary(row, excerpt) for row, excerpt in found[:limit]],
        next=str(Place.of(found[limit - 1][0])) if more else None,
    )


def _search(
    act: Act,
    words: str,
    narrowed: Sequence[ColumnElement[bool]],
    *,
    after: Place | None,
    limit: int,
) -> ConversationList:
    """Return the conversations whose title or messages have the words.

    The database finds all that have their initial consonants, so 훈ㅁ정 finds 하면 좋다 as well;
    such ones are passed over here.
    """
    by_initials = hangul.asks_for_initials(words)
    title = ConversationRow.title_initials if by_initials else ConversationRow.title
    text = MessageRow.initials if by_initials else MessageRow.text
    sought = rules.initials(words) if by_initials else words
    has_them = text.icontains(sought, autoescape=True)
    inside = select(MessageRow.id).where(MessageRow.conversation_id == ConversationRow.id, has_them)
    in_title = title.icontains(sought, autoescape=True)
    narrowed = [*narrowed, or_(in_title, inside.exists())]
    found: list[tuple[ConversationRow, str | None]] = []
    while len(found) <= limit:
        asked = limit + 1 - len(found)
        rows = _rows(act, narrowed, after=after, limit=asked)
        for row in rows:
            if rules.stands_in(row.title, words):
                found.append((row, None))
                continue
            excerpt = _first_excerpt(act, row, words, has_them)
            if excerpt is not None or not by_initials:
                found.append((row, excerpt))
        if len(rows) < asked:
            break
        after = Place.of(rows[-1])
    return _page(found, limit)


def _first_excerpt(
    act: Act, row: ConversationRow, words: str, has_them: ColumnElement[bool]
) -> str | None:
    """Return what stands around the words in the first message that has them."""
    one_by_one = (
        select(MessageRow.text)
        .where(MessageRow.conversation_id == row.id, has_them)
        .order_by(MessageRow.id)
        .execution_options(yield_per=8)
    )
    with act.session.scalars(one_by_one) as texts:
        excerpts = (rules.excerpt(text, words) for text in texts)
        return next((excerpt for excerpt in excerpts if excerpt is not None), None)
