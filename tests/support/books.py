"""Whether the books of a service balance, whatever happened to it: read when nothing is under way.

Every answer that was let in has come to one end, what was spent is what was answered, nothing is
set aside any more, and the audit log says all of it, sealed and unbroken. All keys are those of
an organization (`tests.support.service`).
"""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Row, func, select

from hunmin import audit
from hunmin.act import SYSTEM, Act, open_act
from hunmin.audit.tables import EventRow
from hunmin.batches.rules import OPEN
from hunmin.batches.tables import BatchRow, LineRow
from hunmin.billing.tables import BudgetRow, ReservationRow, SpendingRow, UsageDayRow
from hunmin.db import Database
from hunmin.gateway.tables import AdmissionRow, SettlementRow


def check_books(database: Database) -> Counter[str]:
    """Fail where the books do not balance; return how many answers came to which end."""
    with open_act(database, SYSTEM) as act:
        answers = act.session.execute(
            select(
                AdmissionRow.id,
                AdmissionRow.key_id,
                AdmissionRow.settled,
                SettlementRow.outcome,
                SettlementRow.prompt_tokens,
                SettlementRow.completion_tokens,
                SettlementRow.cached_tokens,
            ).outerjoin(SettlementRow, SettlementRow.admission_id == AdmissionRow.id)
        ).all()
        unsettled = [row.id for row in answers if not row.settled or row.outcome is None]
        assert unsettled == []
        _check_events(act, answers)
        _check_money(act, answers)
        _check_batches(act)
    _check_log(database)
    return Counter(row.outcome for row in answers)


def _check_events(act: Act, answers: Iterable[Row]) -> None:
    """The log has the beginning and the end of each answer, once."""
    told: dict[str, set[str]] = {}
    counted: Counter[str] = Counter()
    events = select(EventRow.kind, EventRow.subject).where(
        EventRow.kind.startswith("gateway.request.")
    )
    for kind, subject in act.session.execute(events):
        told.setdefault(subject, set()).add(kind.rpartition(".")[2])
        counted[f"{kind} {subject}"] += 1
    assert set(counted.values()) <= {1}
    expected = {row.id: "lose" if row.outcome == "lost" else "settle" for row in answers}
    assert told.keys() == expected.keys()
    for subject, end in expected.items():
        assert told[subject] >= {"admit", end}, (subject, told[subject], end)


def _check_money(act: Act, answers: Iterable[Row]) -> None:
    """What was spent and used is what programs were answered, and nothing is set aside."""
    assert act.session.scalars(select(ReservationRow.admission_id)).all() == []
    settled = [row for row in answers if row.key_id and row.outcome != "lost"]
    paid = [row for row in settled if row.outcome != "failed"]
    tokens = sum(row.prompt_tokens + row.completion_tokens for row in paid)
    spent = select(func.coalesce(func.sum(SpendingRow.spent), 0)).join(
        BudgetRow, BudgetRow.id == SpendingRow.budget_id
    )
    assert act.session.scalar(spent.where(BudgetRow.unit == "tokens")) == tokens
    used = act.session.execute(
        select(
            *(
                func.coalesce(func.sum(column), 0)
                for column in (
                    UsageDayRow.requests,
                    UsageDayRow.failed,
                    UsageDayRow.prompt_tokens,
                    UsageDayRow.completion_tokens,
                )
            )
        )
    ).one()
    assert tuple(map(int, used)) == (
        len(settled),
        sum(row.outcome == "failed" for row in settled),
        sum(row.prompt_tokens for row in settled),
        sum(row.completion_tokens for row in settled),
    )


def _check_batches(act: Act) -> None:
    """Batches have ended, with every line answered, and no line is left over."""
    for batch in act.session.scalars(select(BatchRow)):
        assert batch.status not in OPEN, batch.status
        if batch.status == "completed":
            assert batch.total == batch.completed + batch.failed
    assert act.session.scalar(select(func.count()).select_from(LineRow)) == 0


def _check_log(database: Database) -> None:
    """Every event has its seal, and no seal is broken."""
    head = None
    while True:
        with open_act(database, SYSTEM) as act:
            reached = audit.seal(act)
        if reached == head:
            break
        head = reached
    with open_act(database, SYSTEM, read_only=True) as act:
        found = audit.verify(act)
    assert (found.breaks, found.unsealed) == ([], 0)
