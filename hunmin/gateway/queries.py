"""What the gateway reads: rate, what is open, and usage as far as the actor may see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, case, func, select

from hunmin.act import Act
from hunmin.gateway import rules
from hunmin.gateway.tables import AdmissionRow, SettlementRow
from hunmin.prepared import Prepared

_RUNNING = (
    select(func.count())
    .select_from(AdmissionRow)
    .where(
        AdmissionRow.holder == bindparam("holder"),
        ~AdmissionRow.settled,
        AdmissionRow.deadline_at > bindparam("now"),
    )
)
_NEWEST = (
    select(AdmissionRow.admitted_at)
    .where(
        AdmissionRow.holder == bindparam("holder"), AdmissionRow.admitted_at > bindparam("since")
    )
    .order_by(AdmissionRow.admitted_at.desc())
    .limit(1)
)
_NTH_NEWEST = _NEWEST.offset(bindparam("skipped"))
_LOAD = Prepared(
    select(_RUNNING.scalar_subquery(), _NTH_NEWEST.scalar_subquery(), _NEWEST.scalar_subquery())
)

SEES_ALL = ("administrator", "auditor")
"""Roles that see everyone's usage."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the rules need to know of a holder before one more request is let in."""

    running: int
    """Its answers that are being written."""
    nth_newest: datetime | None
    """When the `n`th newest request of the last minute was let in, if there are as many."""
    newest: datetime | None
    """When the newest of them was, which is later than now where the clock went back since."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one key or account used of one model on one day."""

    day: date
    user_id: str | None
    key_id: str | None
    model: str
    requests: int
    failed_requests: int
    """Those that ended by a fault or were lost."""
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int


def load_of(act: Act, *, holder: str, n: int) -> Load:
    """Return what the rules need to know of a holder, in one question."""
    asked = {
        "holder": holder,
        "now": act.now,
        "since": act.now - rules.RATE_WINDOW,  # older ones need no reading
        "skipped": n - 1,
    }
    found = _LOAD.first(act.session, asked)
    assert found is not None, "three numbers are one row"
    return Load(*found)


def open_servers(act: Act) -> Sequence[str]:
    """Return the processes that have unsettled answers."""
    return act.session.scalars(
        select(AdmissionRow.server).where(~AdmissionRow.settled).distinct()
    ).all()


def usage(act: Act, *, since: date, until: date | None = None) -> list[Usage]:
    """Return the usage of each day, newest first: of the key, of the account, or of everyone.

    A key sees its own, a person or guest that of the account with all its keys, an administrator
    or auditor everyone's. A key never sees more than its own, whoever it belongs to.

    Args:
        act: Who asks.
        since: The first day, in UTC.
        until: The last day; today by default.
    """
    settled_badly = SettlementRow.outcome.in_(("failed", "lost"))
    query = (
        select(
            AdmissionRow.day,
            AdmissionRow.user_id,
            AdmissionRow.key_id,
            AdmissionRow.model,
            func.count(),
            func.coalesce(func.sum(case((settled_badly, 1), else_=0)), 0),
            func.coalesce(func.sum(SettlementRow.prompt_tokens), 0),
            func.coalesce(func.sum(SettlementRow.cached_tokens), 0),
            func.coalesce(func.sum(SettlementRow.completion_tokens), 0),
        )
        .outerjoin(SettlementRow, SettlementRow.admission_id == AdmissionRow.id)
        .where(AdmissionRow.day >= since, AdmissionRow.day <= (until or act.now.date()))
        .group_by(AdmissionRow.day, AdmissionRow.user_id, AdmissionRow.key_id, AdmissionRow.model)
        .order_by(AdmissionRow.day.desc(), AdmissionRow.key_id, AdmissionRow.model)
    )
    if act.actor.key_id is not None:
        query = query.where(AdmissionRow.key_id == act.actor.key_id)
    elif not act.actor.has_role(*SEES_ALL):
        if act.actor.user_id is None:
            return []  # a stranger: NULL must not match what the house itself did
        query = query.where(AdmissionRow.user_id == act.actor.user_id)
    return [Usage(*row) for row in act.session.execute(query)]
