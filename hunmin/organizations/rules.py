"""Who may do what in an organization and its projects. Pure: no clock, no database.

Everything anybody may do stands in two tables, `_IN_ORGANIZATION` and `_IN_PROJECT`. Whoever owns
or manages an organization manages each of its projects too.
"""

from collections.abc import Collection
from typing import Literal, get_args

from hunmin.errors import (
    Archived,
    LastOwner,
    RoleNeeded,
    RoleUnknown,
    ScopeUnknown,
)

Role = Literal["owner", "manager", "billing", "member"]
ProjectRole = Literal["manager", "developer", "viewer"]

ROLES: tuple[Role, ...] = get_args(Role)
PROJECT_ROLES: tuple[ProjectRole, ...] = get_args(ProjectRole)

INVITATION_DAYS = 7
"""How long an invitation can be used."""

PROJECT_SCOPES = ("inference", "files", "usage")
"""What a project's key may be used for. Conversations belong to people, administration to the
organization."""

Deed = Literal[
    "rename",
    "archive",
    "see_members",
    "invite",
    "change_members",
    "see_projects",
    "create_project",
    "archive_project",
    "make_admin_key",
    "set_limits",
    "see_bills",
    "set_budgets",
]
"""What can be done in an organization beyond seeing that it is there."""

ProjectDeed = Literal["see", "change_members", "make_own_key", "manage_keys"]
"""What can be done in a project."""

_OWNERS: frozenset[Role] = frozenset({"owner"})
_MANAGERS: frozenset[Role] = frozenset({"owner", "manager"})
_PAYERS: frozenset[Role] = frozenset({"owner", "billing"})
_OVERSEERS: frozenset[Role] = frozenset({"owner", "manager", "billing"})

_IN_ORGANIZATION: dict[Deed, frozenset[Role]] = {
    "rename": _OWNERS,
    "archive": _OWNERS,
    "see_members": _OVERSEERS,
    "invite": _MANAGERS,
    "change_members": _MANAGERS,
    "see_projects": _OVERSEERS,
    "create_project": _MANAGERS,
    "archive_project": _MANAGERS,
    "make_admin_key": _MANAGERS,
    "set_limits": _MANAGERS,
    "see_bills": _OVERSEERS,
    "set_budgets": _PAYERS,
}

_IN_PROJECT: dict[ProjectDeed, frozenset[ProjectRole]] = {
    "see": frozenset({"manager", "developer", "viewer"}),
    "change_members": frozenset({"manager"}),
    "make_own_key": frozenset({"manager", "developer"}),
    "manage_keys": frozenset({"manager"}),
}

_RANKS: dict[Role, int] = {"owner": 2, "manager": 1, "billing": 0, "member": 0}


def may(role: Role | None, deed: Deed) -> bool:
    """Return whether a role may do something in its organization; None is nobody there."""
    return role in _IN_ORGANIZATION[deed]


def may_in_project(role: ProjectRole | None, deed: ProjectDeed) -> bool:
    """Return whether a role may do something in its project; None is nobody there."""
    return role in _IN_PROJECT[deed]


def check_may(role: Role | None, deed: Deed) -> None:
    """Raise `RoleNeeded` unless a role may do something in its organization."""
    if not may(role, deed):
        raise RoleNeeded(roles=frozenset(_IN_ORGANIZATION[deed]))


def check_may_in_project(role: ProjectRole | None, deed: ProjectDeed) -> None:
    """Raise `RoleNeeded` unless a role may do something in its project."""
    if not may_in_project(role, deed):
        raise RoleNeeded(roles=frozenset(_IN_PROJECT[deed]))


def only_looks(deed: Deed) -> bool:
    """Return whether a deed changes nothing, so that it may be done in what is archived."""
    return deed.startswith("see_")


def deeds_of(role: Role | None, *, archived: bool) -> list[Deed]:
    """Return what a role may do in its organization; in an archived one only look."""
    return [
        deed for deed in _IN_ORGANIZATION if may(role, deed) and (not archived or only_looks(deed))
    ]


def project_deeds_of(
    role: ProjectRole | None, *, archived: bool, belongs: bool
) -> list[ProjectDeed]:
    """Return what a role may do in its project.

    Args:
        role: What somebody is in it.
        archived: Then they may only look.
        belongs: Whether they belong to it, and do not manage it from above: only members have
            keys of their own there.
    """
    return [
        deed
        for deed in _IN_PROJECT
        if may_in_project(role, deed)
        and (not archived or deed == "see")
        and (belongs or deed != "make_own_key")
    ]


def role_in_project(role: Role | None, given: ProjectRole | None) -> ProjectRole | None:
    """Return what somebody is in a project, from what they are in the organization and there."""
    return "manager" if may(role, "create_project") else given


def check_role(role: str) -> Role:
    """Return a role in an organization, or raise `RoleUnknown`."""
    for known in ROLES:
        if known == role:
            return known
    raise RoleUnknown(known=ROLES)


def check_project_role(role: str) -> ProjectRole:
    """Return a role in a project, or raise `RoleUnknown`."""
    for known in PROJECT_ROLES:
        if known == role:
            return known
    raise RoleUnknown(known=PROJECT_ROLES)


def check_gives(actor: Role | None, *, role: Role, had: Role | None = None) -> None:
    """Raise `RoleNeeded` unless somebody may give a role to one who had another.

    Nobody raises anybody above themselves, or changes what one above them is.
    """
    check_may(actor, "change_members")
    assert actor is not None, "nobody may change members"
    reached = max(_RANKS[role], _RANKS[had] if had else 0)
    if _RANKS[actor] < reached:
        raise RoleNeeded(roles=frozenset(one for one in ROLES if _RANKS[one] >= reached))


def check_owner_left(role: Role, *, becomes: Role | None, owners: int) -> None:
    """Raise `LastOwner` where the only owner would be one no more; None is leaving."""
    if role == "owner" and becomes != "owner" and owners <= 1:
        raise LastOwner


def check_not_archived(*archived: object) -> None:
    """Raise `Archived` where the organization or the project is: each has such a moment or None."""
    if any(moment is not None for moment in archived):
        raise Archived


def check_project_scopes(scopes: Collection[str]) -> None:
    """Raise `ScopeUnknown` where a project's key was to do what only other keys do."""
    if not set(scopes) <= set(PROJECT_SCOPES):
        raise ScopeUnknown(known=PROJECT_SCOPES)
