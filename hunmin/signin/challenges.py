"""Challenges: made, looked at, used once. What they end is recorded by the action that ends it."""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import select

from hunmin import accounts
from hunmin.act import Act
from hunmin.db import new_id
from hunmin.errors import ChallengeUnusable
from hunmin.signin import rules
from hunmin.signin.tables import ChallengeRow

SECRET_BYTES = 32


class ChallengeMade(NamedTuple):
    """A challenge that was just made."""

    id: str
    secret: str
    """For a cookie of the browser it was made for, and known nowhere else."""


class Challenge(NamedTuple):
    """A challenge that holds."""

    id: str
    data: Mapping[str, Any]
    user_id: str | None


def make(
    act: Act,
    kind: rules.Kind,
    *,
    data: Mapping[str, Any] | None = None,
    user_id: str | None = None,
    session_id: str | None = None,
    seconds: int = rules.CHALLENGE_SECONDS,
) -> ChallengeMade:
    """Begin something that is to be ended once, in time, by the same browser.

    Args:
        act: Who begins it.
        kind: What it is for.
        data: What will be needed to end it, as plain JSON. Secrets of others do not belong here.
        user_id: Whose account, where that is known.
        session_id: The session it is begun in, if any.
        seconds: How long it may take.
    """
    secret = secrets.token_urlsafe(SECRET_BYTES)
    row = ChallengeRow(
        id=new_id(),
        kind=kind,
        secret_sha256=accounts.hash_secret(secret),
        data=dict(data or {}),
        user_id=user_id,
        session_id=session_id,
        created_at=act.now,
        expires_at=act.now + timedelta(seconds=seconds),
    )
    act.session.add(row)
    act.session.flush()
    return ChallengeMade(row.id, secret)


def peek(act: Act, kind: rules.Kind, secret: str, *, session_id: str | None = None) -> Challenge:
    """Return a challenge that holds, without using it up.

    Raises:
        ChallengeUnusable: It is unknown, used, out of its time, or not for this.
    """
    return _shown(_find(act, kind, secret, session_id=session_id, to_use=False))


def use(act: Act, kind: rules.Kind, secret: str, *, session_id: str | None = None) -> Challenge:
    """Use a challenge up and return it.

    In a transaction of its own: where what follows fails, the challenge is used up all the same.

    Args:
        act: Whoever ends it.
        kind: What it has to be for.
        secret: Its secret, from the cookie.
        session_id: The session it is ended in, if any: it has to be the one it was begun in.

    Raises:
        ChallengeUnusable: It is unknown, used, out of its time, or not for this.
    """
    row = _find(act, kind, secret, session_id=session_id, to_use=True)
    row.used_at = act.now
    act.session.flush()
    return _shown(row)


def _find(
    act: Act, kind: rules.Kind, secret: str, *, session_id: str | None, to_use: bool
) -> ChallengeRow:
    """Return the row of a challenge that holds; of two who would use it, one at a time."""
    hashed = accounts.hash_secret(secret)
    statement = select(ChallengeRow).where(ChallengeRow.secret_sha256 == hashed)
    row = act.session.scalar(statement.with_for_update() if to_use else statement)
    if row is None or not rules.is_challenge_usable(
        act.now,
        kind=row.kind,
        kind_wanted=kind,
        session_id=row.session_id,
        session_id_wanted=session_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
    ):
        raise ChallengeUnusable
    return row


def _shown(row: ChallengeRow) -> Challenge:
    return Challenge(row.id, row.data, row.user_id)
