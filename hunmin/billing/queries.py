"""Reads of billing. Those the gateway asks are of the actor's own holders; pages ask by room."""

from collections.abc import Collection, Sequence

from sqlalchemy import BigInteger, ColumnElement, bindparam, cast, func, or_, select

from hunmin import accounts, organizations
from hunmin.act import Act
from hunmin.billing import rules
from hunmin.billing.rules import Holder, Limits, Load, Slot
from hunmin.billing.tables import LimitRow, ReservationRow, SlotRow


def _whole(total: ColumnElement[int]) -> ColumnElement[int]:
    """Return a sum as a whole number: PostgreSQL's sum of large numbers is a decimal one."""
    return cast(func.coalesce(total, 0), BigInteger)


_RUNNING = (
    select(func.count())
    .select_from(ReservationRow)
    .where(
        ReservationRow.tenant == bindparam("tenant"),
        ReservationRow.deadline_at > bindparam("now"),
        or_(
            LimitRow.holder_id == ReservationRow.tenant,
            LimitRow.holder_id == ReservationRow.project_id,
            LimitRow.holder_id == ReservationRow.key_id,
        ),
    )
    .correlate(LimitRow)
)
_COUNTED = (SlotRow.holder_id == LimitRow.holder_id) & SlotRow.at.between(
    bindparam("since"), bindparam("until")
)
_LOADS = (
    select(
        LimitRow.holder_kind,
        LimitRow.holder_id,
        LimitRow.requests_per_minute_max,
        LimitRow.tokens_per_minute_max,
        LimitRow.concurrent_max,
        _whole(func.sum(SlotRow.requests)),
        _whole(func.sum(SlotRow.tokens)),
        func.max(SlotRow.at),
        _RUNNING.scalar_subquery(),
    )
    .outerjoin(SlotRow, _COUNTED)
    .where(LimitRow.holder_id.in_(bindparam("holders", expanding=True)))
    .group_by(LimitRow.holder_id)
    .order_by(LimitRow.holder_id)
)
_SLOTS = (
    select(SlotRow.at, SlotRow.requests, SlotRow.tokens)
    .where(
        SlotRow.holder_id == bindparam("holder"),
        SlotRow.at.between(bindparam("since"), bindparam("until")),
    )
    .order_by(SlotRow.at)
)


def loads_of(act: Act, holders: Collection[Holder]) -> list[Load]:
    """Return those of the actor's holders that have limits, and how much of them is taken."""
    asked = {
        "tenant": act.actor.tenant,
        "now": act.now,
        "holders": [holder.id for holder in holders],
        **_minute(act),
    }
    found = act.session.connection().execute(_LOADS, asked)
    return [
        Load(
            Holder(kind, holder_id),
            Limits(requests_max, tokens_max, concurrent_max),
            requests=requests,
            tokens=tokens,
            newest=newest,
            running=running,
        )
        for (
            kind,
            holder_id,
            requests_max,
            tokens_max,
            concurrent_max,
            requests,
            tokens,
            newest,
            running,
        ) in found
    ]


def slots_of(act: Act, holder: Holder) -> list[Slot]:
    """Return what a holder was let in with in each second of the last minute, the oldest first."""
    asked = {"holder": holder.id, **_minute(act)}
    return [Slot(*row) for row in act.session.connection().execute(_SLOTS, asked)]


def limits_of(act: Act, holder_ids: Sequence[str]) -> dict[str, Limits]:
    """Return the limits that are set, by holder. For rooms that found the actor may know them."""
    rows = act.session.scalars(select(LimitRow).where(LimitRow.holder_id.in_(holder_ids)))
    return {row.holder_id: _limits(row) for row in rows}


def organization_limits(act: Act, organization_id: str) -> dict[str, Limits]:
    """Return the limits of an organization and of those of its projects that the actor sees.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
    """
    organizations.get_organization(act, organization_id)
    projects = organizations.list_projects(act, organization_id)
    return limits_of(act, [organization_id, *(project.id for project in projects)])


def project_limits(
    act: Act, organization_id: str, project_id: str, *, keys: Sequence[accounts.KeyView] = ()
) -> dict[str, Limits]:
    """Return the limits of a project, and of those of its keys.

    Raises:
        OrganizationNotFound: The actor does not belong to the organization.
        ProjectNotFound: The actor does not see the project.
    """
    organizations.get_project(act, organization_id, project_id)
    return limits_of(act, [project_id, *(key.id for key in keys)])


def list_limits(act: Act) -> list[tuple[Holder, Limits]]:
    """Return all limits that are set, for administrators.

    Raises:
        PersonNeeded: A key tried.
        RoleNeeded: The actor is no administrator.
    """
    accounts.check_administers(act.actor)
    rows = act.session.scalars(select(LimitRow).order_by(LimitRow.holder_kind, LimitRow.holder_id))
    return [(Holder(row.holder_kind, row.holder_id), _limits(row)) for row in rows]


def _limits(row: LimitRow) -> Limits:
    return Limits(row.requests_per_minute_max, row.tokens_per_minute_max, row.concurrent_max)


def _minute(act: Act) -> dict[str, int]:
    """Return the seconds that count now."""
    second = int(act.now.timestamp())
    return {"since": second - rules.MINUTE_SECONDS, "until": second + rules.SKEW_SECONDS}
