"""Reads of what people sign in with. Each returns only what the actor may see."""

from typing import NamedTuple

from sqlalchemy import func, select

from hunmin import accounts
from hunmin.act import Act
from hunmin.signin.tables import IdentityRow, PasskeyRow, PasswordRow, RecoveryCodeRow, TotpRow
from hunmin.signin.views import PasskeyView, SecurityView


class Credential(NamedTuple):
    """Whose password is to be tried, and what is kept of it."""

    user_id: str
    hash: str | None
    """None: the account has no password."""


def own_security(act: Act) -> SecurityView:
    """Return what opens the account of whoever asks."""
    user_id = act.actor.user_id or ""
    password = act.session.get(PasswordRow, user_id)
    totp = act.session.get(TotpRow, user_id)
    left = select(func.count()).where(
        RecoveryCodeRow.user_id == user_id, RecoveryCodeRow.used_at.is_(None)
    )
    return SecurityView(
        password_changed_at=password.changed_at if password else None,
        second_factor_since=totp.confirmed_at if totp else None,
        recovery_codes_left=act.session.scalar(left) or 0,
        passkeys=[PasskeyView.model_validate(row) for row in passkey_rows(act, user_id)],
    )


def credential_named(act: Act, name: str) -> Credential | None:
    """Return the password to be tried for an account of that name, for this room alone."""
    user_id = accounts.person_named(act, name)
    return None if user_id is None else credential_of(act, user_id)


def credential_of(act: Act, user_id: str) -> Credential:
    """Return the password to be tried for an account, for this room alone."""
    row = act.session.get(PasswordRow, user_id)
    return Credential(user_id, row.hash if row else None)


def has_second_factor(act: Act, user_id: str) -> bool:
    """Return whether one factor alone does not open an account: it has an app or a passkey."""
    return has_app(act, user_id) or bool(passkey_rows(act, user_id))


def has_app(act: Act, user_id: str) -> bool:
    """Return whether an authenticator app of an account was set up."""
    row = act.session.get(TotpRow, user_id)
    return row is not None and row.confirmed_at is not None


def passkey_rows(act: Act, user_id: str, *, to_change: bool = False) -> list[PasskeyRow]:
    """Return the passkeys of an account, the oldest first, for this room alone.

    Args:
        act: Who asks.
        user_id: Whose.
        to_change: Whether others who would change them wait until this is over.
    """
    theirs = select(PasskeyRow).where(PasskeyRow.user_id == user_id).order_by(PasskeyRow.id)
    return list(act.session.scalars(theirs.with_for_update() if to_change else theirs))


def opens_without_passkey(act: Act, user_id: str) -> bool:
    """Return whether an account has a password, or a provider that signs its owner in."""
    has_password = act.session.get(PasswordRow, user_id) is not None
    linked = select(IdentityRow.subject).where(IdentityRow.user_id == user_id).limit(1)
    return has_password or act.session.scalar(linked) is not None


def begun_second_factor(act: Act) -> TotpRow | None:
    """Return the row of the authenticator app of whoever asks, for actions of this room."""
    row = select(TotpRow).where(TotpRow.user_id == act.actor.user_id)
    return act.session.scalar(row.with_for_update())
