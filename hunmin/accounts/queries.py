"""Reads of accounts, links and sessions. Each returns only what the actor may see."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from hunmin.accounts import rules
from hunmin.accounts.tables import SessionRow, SignInLinkRow, UserRoleRow, UserRow
from hunmin.accounts.views import SessionView, UserView
from hunmin.act import Act, Actor
from hunmin.errors import RoleNeeded, SignInLinkUnusable, UserNotFound

PAGE_ROWS = 50
"""How many accounts or keys are listed at once."""


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
    is_held: bool = False
    """Whether the session may only be used to set up the second factor that it lacks."""


def find_by_session(
    act: Act,
    secret: str,
    *,
    second_factor: rules.SecondFactor = "optional",
    opened_before: datetime | None = None,
) -> Recognized | None:
    """Return whose browser a cookie belongs to, or None where the session does not work.

    It is unknown, ended or expired, or the account is disabled.

    Args:
        act: Whoever shows it.
        secret: The cookie.
        second_factor: Who has to have shown a second factor.
        opened_before: Only where it was opened before this moment.
    """
    if rules.secret_of_session(secret) is None:
        return None
    hashed = rules.hash_secret(secret)
    row = act.session.scalar(select(SessionRow).where(SessionRow.secret_sha256 == hashed))
    if (
        row is None
        or not rules.same_hash(row.secret_sha256, hashed)
        or not rules.is_usable(act.now, expires_at=row.expires_at, ended_at=row.ended_at)
        or (opened_before is not None and row.created_at >= opened_before)
    ):
        return None
    user = act.session.get_one(UserRow, row.user_id)
    if user.disabled_at is not None:
        return None
    roles = _roles(user)
    used_today = row.used_on == act.now.date()
    if "guest" in roles:
        return Recognized(Actor(user.id, roles, "guest"), "", row.id, used_today=used_today)
    actor = Actor(
        user_id=user.id,
        roles=rules.roles_in_session(
            roles, strength=row.strength, for_other=row.for_other, second_factor=second_factor
        ),
        proved_at=row.proved_at,
        for_other=row.for_other,
    )
    is_held = second_factor == "everyone" and row.strength == 1
    return Recognized(actor, user.name, row.id, used_today=used_today, is_held=is_held)


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
        SignInLinkUnusable: It is unknown, used or expired, or the account is disabled.
    """
    hashed = rules.hash_secret(secret)
    statement = select(SignInLinkRow).where(SignInLinkRow.secret_sha256 == hashed)
    row = act.session.scalar(statement.with_for_update() if to_use else statement)
    if (
        row is None
        or not rules.same_hash(row.secret_sha256, hashed)
        or not rules.is_usable(act.now, expires_at=row.expires_at, ended_at=row.used_at)
        or act.session.get_one(UserRow, row.user_id).disabled_at is not None
    ):
        raise SignInLinkUnusable
    return row


def is_for_other(act: Act, link: SignInLinkRow) -> bool:
    """Return whether a link lets another person than its owner into an account, for actions."""
    is_in_use = act.session.get_one(UserRow, link.user_id).opened_at is not None
    return rules.is_for_other(user_id=link.user_id, created_by=link.created_by, is_in_use=is_in_use)


def name_on_link(act: Act, link: str) -> str:
    """Return the name of the account a sign-in link would open.

    Raises:
        SignInLinkUnusable: It is unknown, used or expired.
    """
    secret = rules.secret_of_link(link)
    if secret is None:
        raise SignInLinkUnusable
    return act.session.get_one(UserRow, find_link(act, secret).user_id).name


def person_named(act: Act, name: str) -> str | None:
    """Return the id of a person's account of that name that is not disabled.

    For the room of sign-in, which tells nobody whether there is one.
    """
    row = act.session.scalar(select(UserRow).where(UserRow.name_key == rules.name_key(name)))
    is_open = row is not None and row.disabled_at is None and "person" in _roles(row)
    return row.id if row is not None and is_open else None


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
    check_sees_all(act)
    found = select(UserRow).where(UserRow.name_key == rules.name_key(name))
    row = act.session.scalar(found)
    return _user(row) if row else None


def list_users(
    act: Act, *, search: str = "", offset: int = 0, limit: int | None = None
) -> list[UserView]:
    """Return every person's account by name, for an administrator or auditor.

    Args:
        act: Who asks.
        search: Only those whose names hold this, however it is written.
        offset: How many to leave out at the beginning.
        limit: How many at the most.

    Raises:
        RoleNeeded: The actor is neither.
    """
    check_sees_all(act)
    people = select(UserRoleRow.user_id).where(UserRoleRow.role == "person")
    listed = select(UserRow).where(UserRow.id.in_(people)).order_by(UserRow.name_key)
    if search:
        listed = listed.where(UserRow.name_key.contains(rules.name_key(search), autoescape=True))
    return [_user(row) for row in act.session.scalars(listed.offset(offset).limit(limit))]


def users_by_id(act: Act, user_ids: Collection[str]) -> dict[str, UserView]:
    """Return the accounts of these ids that there are.

    For rooms that have found that the actor may know them: members of one organization do.
    """
    rows = act.session.scalars(select(UserRow).where(UserRow.id.in_(user_ids)))
    return {row.id: _user(row) for row in rows}


def list_administrators(act: Act) -> list[UserView]:
    """Return the accounts with the role administrator, for an administrator or auditor."""
    return [user for user in list_users(act) if "administrator" in user.roles]


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
            for_other=row.for_other,
        )
        for row in session_rows(act)
        if rules.is_usable(act.now, expires_at=row.expires_at, ended_at=row.ended_at)
    ]


def session_rows(act: Act, user_id: str | None = None) -> Sequence[SessionRow]:
    """Return the rows of sessions that were not ended, one's own by default, for actions."""
    owner = user_id or act.actor.user_id
    return act.session.scalars(
        select(SessionRow)
        .where(SessionRow.user_id == owner, SessionRow.ended_at.is_(None))
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


def owner_of(act: Act, user_id: str | None) -> str | None:
    """Return whose things are asked for: one's own by default, another's for those who see all.

    Raises:
        RoleNeeded: They are another's, and the actor is neither administrator nor auditor.
    """
    if user_id is not None and user_id != act.actor.user_id:
        check_sees_all(act)
        return user_id
    return act.actor.user_id


def check_sees_all(act: Act) -> None:
    """Raise `RoleNeeded` unless the actor is an administrator or auditor."""
    if not act.actor.has_role("administrator", "auditor"):
        raise RoleNeeded(roles=frozenset({"administrator", "auditor"}))


def _roles(row: UserRow) -> frozenset[rules.Role]:
    return frozenset(role.role for role in row.roles)


def _user(row: UserRow) -> UserView:
    roles: list[rules.Role] = [role.role for role in row.roles]
    return UserView(
        id=row.id,
        name=row.name,
        roles=roles,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
    )
