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

from sqlalchemy.orm import Session

from hunmin.db import Database, new_id

Language = Literal["ko", "en"]

ActorKind = Literal["person", "guest", "key", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts."""

    user_id: str | None
    """The account that answers for the act; None only for the system and strangers."""
    roles: frozenset[str] = frozenset()
    kind: ActorKind = "person"
    key_id: str | None = None
    """The key that was shown, where a program acts for a person."""

    @property
    def id(self) -> str:
        """Return the id under which the audit log knows this actor."""
        return self.user_id or self.kind

    def has_role(self, *roles: str) -> bool:
        """Return whether the actor holds any of `roles`."""
        return not self.roles.isdisjoint(roles)


SYSTEM = Actor(user_id=None, roles=frozenset({"administrator"}), kind="system")
"""The house itself: jobs, migrations, commands run by whoever can read the data folder."""


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
) -> Iterator[Act]:
    """Open one transaction for one actor: committed when the block ends, undone when it raises.

    Args:
        database: Where.
        actor: Who.
        now: When; the clock's time by default.
        request_id: The request it belongs to; a new id by default.
        language: In which language the actor is answered.
        read_only: The act only asks. On SQLite it then never waits for one that writes.

    Raises:
        HunminError: The database is away, full, locked or not writable.
    """
    with database.session(read_only=read_only) as session:
        yield Act(
            actor=actor,
            now=now or datetime.now(UTC),
            session=session,
            request_id=request_id or new_id(),
            language=language,
        )
