"""Everything that can be done to sessions: opened, used, ended.

A room that has found out who somebody is comes through `open_session`, whatever it found it by.
"""

from datetime import timedelta

from hunmin import audit
from hunmin.accounts import opening, queries, rules
from hunmin.accounts.opening import SessionOpened
from hunmin.accounts.tables import SessionRow, UserRow
from hunmin.act import Act
from hunmin.errors import SessionNotFound, UserNotFound


def open_session(
    act: Act,
    user_id: str,
    *,
    method: rules.Method,
    strength: int,
    days: int,
    device: str = "",
    instead_of: str | None = None,
    for_other: bool = False,
) -> SessionOpened:
    """Sign a browser in, the caller having found that whoever is at it is this person.

    Args:
        act: Whoever is at the browser; nobody in particular.
        user_id: Whose account.
        method: What showed it.
        strength: How many factors did: 1, or 2 where there were two or one that counts for two.
        days: How long the session lasts unused.
        device: The browser in two words.
        instead_of: A session of this browser, ended here: nobody keeps an old cookie.
        for_other: It was a link another person made, for an account that is in use.

    Raises:
        UserNotFound: There is no such account, it is not a person's, or it is disabled.
    """
    user = act.session.get(UserRow, user_id)
    if user is None or user.disabled_at is not None or not _is_person(user):
        raise UserNotFound
    old = act.session.get(SessionRow, instead_of) if instead_of else None
    if old is not None and old.ended_at is None:
        old.ended_at = act.now
    user.opened_at = user.opened_at or act.now
    opened = opening.add_session(
        act,
        user_id,
        method=method,
        strength=strength,
        days=days,
        device=device,
        for_other=for_other,
    )
    audit.record(
        act,
        "accounts.session.open",
        opened.session_id,
        user_id=user_id,
        method=method,
        strength=strength,
        instead_of=old.id if old else None,
        for_other=for_other,
    )
    return opened


def use_session(act: Act, session_id: str, *, days: int) -> None:
    """Note that a session is used today, and let it last `days` from now."""
    row = act.session.get(SessionRow, session_id)
    if row is None or row.user_id != act.actor.user_id or row.ended_at is not None:
        raise SessionNotFound
    row.used_on = act.now.date()
    row.expires_at = act.now + timedelta(days=days)
    audit.record(act, "accounts.session.use", session_id)


def prove_session(act: Act, session_id: str, *, strength: int) -> None:
    """Note that whoever is at a browser showed again that it is them.

    Args:
        act: Who did; the session is theirs.
        session_id: The browser's session.
        strength: How many factors they showed; a session is as strong as the strongest proof.

    Raises:
        SessionNotFound: The actor has none of that id.
    """
    row = act.session.get(SessionRow, session_id)
    if row is None or row.user_id != act.actor.user_id or row.ended_at is not None:
        raise SessionNotFound
    row.proved_at = act.now
    row.strength = max(row.strength, strength)
    audit.record(act, "accounts.session.prove", session_id, strength=strength)


def end_session(act: Act, session_id: str) -> None:
    """Sign one of one's own browsers out.

    Raises:
        SessionNotFound: The actor has none of that id.
    """
    for row in queries.session_rows(act):
        if row.id == session_id:
            row.ended_at = act.now
            audit.record(act, "accounts.session.end", session_id)
            return
    raise SessionNotFound


def end_sessions(act: Act, user_id: str, *, but: str | None = None) -> None:
    """Sign every browser of an account out, the caller having found that the actor may.

    Args:
        act: Who asks.
        user_id: Whose account.
        but: A session that goes on.
    """
    for row in queries.session_rows(act, user_id):
        if row.id != but:
            row.ended_at = act.now
            audit.record(act, "accounts.session.end", row.id)


def _is_person(user: UserRow) -> bool:
    return "person" in {role.role for role in user.roles}
