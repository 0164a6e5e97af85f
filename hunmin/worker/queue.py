"""Moving jobs between waiting, running and done: short transactions, one for each step."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hunmin.act import Act
from hunmin.worker import rules
from hunmin.worker.handlers import ATTEMPTS_MAX, Handler
from hunmin.worker.tables import JobRow


@dataclass(frozen=True, slots=True)
class Due:
    """Jobs that could be done now, had somebody the time."""

    jobs: int
    oldest_at: datetime | None
    """Since when the first of them waits."""


def enqueue(
    act: Act,
    handler: str,
    *,
    due_at: datetime | None = None,
    unique_key: str | None = None,
    attempts_max: int = ATTEMPTS_MAX,
    **arguments: Any,  # noqa: ANN401 (plain JSON)
) -> str | None:
    """Have `handler` called with `arguments`, once this act is committed.

    Args:
        act: The act that wants the job; undone together with it.
        handler: The name it is declared under in a room's `jobs.py`.
        due_at: Not before this moment; at once by default.
        unique_key: Where a job of this key waits or runs already, do nothing.
        attempts_max: Failures after which the job is left for a person to look at.
        arguments: Ids and numbers, as plain JSON.

    Returns:
        The id of the job; None where one of its `unique_key` was there.
    """
    row = JobRow(
        handler=handler,
        arguments=arguments,
        due_at=due_at or act.now,
        attempts_max=attempts_max,
        unique_key=unique_key,
        request_id=act.request_id,
        created_at=act.now,
    )
    return row.id if _add(act.session, row) else None


def cancel(act: Act, job_id: str) -> bool:
    """Take a waiting job back; return whether it was still waiting."""
    waiting = delete(JobRow).where(JobRow.id == job_id, JobRow.state == "waiting")
    return act.session.scalar(waiting.returning(JobRow.id)) is not None


def ensure_periodic(session: Session, handler: Handler, *, now: datetime) -> None:
    """Make the one job of a periodic handler, where there is none."""
    assert handler.every_seconds is not None
    key = f"every:{handler.name}"
    row = session.scalar(select(JobRow).where(JobRow.unique_key == key))
    if row is not None:
        row.every_seconds = handler.every_seconds
        row.attempts_max = handler.attempts_max
        return
    _add(
        session,
        JobRow(
            handler=handler.name,
            arguments={},
            due_at=now,
            attempts_max=handler.attempts_max,
            every_seconds=handler.every_seconds,
            unique_key=key,
            request_id=key,
            created_at=now,
        ),
    )


def anything_due(session: Session, *, now: datetime) -> bool:
    """Return whether a job could be claimed now."""
    return session.scalar(select(JobRow.id).where(_due(now)).limit(1)) is not None


def read_due(act: Act) -> Due:
    """Return how far workers are behind: a count and a moment, which are nobody's."""
    due = select(func.count(), func.min(JobRow.due_at)).where(_due(act.now))
    return Due(*act.session.execute(due).one())


def claim(session: Session, *, worker_id: str, now: datetime, lease_seconds: int) -> JobRow | None:
    """Take the job that is due longest, for `lease_seconds`; None where none is due.

    On PostgreSQL a row another worker is taking is skipped; on SQLite the transaction is the only
    writer. A job whose lease ran out is taken too, unless it used up its attempts.
    """
    while True:
        row = session.scalar(
            select(JobRow)
            .where(_due(now))
            .order_by(JobRow.due_at, JobRow.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if row is None:
            return None
        if row.state == "running" and rules.given_up(
            attempts=row.attempts, attempts_max=row.attempts_max
        ):
            _give_up(row, error_code="worker_died", now=now)
            session.flush()
            continue
        row.state = "running"
        row.attempts += 1
        row.worker_id = worker_id
        row.due_at = now + timedelta(seconds=lease_seconds)
        session.flush()
        session.expunge(row)
        return row


def renew(session: Session, job: JobRow, *, now: datetime, lease_seconds: int) -> bool:
    """Give a sign of life; False when the lease was lost and the job is another's."""
    lease_end = now + timedelta(seconds=lease_seconds)
    renewed = update(JobRow).where(_mine(job)).values(due_at=lease_end)
    return session.scalar(renewed.returning(JobRow.id)) is not None


def finish(session: Session, job: JobRow, *, now: datetime) -> bool:
    """Delete a job that is done, or let a periodic one wait for its next turn.

    Returns:
        False when the lease was lost and nothing was changed.
    """
    if job.every_seconds is None:
        return session.scalar(delete(JobRow).where(_mine(job)).returning(JobRow.id)) is not None
    row = session.scalar(select(JobRow).where(_mine(job)))
    if row is not None:
        _wait_for_next_turn(row, now=now)
    return row is not None


def fail(session: Session, job: JobRow, *, error_code: str, now: datetime) -> bool:
    """Let a job that failed wait for its next attempt, or give it up.

    Returns:
        False when the lease was lost and nothing was changed.
    """
    row = session.scalar(select(JobRow).where(_mine(job)))
    if row is None:
        return False
    if rules.given_up(attempts=row.attempts, attempts_max=row.attempts_max):
        _give_up(row, error_code=error_code, now=now)
        return True
    row.state = "waiting"
    row.worker_id = None
    row.error_code = error_code
    row.due_at = now + timedelta(seconds=rules.retry_seconds(row.attempts))
    return True


def failed(session: Session) -> list[JobRow]:
    """Return the jobs that were given up, the longest ago first."""
    return list(session.scalars(select(JobRow).where(JobRow.state == "failed").order_by(JobRow.id)))


def retry(act: Act, job_id: str) -> bool:
    """Let a job that was given up begin anew; return whether there was one of that id."""
    again = (
        update(JobRow)
        .where(JobRow.id == job_id, JobRow.state == "failed")
        .values(state="waiting", attempts=0, due_at=act.now)
    )
    return act.session.scalar(again.returning(JobRow.id)) is not None


def _give_up(row: JobRow, *, error_code: str, now: datetime) -> None:
    row.error_code = error_code
    if row.every_seconds is not None:
        _wait_for_next_turn(row, now=now)
        return
    row.state = "failed"
    row.worker_id = None
    row.unique_key = None


def _wait_for_next_turn(row: JobRow, *, now: datetime) -> None:
    assert row.every_seconds is not None
    row.state = "waiting"
    row.worker_id = None
    row.attempts = 0
    row.due_at = now + timedelta(seconds=row.every_seconds)


def _due(now: datetime) -> Any:  # noqa: ANN401 (an SQL expression)
    return and_(
        or_(JobRow.state == "waiting", JobRow.state == "running"),
        JobRow.due_at <= now,
    )


def _mine(job: JobRow) -> Any:  # noqa: ANN401 (an SQL expression)
    return and_(
        JobRow.id == job.id,
        JobRow.state == "running",
        JobRow.worker_id == job.worker_id,
        JobRow.attempts == job.attempts,
    )


def _add(session: Session, row: JobRow) -> bool:
    if row.unique_key is None:
        session.add(row)
        session.flush()
        return True
    found = session.scalar(select(JobRow.id).where(JobRow.unique_key == row.unique_key))
    if found is not None:
        return False
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # another transaction was first
        return False
    return True
