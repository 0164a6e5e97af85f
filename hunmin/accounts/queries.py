"""Reads of accounts. Each returns only what the actor may see."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from hunmin.accounts import rules
from hunmin.accounts.tables import KeyRow, SessionRow, SignInLinkRow, UserRoleRow, UserRow
from hunmin.accounts.views import KeyView, SessionView, UserView
from hunmin.act import Act, Actor
from hunmin.errors import InvalidApiKey, RoleNeeded, SignInLinkUnusable, UserNotFound

_KEY_ENDED = select(KeyRow.id).where(
    KeyRow.id == bindparam("key_id"),
    KeyRow.revoked_at.is_not(None) | (KeyRow.expires_at <= bindparam("now")),
)


@dataclass(frozen=True, slots=True)
class Recognized:
    """Whom a secret belongs to."""

    actor: Actor
    name: str
    """The name of the account; empty for a guest."""
    secret_id: str
    """The id of the session or key."""
    used_today: bool
    """Whether today's use is on record already."""


def find_by_key(act: Act, secret: str) -> Recognized | None:
    """Return whom a key belongs to, or None where it is unknown, revoked or expired."""
    if rules.secret_of_key(secret) is None:
        return None
    hashed = rules.hash_secret(secret)
    row = act.session.scalar(select(KeyRow).where(KeyRow.secret_sha256 == hashed))
    if row is None or not rules.same_hash(row.secret_sha256, hashed):
        return None
    if not rules.is_usable(act.now, expires_at=row.expires_at, ended_at=row.revoked_at):
        return None
    user = act.session.get_one(UserRow, row.user_id)
    actor = Actor(user_id=user.id, roles=_roles(user), kind="key", key_id=row.id)
    return Recognized(actor, user.name, row.id, used_today=row.used_on == act.now.date())


def check_key_works(act: Act) -> None:
    """Raise `InvalidApiKey` where the key that acts was revoked or has expired meanwhile.

    For the transaction in which a key does something, where it was recognized in an earlier one.
    """
    if act.actor.key_id is None:
        return
    asked = {"key_id": act.actor.key_id, "now": act.now}
    if act.session.connection().execute(_KEY_ENDED, asked).first() is not None:
        raise InvalidApiKey


def find_by_session(act: Act, secret: str) -> Recognized | None:
    """Return whose browser a cookie belongs to, or None where it is unknown, ended or expired."""
    if rules.secret_of_session(secret) is None:
        return None
    hashed = rules.hash_secret(secret)
    row = act.session.scalar(select(SessionRow).where(SessionRow.secret_sha256 == hashed))
    if row is None or not rules.same_hash(row.secret_sha256, hashed):
        return None
    if not rules.is_usable(act.now, expires_at=row.expires_at, ended_at=row.ended_at):
        return None
    user = act.session.get_one(UserRow, row.user_id)
    roles = _roles(user)
    is_guest = "guest" in roles
    actor = Actor(user_id=user.id, roles=roles, kind="guest" if is_guest else "person")
    name = "" if is_guest else user.name
    return Recognized(actor, name, row.id, used_today=row.used_on == act.now.date())


def find_actor_by_key(act: Act, secret: str) -> Actor | None:
    """Return who acts with this key, or None where it is unknown, revoked or expired."""
    found = find_by_key(act, secret)
    return found.actor if found else None


def find_actor_by_session(act: Act, secret: str) -> Actor | None:
    """Return whose browser this is, or None where the session is unknown, ended or expired."""
    found = find_by_session(act, secret)
    return found.actor if found else None


def find_link(act: Act, secret: str, *, to_use: bool = False) -> SignInLinkRow:
    """Return a sign-in link that still opens its account. The secret itself is the permission.

    Args:
        act: Whoever holds it.
        secret: Its secret.
        to_use: It will be used up: of two that would use it at once the second finds it used.

    Raises:
        SignInLinkUnusable: It is unknown, used or expired.
    """
    hashed = rules.hash_secret(secret)
    statement = select(SignInLinkRow).where(SignInLinkRow.secret_sha256 == hashed)
    row = act.session.scalar(statement.with_for_update() if to_use else statement)
    if (
        row is None
        or not rules.same_hash(row.secret_sha256, hashed)
        or not rules.is_usable(act.now, expires_at=row.expires_at, ended_at=row.used_at)
    ):
        raise SignInLinkUnusable
    return row


def name_on_link(act: Act, link: str) -> str:
    """Return the name of the account a sign-in link would open.

    Raises:
        SignInLinkUnusable: It is unknown, used or expired.
    """
    secret = rules.secret_of_link(link)
    if secret is None:
        raise SignInLinkUnusable
    return act.session.get_one(UserRow, find_link(act, secret).user_id).name


def get_user(act: Act, user_id: str) -> UserView:
    """Return one account: one's own, or any for an administrator or auditor.

    Raises:
        UserNotFound: There is none, or the actor may not know.
    """
    row = act.session.get(UserRow, user_id)
    if row is None or not (
        act.actor.user_id == user_id or act.actor.has_role("administrator", "auditor")
    ):
        raise UserNotFound
    return _user(row)


def find_user(act: Act, name: str) -> UserView | None:
    """Return the account of that name, for an administrator or auditor.

    Raises:
        RoleNeeded: The actor is neither.
    """
    _check_sees_all(act)
    found = select(UserRow).where(UserRow.name_key == rules.name_key(name))
    row = act.session.scalar(found)
    return _user(row) if row else None


def list_users(act: Act) -> list[UserView]:
    """Return every account that is not a guest's, for an administrator or auditor.

    Raises:
        RoleNeeded: The actor is neither.
    """
    _check_sees_all(act)
    guests = select(UserRoleRow.user_id).where(UserRoleRow.role == "guest")
    rows = act.session.scalars(
        select(UserRow).where(UserRow.id.not_in(guests)).order_by(UserRow.name_key)
    )
    return [_user(row) for row in rows]


def list_administrators(act: Act) -> list[UserView]:
    """Return the accounts with the role administrator, for an administrator or auditor."""
    return [user for user in list_users(act) if "administrator" in user.roles]


def list_keys(act: Act, user_id: str | None = None) -> list[KeyView]:
    """Return the keys of an account that are not revoked, the newest first.

    Args:
        act: Who asks.
        user_id: Whose; one's own by default. Another's only for an administrator or auditor.
    """
    return [KeyView.model_validate(row) for row in key_rows(act, user_id)]


def key_rows(act: Act, user_id: str | None = None) -> Sequence[KeyRow]:
    """Return the rows of an account's keys that are not revoked, for actions."""
    owner = _owner(act, user_id)
    return act.session.scalars(
        select(KeyRow)
        .where(KeyRow.user_id == owner, KeyRow.revoked_at.is_(None))
        .order_by(KeyRow.id.desc())
    ).all()


def count_usable_keys(act: Act, user_id: str) -> int:
    """Return how many keys of an account work now."""
    usable = select(func.count()).where(
        KeyRow.user_id == _owner(act, user_id),
        KeyRow.revoked_at.is_(None),
        KeyRow.expires_at.is_(None) | (KeyRow.expires_at > act.now),
    )
    return act.session.scalar(usable) or 0


def list_sessions(act: Act, *, this: str | None = None) -> list[SessionView]:
    """Return one's own browsers that are signed in, the newest first.

    Args:
        act: Who asks.
        this: The id of the session that asks, to be marked.
    """
    return [
        SessionView(
            id=row.id,
            device=row.device,
            created_at=row.created_at,
            used_on=row.used_on,
            expires_at=row.expires_at,
            is_this=row.id == this,
        )
        for row in session_rows(act)
        if rules.is_usable(act.now, expires_at=row.expires_at, ended_at=row.ended_at)
    ]


def session_rows(act: Act) -> Sequence[SessionRow]:
    """Return the rows of one's own sessions that were not ended, for actions."""
    return act.session.scalars(
        select(SessionRow)
        .where(SessionRow.user_id == act.actor.user_id, SessionRow.ended_at.is_(None))
        .order_by(SessionRow.id.desc())
    ).all()


def lost_guests(act: Act) -> Sequence[UserRow]:
    """Return guests whose sessions have all ended, for actions of the house itself."""
    guests = select(UserRoleRow.user_id).where(UserRoleRow.role == "guest")
    reachable = select(SessionRow.user_id).where(
        SessionRow.ended_at.is_(None), SessionRow.expires_at > act.now
    )
    return act.session.scalars(
        select(UserRow).where(UserRow.id.in_(guests), UserRow.id.not_in(reachable))
    ).all()


def _owner(act: Act, user_id: str | None) -> str | None:
    if user_id is not None and user_id != act.actor.user_id:
        _check_sees_all(act)
        return user_id
    return act.actor.user_id


def _check_sees_all(act: Act) -> None:
    if not act.actor.has_role("administrator", "auditor"):
        raise RoleNeeded(roles=frozenset({"administrator", "auditor"}))


def _roles(row: UserRow) -> frozenset[str]:
    return frozenset(role.role for role in row.roles)


def _user(row: UserRow) -> UserView:
    roles: list[rules.Role] = [role.role for role in row.roles]
    return UserView(id=row.id, name=row.name, roles=roles, created_at=row.created_at)
