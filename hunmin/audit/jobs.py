"""The periodic sealing of the log."""

from hunmin import logs
from hunmin.audit.actions import STRAGGLER_SECONDS, seal
from hunmin.audit.queries import read_head
from hunmin.worker import Handlers, Job

SEAL_EVERY_SECONDS = 60
LATE_SECONDS = 600
"""How late an event may come and still be sealed with the next; later ones are once an hour."""

STRAGGLERS_EVERY_SECONDS = 3600

_log = logs.get(__name__)


def register(handlers: Handlers) -> None:
    """Declare this room's handlers."""
    handlers.add("audit.log.seal", seal_log, every_seconds=SEAL_EVERY_SECONDS)
    handlers.add("audit.straggler.seal", seal_stragglers, every_seconds=STRAGGLERS_EVERY_SECONDS)


def seal_log(job: Job) -> None:
    """Seal what was committed, in short transactions, and say the head where it cannot be undone.

    The log line leaves the database's reach: whoever keeps the lines can prove a change later.
    """
    _seal(job, late_seconds=LATE_SECONDS)


def seal_stragglers(job: Job) -> None:
    """Seal also what a transaction committed long after it was written."""
    _seal(job, late_seconds=STRAGGLER_SECONDS)


def _seal(job: Job, *, late_seconds: int) -> None:
    with job.act() as act:
        before = head = read_head(act)
    while True:
        with job.act() as act:
            reached = seal(act, late_seconds=late_seconds)
        if reached == head:
            break
        head = reached
    if head != before:
        _log.info("the audit log is sealed", number=head.number, sha256=head.sha256)
