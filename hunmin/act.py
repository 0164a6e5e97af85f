"""Act: one thing someone does, when, in which transaction. The first argument of every action.

`open_act` is the only place that opens a session, reads the clock, commits and rolls back; so no
action asks for the time or the current user, and a test can say it is noon and Dana is asking.
Who the actor is, is for `accounts` to find out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from hunmin.actor import SYSTEM, Actor, ActorKind
from hunmin.db import Database, new_id

__all__ = ["SYSTEM", "Act", "Actor", "ActorKind", "Language", "open_act"]

Language = Literal["ko", "en"]


@dataclass(frozen=True, slots=True)
class Act:
    """One thing someone does: one transaction."""

    actor: Actor
    now: datetime
    """When, in UTC. The only clock an action reads."""
    session: Session
    request_id: str
    """Binds the audit events, log lines and answer of one request together."""
    language: Language = "ko"


@contextmanager
def open_act(
    database: Database,
    actor: Actor,
    *,
    now: datetime | None = None,
    request_id: str | None = None,
    language: Language = "ko",
    read_only: bool = False,
    synced: bool = True,
    on: Connection | None = None,
) -> Iterator[Act]:
    """Open one transaction for one actor: committed when the block ends, undone when it raises.

    Args:
        database: Where.
        actor: Who.
        now: When; the clock's time by default.
        request_id: The request it belongs to; a new id by default.
        language: In which language the actor is answered.
        read_only: The act only asks. On SQLite it then never waits for one that writes.
        synced: Wait until the disk has what was done. See `Database.session`.
        on: A connection of one's own to take. See `Database.session`.

    Raises:
        HunminError: The database is away, full, locked or not writable.
    """
    with database.session(read_only=read_only, synced=synced, on=on) as session:
        yield Act(
            actor=actor,
            now=now or datetime.now(UTC),
            session=session,
            request_id=request_id or new_id(),
            language=language,
        )
