"""Everything that can be done to second factors: set up, shown, removed."""

import base64
import secrets

from pyotp import TOTP
from sqlalchemy import delete, select

from hunmin import accounts, audit
from hunmin.act import Act
from hunmin.db import new_id
from hunmin.errors import SecondFactorSet, SecondFactorWrong, UserNotFound
from hunmin.signin import queries, rules
from hunmin.signin.owner import check_owner
from hunmin.signin.sealing import Seal
from hunmin.signin.tables import RecoveryCodeRow, TotpRow

SECRET_BYTES = 20
"""As RFC 4226 asks of an HMAC-SHA-1."""


def begin_second_factor(act: Act, *, seal: Seal) -> str:
    """Return a new secret for an authenticator app; it counts once a code of it was typed in.

    Raises:
        SessionNotOwn: Another person's link let the actor in.
        ProofNeeded: The actor did not show just now who they are.
        SecondFactorSet: The account has one.
    """
    user_id = _own(act)
    row = queries.begun_second_factor(act)
    if row is not None and row.confirmed_at is not None:
        raise SecondFactorSet
    secret = secrets.token_bytes(SECRET_BYTES)
    sealed = seal.close(secret, owner=user_id)
    if row is None:
        act.session.add(TotpRow(user_id=user_id, secret_sealed=sealed, last_step=-1))
    else:
        row.secret_sealed = sealed
    audit.record(act, "signin.second_factor.begin", user_id)
    return base64.b32encode(secret).decode()


def confirm_second_factor(act: Act, *, code: str, session_id: str, seal: Seal) -> list[str]:
    """Set up the authenticator app that was begun, and return recovery codes to be shown once.

    Args:
        act: Whose account it is.
        code: A code of the app.
        session_id: The browser, which has shown two factors by it.
        seal: What its secret is sealed with.

    Raises:
        SessionNotOwn: Another person's link let the actor in.
        ProofNeeded: The actor did not show just now who they are.
        SecondFactorSet: The account has one.
        SecondFactorWrong: The code is not right, or nothing was begun.
    """
    user_id = _own(act)
    row = queries.begun_second_factor(act)
    if row is not None and row.confirmed_at is not None:
        raise SecondFactorSet
    if row is None or not _take(act, row, rules.clean_code(code), seal):
        raise SecondFactorWrong
    row.confirmed_at = act.now
    audit.record(act, "signin.second_factor.set", user_id)
    accounts.prove_session(act, session_id, strength=2)
    accounts.end_sessions(act, user_id, but=session_id)
    return make_recovery_codes(act)


def make_recovery_codes(act: Act) -> list[str]:
    """Make recovery codes in the place of those there were, and return them, once.

    Raises:
        SessionNotOwn: Another person's link let the actor in.
        ProofNeeded: The actor did not show just now who they are.
    """
    user_id = _own(act)
    act.session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.user_id == user_id))
    codes = [rules.new_recovery_code() for _ in range(rules.RECOVERY_CODES)]
    for code in codes:
        hashed = accounts.hash_secret(rules.clean_code(code))
        act.session.add(RecoveryCodeRow(id=new_id(), user_id=user_id, code_sha256=hashed))
    audit.record(act, "signin.recovery.make", user_id, codes=len(codes))
    return codes


def remove_second_factor(act: Act, user_id: str) -> None:
    """Remove an account's authenticator app, and its recovery codes where no passkey is left.

    One's own; the house itself removes anybody's, by a command, for people who lost theirs.

    Raises:
        UserNotFound: It is another's account.
        SessionNotOwn: Another person's link let the actor in.
        ProofNeeded: The actor did not show just now who they are.
    """
    check_owner(act, user_id)
    act.session.execute(delete(TotpRow).where(TotpRow.user_id == user_id))
    audit.record(act, "signin.second_factor.remove", user_id)
    end_idle_recovery(act, user_id)
    accounts.end_sessions(act, user_id)


def end_idle_recovery(act: Act, user_id: str) -> None:
    """Remove the recovery codes of an account that has no second factor left to lose."""
    if queries.has_second_factor(act, user_id):
        return
    theirs = delete(RecoveryCodeRow).where(RecoveryCodeRow.user_id == user_id)
    ended = act.session.scalars(theirs.returning(RecoveryCodeRow.id)).all()
    if ended:
        audit.record(act, "signin.recovery.end", user_id, codes=len(ended))


def take_code(act: Act, user_id: str, *, code: str, seal: Seal) -> bool:
    """Use up a code of an account's app, or a recovery code; return whether it was right.

    An account that has passkeys and no app has recovery codes alone.

    In a transaction that is kept in either case: a code that was taken is never taken again.
    """
    typed = rules.clean_code(code)
    locked = select(TotpRow).where(TotpRow.user_id == user_id).with_for_update()
    row = act.session.scalar(locked)
    if row is not None and row.confirmed_at is not None and _take(act, row, typed, seal):
        return True
    if queries.has_second_factor(act, user_id) and _take_recovery(act, user_id, typed):
        return True
    audit.record(act, "signin.second_factor.fail", user_id)
    return False


def _own(act: Act) -> str:
    """Return whose account is to be changed: the actor's own."""
    if act.actor.user_id is None:
        raise UserNotFound
    check_owner(act, act.actor.user_id)
    return act.actor.user_id


def _take(act: Act, row: TotpRow, code: str, seal: Seal) -> bool:
    """Take a code of an app, if it is one that may be taken."""
    secret = base64.b32encode(seal.open(row.secret_sealed, owner=row.user_id)).decode()
    codes = TOTP(secret)
    step = rules.matching_step(
        code,
        act.now,
        last_step=row.last_step,
        code_at=lambda step: codes.at(step * rules.CODE_SECONDS),
    )
    if step is None:
        return False
    row.last_step = step
    act.session.flush()
    return True


def _take_recovery(act: Act, user_id: str, code: str) -> bool:
    found = act.session.scalar(
        select(RecoveryCodeRow).where(
            RecoveryCodeRow.user_id == user_id,
            RecoveryCodeRow.code_sha256 == accounts.hash_secret(code),
            RecoveryCodeRow.used_at.is_(None),
        )
    )
    if found is None:
        return False
    found.used_at = act.now
    audit.record(act, "signin.recovery.use", found.id, user_id=user_id)
    return True
