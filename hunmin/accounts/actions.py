"""Everything that can be done to accounts, sign-in links and sessions."""

import secrets
from collections.abc import Collection
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from hunmin import audit
from hunmin.accounts import opening, queries, rules, session_actions
from hunmin.accounts.opening import SessionOpened
from hunmin.accounts.tables import SessionRow, SignInLinkRow, UserRoleRow, UserRow
from hunmin.accounts.views import UserView
from hunmin.act import Act
from hunmin.db import new_id
from hunmin.errors import SignInLinkUnusable, UserExists, UserNotFound


class LinkUsed(NamedTuple):
    """Whom a sign-in link showed somebody to be."""

    user_id: str
    for_other: bool
    """Whether another person made it, for an account that is in use."""


def create_user(act: Act, *, name: str, roles: Collection[str] = ("person",)) -> UserView:
    """Make an account.

    Raises:
        PersonNeeded: A key tried.
        RoleNeeded: The actor is not an administrator.
        NameUnusable: The name cannot be one.
        RoleUnknown: A role cannot be given.
        ProofNeeded: A role is given, and the actor did not show just now who they are.
        UserExists: The name is taken.
    """
    rules.check_administers(act.actor)
    cleaned = rules.clean_name(name)
    given = _given(roles)
    if not rules.HOUSE_ROLES.isdisjoint(given):
        rules.check_proved(act.actor, act.now)
    if queries.find_user(act, cleaned) is not None:
        raise UserExists
    row = _add_user(act, cleaned, given)
    audit.record(act, "accounts.user.create", row.id, roles=":".join(given))
    return queries.get_user(act, row.id)


def create_service_account(act: Act, *, name: str) -> UserView:
    """Make an account that nobody can sign in to and that owns keys of programs.

    For the room that has found that the actor may. Its name need not be unlike all others.

    Raises:
        NameUnusable: The name has no letter and no digit.
    """
    row = _add_user(act, rules.clean_label(name), ["service"], key=f"service:{new_id()}")
    audit.record(act, "accounts.user.create", row.id, roles="service")
    return queries.users_by_id(act, [row.id])[row.id]


def disable_user(act: Act, user_id: str) -> None:
    """Shut an account: no session, key or link of it opens anything until it is enabled again.

    Every browser of it is signed out.

    Raises:
        PersonNeeded: A key tried.
        RoleNeeded: The actor is not an administrator.
        OwnAccount: It is the actor's own.
        UserNotFound: There is no such account.
    """
    row = _another(act, user_id)
    if row.disabled_at is None:
        row.disabled_at = act.now
        audit.record(act, "accounts.user.disable", user_id)
        session_actions.end_sessions(act, user_id)


def enable_user(act: Act, user_id: str) -> None:
    """Open an account again that was disabled. Its keys work again; its browsers must sign in.

    Raises:
        PersonNeeded: A key tried.
        RoleNeeded: The actor is not an administrator.
        OwnAccount: It is the actor's own.
        UserNotFound: There is no such account.
    """
    row = _another(act, user_id)
    if row.disabled_at is not None:
        row.disabled_at = None
        audit.record(act, "accounts.user.enable", user_id)


def change_roles(act: Act, user_id: str, *, roles: Collection[str]) -> UserView:
    """Give an account these roles and no others, and sign every browser of it out.

    Raises:
        PersonNeeded: A key tried.
        RoleNeeded: The actor is not an administrator.
        OwnAccount: It is the actor's own.
        UserNotFound: There is no such account, or it is not a person's.
        RoleUnknown: A role cannot be given.
        ProofNeeded: The actor did not show just now who they are.
    """
    row = _another(act, user_id)
    rules.check_proved(act.actor, act.now)
    given = _given(roles)
    if sorted(role.role for role in row.roles) != given:
        row.roles = [UserRoleRow(role=role) for role in given]
        act.session.flush()
        audit.record(act, "accounts.user.change", user_id, roles=":".join(given))
        session_actions.end_sessions(act, user_id)
    return queries.get_user(act, user_id)


def create_sign_in_link(act: Act, user_id: str, *, minutes: int = 60) -> str:
    """Return the secret of a new link that signs this account in, once, within `minutes`.

    Raises:
        PersonNeeded: A key or a guest tried.
        RoleNeeded: It is another's account and the actor is not an administrator.
        SessionNotOwn: Another person's link let the actor in.
        ProofNeeded: The actor did not show just now who they are.
        UserNotFound: There is no such account.
    """
    rules.check_answers_for(act.actor, user_id)
    rules.check_proved(act.actor, act.now)
    user = queries.get_user(act, user_id)
    if "person" not in user.roles:
        raise UserNotFound
    secret = secrets.token_urlsafe(rules.SECRET_BYTES)
    row = SignInLinkRow(
        id=new_id(),
        user_id=user_id,
        secret_sha256=rules.hash_secret(secret),
        created_by=act.actor.user_id,
        created_at=act.now,
        expires_at=act.now + timedelta(minutes=minutes),
    )
    act.session.add(row)
    audit.record(act, "accounts.link.create", row.id, user_id=user_id, minutes=minutes)
    return secret


def use_link(act: Act, link: str) -> LinkUsed:
    """Use up a sign-in link and return whose account it opens; a session is for the caller.

    Args:
        act: Whoever holds the link; nobody in particular.
        link: The address of the link, or its secret alone.

    Raises:
        SignInLinkUnusable: It is unknown, used or expired.
    """
    secret = rules.secret_of_link(link)
    if secret is None:
        raise SignInLinkUnusable
    row = queries.find_link(act, secret, to_use=True)
    row.used_at = act.now
    for_other = queries.is_for_other(act, row)
    audit.record(act, "accounts.link.use", row.id, user_id=row.user_id, for_other=for_other)
    return LinkUsed(row.user_id, for_other=for_other)


def welcome_guest(act: Act, *, days: int, device: str = "") -> SessionOpened:
    """Make an account for a browser that never signed in, and open its session."""
    user = _add_user(act, f"guest-{new_id()[-12:]}", ["guest"])
    opened = opening.add_session(act, user.id, method="guest", strength=1, days=days, device=device)
    audit.record(act, "accounts.guest.create", user.id, session_id=opened.session_id)
    return opened


def sweep(act: Act) -> int:
    """Remove what opens nothing any more, and guests nobody can be again; return how many guests.

    A guest is their browser's session: when that has ended, nobody can reach what was theirs, so
    it is not kept either. Links and sessions stay some days after their end, for questions.
    """
    before = act.now - timedelta(days=rules.ENDED_DAYS_KEPT)
    removed = 0
    for kind in (SignInLinkRow, SessionRow):
        ended = delete(kind).where(kind.expires_at < before).returning(kind.id)
        removed += len(act.session.scalars(ended).all())
    if removed:
        audit.record(act, "accounts.secret.sweep", "accounts", removed=removed)
    guests = queries.lost_guests(act)
    for row in guests:
        act.session.delete(row)
        audit.record(act, "accounts.guest.forget", row.id)
    return len(guests)


def _given(roles: Collection[str]) -> list[rules.Role]:
    """Return the roles of a person's account to whom these are given."""
    return sorted({"person", *(rules.check_role(role) for role in roles)})


def _another(act: Act, user_id: str) -> UserRow:
    """Return the row of another person's account, which an administrator may change."""
    rules.check_administers(act.actor)
    rules.check_is_another(act.actor, user_id)
    row = act.session.get(UserRow, user_id)
    if row is None or "person" not in {role.role for role in row.roles}:
        raise UserNotFound
    return row


def _add_user(
    act: Act, name: str, roles: Collection[rules.Role], *, key: str | None = None
) -> UserRow:
    """Add an account; by `key` it is told from others, by its name by default."""
    row = UserRow(
        id=new_id(),
        name=name,
        name_key=rules.name_key(name) if key is None else key,
        created_at=act.now,
        roles=[UserRoleRow(role=role) for role in roles],
    )
    act.session.add(row)
    try:
        act.session.flush()
    except IntegrityError as error:  # another took the name since it was looked up
        raise UserExists from error
    return row
