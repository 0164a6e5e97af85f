"""Everything that can be done to passkeys: added, shown, renamed, removed."""

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from hunmin import accounts, audit
from hunmin.act import Act
from hunmin.db import new_id
from hunmin.errors import (
    HunminError,
    LastWayIn,
    PasskeyCloned,
    PasskeyNotFound,
    PasskeyUnusable,
    UserNotFound,
)
from hunmin.signin import factor_actions, queries, rules
from hunmin.signin.owner import check_owner
from hunmin.signin.passkeys import Json, NewPasskey, Site, check_known, id_in
from hunmin.signin.tables import PasskeyRow


class Taken(NamedTuple):
    """What came of a passkey that was shown."""

    user_id: str
    """Whose account it opens; empty where it is refused."""
    refusal: HunminError | None


def add_passkey(act: Act, made: NewPasskey, *, name: str, session_id: str) -> None:
    """Keep a passkey that was just made; the browser has shown two factors by it.

    Where it is the first thing beside a password, browsers that showed that alone are signed out.

    Args:
        act: Whose account it is for.
        made: The passkey.
        name: What its owner calls it.
        session_id: The browser.

    Raises:
        SessionNotOwn: Another person's link let the actor in.
        ProofNeeded: The actor did not show just now who they are.
        NameUnusable: The name has no letter and no digit.
        TooManyPasskeys: The account has as many as it may.
        PasskeyUnusable: It is known already, as this account's or another's.
    """
    user_id = act.actor.user_id or ""
    check_owner(act, user_id)
    had_second = queries.has_second_factor(act, user_id)
    rules.check_passkey_count(len(queries.passkey_rows(act, user_id, to_change=True)))
    row = PasskeyRow(
        id=new_id(),
        user_id=user_id,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        name=accounts.clean_label(name),
        backed_up=made.backed_up,
        created_at=act.now,
    )
    act.session.add(row)
    try:
        act.session.flush()
    except IntegrityError as error:
        raise PasskeyUnusable from error
    audit.record(act, "signin.passkey.add", row.id, user_id=user_id, backed_up=row.backed_up)
    accounts.prove_session(act, session_id, strength=2)
    if not had_second:
        accounts.end_sessions(act, user_id, but=session_id)


def take_passkey(
    act: Act, answer: Json, *, site: Site, challenge: bytes, user_id: str | None = None
) -> Taken:
    """Look at a passkey that a browser showed, and say whose account it opens.

    In a transaction that is kept whatever comes of it: a refusal is on record, and one that was
    copied opens nothing from then on.

    Args:
        act: Whoever showed it.
        answer: What the browser answered.
        site: Whose passkeys these are.
        challenge: What it had to sign.
        user_id: The account it has to be of; None: of any, which its device then has to name.
    """
    asked = select(PasskeyRow).where(PasskeyRow.credential_id == id_in(answer))
    row = act.session.scalar(asked.with_for_update())
    if row is None or user_id not in {None, row.user_id}:
        audit.record(act, "signin.passkey.fail", row.id if row else "nobody")
        return Taken("", PasskeyUnusable())
    try:
        shown = check_known(
            site,
            answer,
            challenge=challenge,
            public_key=row.public_key,
            user_id=row.user_id,
            names_user=user_id is None,
        )
    except PasskeyUnusable as error:
        audit.record(act, "signin.passkey.fail", row.id, user_id=row.user_id)
        return Taken("", error)
    if rules.is_cloned(count_before=row.sign_count, count_shown=shown.sign_count):
        row.cloned_at = row.cloned_at or act.now
    if row.cloned_at is not None:
        audit.record(act, "signin.passkey.clone", row.id, user_id=row.user_id)
        return Taken("", PasskeyCloned())
    row.sign_count, row.backed_up, row.used_on = shown.sign_count, shown.backed_up, act.now.date()
    audit.record(act, "signin.passkey.use", row.id, user_id=row.user_id)
    return Taken(row.user_id, None)


def rename_passkey(act: Act, passkey_id: str, *, name: str) -> None:
    """Give one of one's own passkeys another name.

    Raises:
        SessionNotOwn: Another person's link let the actor in.
        PasskeyNotFound: The actor has none of that id.
        NameUnusable: The name has no letter and no digit.
    """
    accounts.check_own_session(act.actor)
    rows = queries.passkey_rows(act, act.actor.user_id or "", to_change=True)
    row = _of_id(rows, passkey_id)
    row.name = accounts.clean_label(name)
    audit.record(act, "signin.passkey.rename", passkey_id)


def remove_passkey(act: Act, passkey_id: str, *, session_id: str | None = None) -> None:
    """End one of one's own passkeys, and sign every other browser out.

    Args:
        act: Whose it is.
        passkey_id: Which.
        session_id: The browser that stays signed in.

    Raises:
        SessionNotOwn: Another person's link let the actor in.
        ProofNeeded: The actor did not show just now who they are.
        PasskeyNotFound: The actor has none of that id.
        LastWayIn: Nothing else opens the account.
    """
    user_id = act.actor.user_id or ""
    check_owner(act, user_id)
    rows = queries.passkey_rows(act, user_id, to_change=True)
    row = _of_id(rows, passkey_id)
    has_other = any(other.cloned_at is None for other in rows if other is not row)
    opens = row.cloned_at is None
    if opens and not has_other and not queries.opens_without_passkey(act, user_id):
        raise LastWayIn
    act.session.delete(row)
    act.session.flush()
    audit.record(act, "signin.passkey.remove", passkey_id, user_id=user_id)
    factor_actions.end_idle_recovery(act, user_id)
    accounts.end_sessions(act, user_id, but=session_id)


def remove_every_passkey(act: Act, user_id: str) -> None:
    """Remove the passkeys of somebody who lost them, for the house itself.

    Raises:
        UserNotFound: The actor is not the house.
    """
    if act.actor.kind != "system":
        raise UserNotFound
    for row in queries.passkey_rows(act, user_id, to_change=True):
        act.session.delete(row)
        audit.record(act, "signin.passkey.remove", row.id, user_id=user_id)
    act.session.flush()
    accounts.end_sessions(act, user_id)


def _of_id(rows: list[PasskeyRow], passkey_id: str) -> PasskeyRow:
    for row in rows:
        if row.id == passkey_id:
            return row
    raise PasskeyNotFound
