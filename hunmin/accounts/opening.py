"""A new session's row and secret. What it is for is recorded by the action that opens it."""

import secrets
from datetime import timedelta
from typing import NamedTuple

from hunmin.accounts import queries, rules
from hunmin.accounts.tables import SessionRow
from hunmin.act import Act
from hunmin.actor import Actor
from hunmin.db import new_id


class SessionOpened(NamedTuple):
    """A session that was just opened, with the secret for its cookie."""

    actor: Actor
    """Who the browser is from now on."""
    session_id: str
    secret: str


def add_session(
    act: Act,
    user_id: str,
    *,
    method: rules.Method,
    strength: int,
    days: int,
    device: str,
    for_other: bool = False,
) -> SessionOpened:
    """Keep a new session of an account and return it with its secret."""
    secret = secrets.token_urlsafe(rules.SECRET_BYTES)
    row = SessionRow(
        id=new_id(),
        user_id=user_id,
        secret_sha256=rules.hash_secret(secret),
        device=device,
        created_at=act.now,
        used_on=act.now.date(),
        expires_at=act.now + timedelta(days=days),
        method=method,
        strength=strength,
        proved_at=act.now,
        for_other=for_other,
    )
    act.session.add(row)
    act.session.flush()
    found = queries.find_by_session(act, secret)
    assert found is not None
    return SessionOpened(found.actor, row.id, secret)
