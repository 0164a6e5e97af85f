"""Failed tries, counted before they are looked at, so that no two at once count as one."""

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from hunmin.act import Act
from hunmin.errors import TooManyAttempts
from hunmin.signin import rules
from hunmin.signin.tables import AttemptRow


def begin(act: Act, tries_free: dict[str, int]) -> None:
    """Count a try that may fail, in a transaction that is kept whatever comes of it.

    Args:
        act: Whoever tries.
        tries_free: The holders it counts for, and how many each has before it has to wait.

    Raises:
        TooManyAttempts: One of them has to wait. Nothing is counted then.
    """
    rows = [_row(act, holder) for holder in sorted(tries_free)]
    waits = [
        rules.wait_seconds(
            act.now,
            failures=rules.failures_now(act.now, failures=row.failures, failed_at=row.failed_at),
            failed_at=row.failed_at,
            free=tries_free[row.holder],
        )
        for row in rows
    ]
    if max(waits) > 0:
        raise TooManyAttempts(seconds=max(waits))
    for row in rows:
        counted = rules.failures_now(act.now, failures=row.failures, failed_at=row.failed_at)
        row.failures, row.failed_at = counted + 1, act.now
    act.session.flush()


def forgive(act: Act, *, whole: str | None = None, one: str | None = None) -> None:
    """Take back a try that did not fail.

    Args:
        act: Whoever succeeded.
        whole: A holder all of whose failures are forgotten: the account's.
        one: A holder that has one less: the network's, where others may go on failing.
    """
    holders = (holder for holder in (whole, one) if holder is not None)
    for holder in sorted(holders):  # in the order of `begin`, so that no two wait for each other
        if holder == whole:
            act.session.execute(delete(AttemptRow).where(AttemptRow.holder == whole))
        else:
            row = _row(act, holder)
            row.failures = max(row.failures - 1, 0)
            act.session.flush()


def forget_old(act: Act) -> int:
    """Remove failures that no longer count; return how many holders had some."""
    old = delete(AttemptRow).where(AttemptRow.failed_at < rules.quiet_since(act.now))
    return len(act.session.scalars(old.returning(AttemptRow.holder)).all())


def _row(act: Act, holder: str) -> AttemptRow:
    """Return the row of a holder, locked; a new one where there is none."""
    found = select(AttemptRow).where(AttemptRow.holder == holder).with_for_update()
    while (row := act.session.scalar(found)) is None:
        try:
            with act.session.begin_nested():
                act.session.execute(
                    insert(AttemptRow).values(holder=holder, failures=0, failed_at=act.now)
                )
        except IntegrityError:  # another made it since it was looked up, and may have removed it
            act.session.expire_all()
    return row
