"""Everything that can be done to keys: made, used, replaced, revoked.

Whoever makes a key of their own comes through `create_key`. A room that says who may make, replace
and end the keys of an organization decides that itself, and then comes through `make_key`,
`replace_key` and `end_keys`.
"""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from hunmin import audit
from hunmin.accounts import key_queries, queries, rules
from hunmin.accounts.tables import KeyRow
from hunmin.accounts.views import KeyView
from hunmin.act import Act
from hunmin.db import new_id
from hunmin.errors import KeyNotFound, UserNotFound


class KeyMade(NamedTuple):
    """A key that was just made. Its secret is known only here, only now."""

    key: KeyView
    secret: str


def create_key(
    act: Act,
    *,
    name: str,
    user_id: str | None = None,
    days: int | None = None,
    scopes: Collection[str] = rules.PROGRAM_SCOPES,
    models: Sequence[str] | None = None,
) -> KeyMade:
    """Make an API key. Its secret is in the answer and nowhere else.

    Args:
        act: Who makes it.
        name: What it is for, in its owner's words.
        user_id: Whose it is; one's own by default.
        days: After how many days it expires; None: never.
        scopes: What it may be used for.
        models: The models it may ask; None: any.

    Raises:
        PersonNeeded: A key or a guest tried.
        RoleNeeded: It is for another and the actor is not an administrator.
        UserNotFound: There is no such account.
        NameUnusable: The name has no letter and no digit.
        ScopeUnknown: There is none of one of these names, or none is given.
        ModelsUnfit: The models are too many, or one cannot be a model's name.
        TooManyKeys: The account holds as many as it may.
        ProofNeeded: It is for administering, and the actor did not show just now who they are.
    """
    owner = user_id or act.actor.user_id
    if owner is None:
        raise UserNotFound
    rules.check_answers_for(act.actor, owner)
    if "person" not in queries.get_user(act, owner).roles:
        raise UserNotFound
    return make_key(act, name=name, user_id=owner, days=days, scopes=scopes, models=models)


def make_key(
    act: Act,
    *,
    name: str,
    user_id: str,
    days: int | None,
    scopes: Collection[str],
    models: Sequence[str] | None = None,
    organization_id: str | None = None,
    project_id: str | None = None,
) -> KeyMade:
    """Make a key for an account, the caller having found that the actor may.

    Args:
        act: Who makes it.
        name: What it is for.
        user_id: The account that answers for it.
        days: After how many days it expires; None: never.
        scopes: What it may be used for.
        models: The models it may ask; None: any.
        organization_id: The organization it belongs to, if any.
        project_id: The project of that organization it belongs to, if any.

    Raises:
        NameUnusable: The name has no letter and no digit.
        ScopeUnknown: There is none of one of these names, or none is given.
        ModelsUnfit: The models are too many, or one cannot be a model's name.
        TooManyKeys: The account holds as many as it may.
        ProofNeeded: It is for administering, and the actor did not show just now who they are.
    """
    if "admin" in scopes:
        rules.check_proved(act.actor, act.now)
    rules.check_key_count(key_queries.count_usable_keys(act, user_id))
    row = KeyRow(
        user_id=user_id,
        name=rules.clean_label(name),
        expires_at=rules.expiry(act.now, days=days),
        organization_id=organization_id,
        project_id=project_id,
        scopes=rules.check_scopes(scopes),
        models=rules.check_models(models),
    )
    return _keep(act, row)


def use_key(act: Act, key_id: str) -> None:
    """Note that a key is used today."""
    row = act.session.get(KeyRow, key_id)
    if row is None or row.user_id != act.actor.user_id:
        raise KeyNotFound
    row.used_on = act.now.date()
    audit.record(act, "accounts.key.use", key_id)


def rotate_key(
    act: Act, key_id: str, *, overlap_hours: int, overlap_hours_max: int, user_id: str | None = None
) -> KeyMade:
    """Make a key that takes the place of another, which works a while longer beside it.

    Args:
        act: Who asks.
        key_id: The key to be replaced.
        overlap_hours: How long that one works from now on; 0: it ends at once.
        overlap_hours_max: How long it may.
        user_id: Whose it is; one's own by default.

    Raises:
        PersonNeeded: A key or a guest tried.
        RoleNeeded: It is another's and the actor is not an administrator.
        KeyNotFound: The account has none of that id that works.
        KeyNotRotatable: Another took its place already.
        OverlapTooLong: The old key was to work longer than it may.
    """
    owner = user_id or act.actor.user_id or ""
    rules.check_answers_for(act.actor, owner)
    return replace_key(
        act,
        key_id,
        user_id=owner,
        overlap_hours=overlap_hours,
        overlap_hours_max=overlap_hours_max,
    )


def replace_key(
    act: Act,
    key_id: str,
    *,
    overlap_hours: int,
    overlap_hours_max: int,
    user_id: str | None = None,
    organization_id: str | None = None,
    project_id: str | None = None,
) -> KeyMade:
    """Replace a key of an account, organization or project, the caller having found one may.

    The new key has the name, rights and length of life of the old one. See `rotate_key`.
    """
    longest = rules.overlap(overlap_hours, hours_max=overlap_hours_max)
    rows = key_queries.key_rows(
        act,
        user_id=user_id,
        organization_id=organization_id,
        project_id=project_id,
        key_id=key_id,
    )
    if not rows:
        raise KeyNotFound
    (old,) = rows
    if "admin" in old.scopes:
        rules.check_proved(act.actor, act.now)
    rules.check_rotatable(is_retiring=old.retires_at is not None)
    old.retires_at = act.now + longest
    row = KeyRow(
        user_id=old.user_id,
        name=old.name,
        expires_at=rules.renewed_expiry(act.now, made_at=old.created_at, expires_at=old.expires_at),
        organization_id=old.organization_id,
        project_id=old.project_id,
        scopes=old.scopes,
        models=old.models,
        replaces_id=old.id,
    )
    return _keep(act, row, event="accounts.key.rotate")


def revoke_key(act: Act, key_id: str, *, user_id: str | None = None) -> None:
    """End a key at once.

    Raises:
        PersonNeeded: A key or a guest tried.
        RoleNeeded: It is another's and the actor is not an administrator.
        KeyNotFound: The account has none of that id that works.
    """
    owner = user_id or act.actor.user_id or ""
    rules.check_answers_for(act.actor, owner)
    if not end_keys(act, user_id=owner, key_id=key_id):
        raise KeyNotFound


def end_keys(
    act: Act,
    *,
    user_id: str | None = None,
    organization_id: str | None = None,
    project_id: str | None = None,
    key_id: str | None = None,
) -> int:
    """End keys at once, the caller having found that the actor may; return how many there were.

    Args:
        act: Who asks.
        user_id: Those of this account.
        organization_id: Those of this organization and its projects.
        project_id: Those of this project.
        key_id: Of all these only the one.
    """
    rows = key_queries.key_rows(
        act,
        user_id=user_id,
        organization_id=organization_id,
        project_id=project_id,
        key_id=key_id,
    )
    for row in rows:
        row.revoked_at = act.now
        audit.record(act, "accounts.key.revoke", row.id, user_id=row.user_id)
    return len(rows)


def _keep(act: Act, row: KeyRow, *, event: str = "accounts.key.create") -> KeyMade:
    """Give a key its secret and keep it."""
    secret = rules.KEY_PREFIX + secrets.token_urlsafe(rules.SECRET_BYTES)
    row.id = new_id()
    row.secret_sha256 = rules.hash_secret(secret)
    row.last_four = secret[-4:]
    row.created_at = act.now
    act.session.add(row)
    act.session.flush()
    audit.record(
        act,
        event,
        row.id,
        user_id=row.user_id,
        days=_days(row.created_at, row.expires_at),
        organization_id=row.organization_id,
        project_id=row.project_id,
        scopes=":".join(row.scopes),
        replaces_id=row.replaces_id,
    )
    return KeyMade(KeyView.model_validate(row), secret)


def _days(made_at: datetime, expires_at: datetime | None) -> int | None:
    return None if expires_at is None else (expires_at - made_at).days
