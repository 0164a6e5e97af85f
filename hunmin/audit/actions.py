"""Writing the log: one event per thing done, in the transaction that does it."""

from hunmin.act import Act
from hunmin.audit import rules
from hunmin.audit.kinds import Kind
from hunmin.audit.tables import EventRow

Detail = str | int | bool | None


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
    act.session.add(
        EventRow(
            at=act.now,
            kind=Kind(kind).value,
            actor_id=act.actor.id,
            actor_kind=act.actor.kind,
            key_id=act.actor.key_id,
            subject=subject,
            request_id=act.request_id,
            details=details,
        )
    )
