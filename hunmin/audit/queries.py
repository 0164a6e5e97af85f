"""Reading the log. Everyone sees their own events; auditors and administrators see all."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select

from hunmin.act import Act
from hunmin.audit import rules
from hunmin.audit.kinds import KINDS
from hunmin.audit.tables import EventRow, SealRow
from hunmin.errors import RoleNeeded

EVENTS_MAX = 1000
"""Events one question may return."""

UNSEALED_MAX = 10_000
"""Events that are counted where somebody asks how far sealing is behind."""

_BREAKS_MAX = 20

OLD = timedelta(days=1)
"""An event of this age should have its seal: one is made every minute."""


class EventView(BaseModel):
    """One event as a person or program may read it."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    at: datetime
    kind: str
    actor_id: str
    actor_kind: str
    key_id: str | None
    subject: str
    request_id: str
    details: dict[str, Any]

    def sentence(self, language: str) -> str:
        """Return what was done, in words."""
        kind = KINDS[self.kind]
        return kind.ko if language == "ko" else kind.en


class Head(BaseModel):
    """The last seal: whoever wrote it down can later prove that nothing before it changed."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    number: int
    sha256: str


class Break(BaseModel):
    """One place where the chain does not hold."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    number: int
    event_id: str
    reason: str
    """`changed`: the event or its seal; `missing`: a seal is gone; `head`: not the one expected."""


class Verification(BaseModel):
    """What a walk along the whole chain found."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    sealed: int
    unsealed: int
    """Events that have no seal yet."""
    unsealed_old: int
    """Those of them that are older than a day, which sealing as it is done every minute missed."""
    head: Head
    breaks: list[Break]


class Unsealed(BaseModel):
    """What was done since the last seal."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    events: int
    """How many, at most `UNSEALED_MAX`."""
    oldest_at: datetime | None
    """When the first of them was."""


def list_events(
    act: Act,
    *,
    kind: str | None = None,
    subject: str | None = None,
    actor_id: str | None = None,
    before_id: str | None = None,
    limit: int = 100,
) -> list[EventView]:
    """Return events, the newest first, as far as the actor may see them.

    Args:
        act: Who asks.
        kind: Only these; a beginning like `accounts.` means all under it.
        subject: Only what was done to this.
        actor_id: Only what this account did.
        before_id: Only older than this one: the last of the page before.
        limit: How many, at most 1000.
    """
    chosen = select(EventRow).order_by(EventRow.id.desc()).limit(max(1, min(limit, EVENTS_MAX)))
    if not act.actor.has_role(*rules.SEES_ALL):
        chosen = chosen.where(EventRow.actor_id == act.actor.id)
        if act.actor.kind == "key":
            chosen = chosen.where(EventRow.key_id == act.actor.key_id)
    if kind is not None:
        chosen = chosen.where(
            EventRow.kind.startswith(kind, autoescape=True)
            if kind.endswith(".")
            else EventRow.kind == kind
        )
    if subject is not None:
        chosen = chosen.where(EventRow.subject == subject)
    if actor_id is not None:
        chosen = chosen.where(EventRow.actor_id == actor_id)
    if before_id is not None:
        chosen = chosen.where(EventRow.id < before_id)
    return [EventView(**row.columns()) for row in act.session.scalars(chosen)]


def read_unsealed(act: Act) -> Unsealed:
    """Return how far sealing is behind: a count and a moment, which are nobody's."""
    last = select(SealRow.event_id).order_by(SealRow.number.desc()).limit(1).scalar_subquery()
    after = (
        select(EventRow.at)
        .where(EventRow.id > func.coalesce(last, ""))
        .order_by(EventRow.id)
        .limit(UNSEALED_MAX)
        .subquery()
    )
    events, oldest_at = act.session.execute(select(func.count(), func.min(after.c.at))).one()
    return Unsealed(events=events, oldest_at=oldest_at)


def verify(act: Act, *, expected: Head | None = None) -> Verification:
    """Walk the whole chain again, and say where it does not hold.

    Args:
        act: Who asks; an auditor or administrator.
        expected: A head that was written down earlier: the seal of that number must be it.

    Raises:
        RoleNeeded: The actor is neither.
    """
    if not act.actor.has_role(*rules.SEES_ALL):
        raise RoleNeeded(roles=frozenset(rules.SEES_ALL))
    before = rules.GENESIS
    number = 0
    breaks: list[Break] = []
    for row, event in _chain(act):
        number += 1
        if row.number != number:
            breaks.append(Break(number=number, event_id=row.event_id, reason="missing"))
            number = row.number
        elif row.sha256 != rules.seal(before, event.columns()):
            breaks.append(Break(number=number, event_id=row.event_id, reason="changed"))
        if expected and expected.number == number and expected.sha256 != row.sha256:
            breaks.append(Break(number=number, event_id=row.event_id, reason="head"))
        before = row.sha256
        if len(breaks) >= _BREAKS_MAX:
            break
    if expected and expected.number > number and not breaks:
        breaks.append(Break(number=expected.number, event_id="", reason="missing"))
    events = act.session.scalar(select(func.count()).select_from(EventRow)) or 0
    seals = act.session.scalar(select(func.count()).select_from(SealRow)) or 0
    old = (
        select(func.count())
        .select_from(EventRow)
        .outerjoin(SealRow, SealRow.event_id == EventRow.id)
        .where(SealRow.number.is_(None), EventRow.at < act.now - OLD)
    )
    return Verification(
        sealed=seals,
        unsealed=events - seals,
        unsealed_old=act.session.scalar(old) or 0,
        head=Head(number=number, sha256=before),
        breaks=breaks,
    )


def read_head(act: Act) -> Head:
    """Return the last seal; before the first one, number 0."""
    last = act.session.scalar(select(SealRow).order_by(SealRow.number.desc()).limit(1))
    if last is None:
        return Head(number=0, sha256=rules.GENESIS)
    return Head(number=last.number, sha256=last.sha256)


def _chain(act: Act) -> Iterator[tuple[SealRow, EventRow]]:
    chosen = (
        select(SealRow, EventRow)
        .join(EventRow, EventRow.id == SealRow.event_id)
        .order_by(SealRow.number)
        .execution_options(yield_per=1000)
    )
    for seal, event in act.session.execute(chosen):
        yield seal, event
        act.session.expunge(seal)
        act.session.expunge(event)
