"""Writing the log: one event per thing done, in the transaction that does it; and sealing it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select, text

from hunmin.act import Act
from hunmin.audit import rules
from hunmin.audit.kinds import KINDS
from hunmin.audit.queries import Head, read_head
from hunmin.audit.tables import EventRow, SealRow
from hunmin.db import id_at, id_before, new_id
from hunmin.prepared import Prepared

Detail = str | int | bool | None

_WRITE = Prepared(insert(EventRow))
_SEAL = insert(SealRow)
_UNSEALED = (
    select(EventRow)
    .outerjoin(SealRow, SealRow.event_id == EventRow.id)
    .where(SealRow.number.is_(None))
    .order_by(EventRow.id)
)

STRAGGLER_SECONDS = 86_400
"""A transaction may commit this long after its event got its id, and the event is still sealed."""

SEALED_TOGETHER = 100
"""Events of one transaction: on SQLite nobody else writes in the meantime."""


def record(act: Act, kind: str, subject: str, **details: Detail) -> None:
    """Write one event into the act's transaction.

    Args:
        act: Who did it, when, in which transaction.
        kind: What was done, `room.noun.verb`; one of `hunmin.audit.kinds`.
        subject: The id of what it was done to.
        details: Ids, numbers, booleans and short words of the program; never a person's words.

    Raises:
        UnknownEventKind: `kind` is not in the vocabulary.
        EventHoldsContent: A value could hold what somebody wrote.
    """
    rules.check_kind(kind)
    rules.check_details(kind, {"subject": subject, **details})
    event = {
        "id": new_id(),
        "at": act.now,
        "kind": KINDS[kind].value,
        "actor_id": act.actor.id,
        "actor_kind": act.actor.kind,
        "key_id": act.actor.key_id,
        "subject": subject,
        "request_id": act.request_id,
        "details": details,
    }
    _WRITE.run(act.session, event)


def seal(act: Act, *, limit: int = SEALED_TOGETHER, late_seconds: int = STRAGGLER_SECONDS) -> Head:
    """Chain committed events that have no seal yet, in the order of their ids; return the head.

    Writers are not held up: events are written plainly, and sealed here a little later. What is
    sealed cannot be changed without changing every later seal.

    Args:
        act: When, in which transaction.
        limit: How many at the most.
        late_seconds: See `find_unsealed`.
    """
    first = find_unsealed(act, late_seconds=late_seconds)
    return read_head(act) if first is None else seal_from(act, first, limit=limit).head


def find_unsealed(act: Act, *, late_seconds: int) -> str | None:
    """Return the id of the first event that has no seal, or None.

    Args:
        act: When. It only reads.
        late_seconds: How far before the last sealed event to look for some that came late, and
            how far before now: where the clock was ahead when the last one was made, events of
            after it was put right lie before that one. Each event of that time is looked at,
            however few are found.
    """
    unsealed = _UNSEALED.with_only_columns(EventRow.id).limit(1)
    last = act.session.scalar(select(SealRow.event_id).order_by(SealRow.number.desc()).limit(1))
    if last is not None:
        late = min(id_at(act.now - timedelta(seconds=late_seconds)), id_before(last, late_seconds))
        unsealed = unsealed.where(EventRow.id > late)
    return act.session.scalar(unsealed)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a portion of sealing came to."""

    head: Head
    next_id: str | None
    """From which event on there may be more, or None."""


def seal_from(act: Act, first_id: str, *, limit: int = SEALED_TOGETHER) -> Sealed:
    """Chain events that have no seal yet from one on, in the order of their ids.

    Args:
        act: In which transaction.
        first_id: As `find_unsealed` found it, or the portion before this one.
        limit: How many at the most.
    """
    if act.session.get_bind().dialect.name == "postgresql":
        act.session.execute(text("LOCK TABLE audit_seals IN SHARE ROW EXCLUSIVE MODE"))
    before = read_head(act)
    number, sha256 = before.number, before.sha256
    seals: list[dict[str, Any]] = []
    portion = _UNSEALED.where(EventRow.id >= first_id).limit(limit)
    for event in act.session.connection().execute(portion):
        number += 1
        sha256 = rules.seal(sha256, event._asdict())
        seals.append({"number": number, "event_id": event.id, "sha256": sha256})
    if seals:
        act.session.connection().execute(_SEAL, seals)
    next_id = seals[-1]["event_id"] if len(seals) == limit else None
    return Sealed(Head(number=number, sha256=sha256), next_id)
