"""Reads of keys. Each returns only what the actor, or the room that asks for them, may see."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, bindparam, func, or_, select

from hunmin.accounts import rules
from hunmin.accounts.queries import PAGE_ROWS, Recognized, check_sees_all, owner_of
from hunmin.accounts.tables import KeyRow, UserRoleRow, UserRow
from hunmin.accounts.views import KeyView
from hunmin.act import Act, Actor
from hunmin.errors import InvalidApiKey, KeyNotFound
from hunmin.prepared import Prepared

_FOUND = (
    select(
        KeyRow.id,
        KeyRow.user_id,
        KeyRow.secret_sha256,
        KeyRow.expires_at,
        KeyRow.revoked_at,
        KeyRow.retires_at,
        KeyRow.used_on,
        KeyRow.organization_id,
        KeyRow.project_id,
        KeyRow.scopes,
        KeyRow.models,
        UserRow.name,
        UserRow.disabled_at,
        UserRoleRow.role,
    )
    .join(UserRow, UserRow.id == KeyRow.user_id)
    .join(UserRoleRow, UserRoleRow.user_id == UserRow.id)
    .where(KeyRow.secret_sha256 == bindparam("hashed"))
)
"""A key with its owner, a row for each role: one question, asked for most requests there are."""

_KEY_ENDED = Prepared(
    select(KeyRow.id)
    .join(UserRow, UserRow.id == KeyRow.user_id)
    .where(
        KeyRow.id == bindparam("key_id"),
        or_(
            KeyRow.revoked_at.is_not(None),
            KeyRow.expires_at <= bindparam("now"),
            KeyRow.retires_at <= bindparam("now"),
            UserRow.disabled_at.is_not(None),
        ),
    )
)


def find_by_key(act: Act, secret: str) -> Recognized | None:
    """Return whom a key belongs to, or None where it does not work.

    It is unknown, revoked, expired or replaced, or its owner's account is disabled.
    """
    if rules.secret_of_key(secret) is None:
        return None
    hashed = rules.hash_secret(secret)
    rows = act.session.connection().execute(_FOUND, {"hashed": hashed}).all()
    row = rows[0] if rows else None
    if row is None or not rules.same_hash(row.secret_sha256, hashed):
        return None
    if row.disabled_at is not None or not rules.is_usable(
        act.now, expires_at=row.expires_at, ended_at=row.revoked_at, retires_at=row.retires_at
    ):
        return None
    actor = Actor(
        user_id=row.user_id,
        roles=rules.roles_of_key(
            {one.role for one in rows}, scopes=row.scopes, organization_id=row.organization_id
        ),
        kind="key",
        key_id=row.id,
        organization_id=row.organization_id,
        project_id=row.project_id,
        scopes=frozenset(row.scopes),
        models=None if row.models is None else frozenset(row.models),
    )
    return Recognized(actor, row.name, row.id, used_today=row.used_on == act.now.date())


def check_key_works(act: Act) -> None:
    """Raise `InvalidApiKey` where the key that acts has come to its end meanwhile.

    For the transaction in which a key does something, where it was recognized in an earlier one.
    """
    if act.actor.key_id is None:
        return
    asked = {"key_id": act.actor.key_id, "now": act.now}
    if _KEY_ENDED.first(act.session, asked) is not None:
        raise InvalidApiKey


def find_actor_by_key(act: Act, secret: str) -> Actor | None:
    """Return who acts with this key, or None where it is unknown, revoked or expired."""
    found = find_by_key(act, secret)
    return found.actor if found else None


def list_keys(act: Act, user_id: str | None = None) -> list[KeyView]:
    """Return the keys of an account that work, the newest first.

    Args:
        act: Who asks.
        user_id: Whose; one's own by default. Another's only for an administrator or auditor.
    """
    rows = key_rows(act, user_id=owner_of(act, user_id))
    return [KeyView.model_validate(row) for row in rows]


def list_all_keys(act: Act) -> list[tuple[str, KeyView]]:
    """Return every key that works with the name of its account, service accounts included.

    Sorted by name, the newest of each account first; for an administrator or auditor.

    Raises:
        RoleNeeded: The actor is neither.
    """
    check_sees_all(act)
    rows = act.session.execute(
        select(UserRow.name, KeyRow)
        .join(UserRow, UserRow.id == KeyRow.user_id)
        .where(*_works(act))
        .order_by(UserRow.name_key, UserRow.id, KeyRow.id.desc())
    )
    return [(name, KeyView.model_validate(row)) for name, row in rows]


def keys_of_organization(
    act: Act,
    organization_id: str,
    *,
    project_id: str | None,
    user_id: str | None = None,
    before: str | None = None,
    limit: int = PAGE_ROWS,
) -> list[KeyView]:
    """Return keys of a project, or of the organization itself, the newest first.

    For the room that has found that the actor may know them.

    Args:
        act: Who asks.
        organization_id: Which organization.
        project_id: Which of its projects; None: keys of none of them.
        user_id: Only the keys of this account.
        before: Only keys older than the one of this id, to read on.
        limit: How many at the most.
    """
    listed = (
        select(KeyRow)
        .where(
            KeyRow.organization_id == organization_id,
            KeyRow.project_id.is_(None) if project_id is None else KeyRow.project_id == project_id,
            *_works(act),
        )
        .order_by(KeyRow.id.desc())
        .limit(limit)
    )
    if user_id is not None:
        listed = listed.where(KeyRow.user_id == user_id)
    if before is not None:
        listed = listed.where(KeyRow.id < before)
    return [KeyView.model_validate(row) for row in act.session.scalars(listed)]


def check_key_of(act: Act, organization_id: str, *, project_id: str, key_id: str) -> None:
    """Raise `KeyNotFound` unless a project has a key of that id that works.

    For the room that has found that the actor may know it.
    """
    if not key_rows(act, organization_id=organization_id, project_id=project_id, key_id=key_id):
        raise KeyNotFound


def key_rows(
    act: Act,
    *,
    user_id: str | None = None,
    organization_id: str | None = None,
    project_id: str | None = None,
    key_id: str | None = None,
) -> Sequence[KeyRow]:
    """Return the rows of keys that work: of an account, an organization, a project, or all three.

    For actions that know whose keys they may touch. With `key_id` only that one of them.
    """
    asked = {"user_id": user_id, "organization_id": organization_id, "project_id": project_id}
    narrowed = [getattr(KeyRow, name) == wanted for name, wanted in asked.items() if wanted]
    assert narrowed, "nobody touches the keys of everybody"
    if key_id is not None:
        narrowed.append(KeyRow.id == key_id)
    return act.session.scalars(
        select(KeyRow).where(*narrowed, *_works(act)).order_by(KeyRow.id.desc())
    ).all()


def count_usable_keys(act: Act, user_id: str) -> int:
    """Return how many keys of an account work now, without those another took the place of."""
    usable = select(func.count()).where(
        KeyRow.user_id == user_id, KeyRow.retires_at.is_(None), *_works(act)
    )
    return act.session.scalar(usable) or 0


def _works(act: Act) -> list[ColumnElement[bool]]:
    """Return what is true of a key that works, whatever became of its owner."""
    return [
        KeyRow.revoked_at.is_(None),
        or_(KeyRow.expires_at.is_(None), KeyRow.expires_at > act.now),
        or_(KeyRow.retires_at.is_(None), KeyRow.retires_at > act.now),
    ]
