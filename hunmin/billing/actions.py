"""Everything that can be done to limits. What answers use of them is counted by `charges`."""

from sqlalchemy import delete

from hunmin import accounts, audit, organizations
from hunmin.act import Act
from hunmin.billing import rules
from hunmin.billing.rules import Holder, Limits
from hunmin.billing.tables import LimitRow, ReservationRow, SlotRow

KEPT_SECONDS = 3_600
"""How long what does not count any more is left where it is: longer than any clock is off."""


def set_organization_limits(act: Act, organization_id: str, limits: Limits) -> None:
    """Say how much an organization may ask, all its projects together; nothing takes it back.

    Raises:
        PersonNeeded: A key tried.
        RoleNeeded: The actor is no administrator: an organization does not limit itself.
        OrganizationNotFound: There is none.
        LimitUnfit: One is no number that a limit can be.
    """
    accounts.check_administers(act.actor)
    organizations.get_organization(act, organization_id)
    _set(act, Holder("organization", organization_id), limits)


def set_project_limits(act: Act, organization_id: str, project_id: str, limits: Limits) -> None:
    """Say how much a project may ask, all its keys together; nothing takes it back.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        ProjectNotFound: The organization has no such project.
        RoleNeeded: The actor manages no projects there.
        Archived: The organization or the project does not change any more.
        LimitUnfit: One is no number that a limit can be.
    """
    organizations.check_may(act, organization_id, "set_limits", project_id=project_id)
    _set(act, Holder("project", project_id), limits)


def set_key_limits(
    act: Act, organization_id: str, project_id: str, key_id: str, limits: Limits
) -> None:
    """Say how much one key of a project may ask; nothing takes it back.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        ProjectNotFound: The organization has no such project.
        KeyNotFound: The project has none of that id that works.
        RoleNeeded: The actor manages no projects there.
        Archived: The organization or the project does not change any more.
        LimitUnfit: One is no number that a limit can be.
    """
    organizations.check_may(act, organization_id, "set_limits", project_id=project_id)
    accounts.check_key_of(act, organization_id, project_id=project_id, key_id=key_id)
    _set(act, Holder("key", key_id), limits)


def set_user_limits(act: Act, user_id: str, limits: Limits) -> None:
    """Say how much an account may ask, in the browser and with its own keys.

    Raises:
        PersonNeeded: A key tried.
        RoleNeeded: The actor is no administrator.
        UserNotFound: There is no such account.
        LimitUnfit: One is no number that a limit can be.
    """
    accounts.check_administers(act.actor)
    accounts.get_user(act, user_id)
    _set(act, Holder("user", user_id), limits)


def sweep(act: Act) -> int:
    """Remove what counts no more: seconds long past, answers nobody settled. Return how many."""
    past = int(act.now.timestamp()) - KEPT_SECONDS
    gone = 0
    for ended in (
        delete(SlotRow).where(SlotRow.at < past),
        delete(ReservationRow).where(ReservationRow.deadline_at < act.now),
    ):
        gone += act.session.connection().execute(ended).rowcount
    if gone:
        audit.record(act, "billing.slot.sweep", "billing", rows=gone)
    return gone


def _set(act: Act, holder: Holder, limits: Limits) -> None:
    rules.check_fit(limits)
    row = act.session.get(LimitRow, holder.id)
    if limits == Limits():
        if row is not None:
            act.session.delete(row)
    else:
        if row is None:
            row = LimitRow(holder_id=holder.id, holder_kind=holder.kind)
            act.session.add(row)
        row.requests_per_minute_max = limits.requests_per_minute_max
        row.tokens_per_minute_max = limits.tokens_per_minute_max
        row.concurrent_max = limits.concurrent_max
        row.set_by, row.set_at = act.actor.id, act.now
    act.session.flush()
    audit.record(
        act,
        "billing.limit.set",
        holder.id,
        holder=holder.kind,
        requests_per_minute_max=limits.requests_per_minute_max,
        tokens_per_minute_max=limits.tokens_per_minute_max,
        concurrent_max=limits.concurrent_max,
    )
