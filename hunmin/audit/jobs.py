"""The periodic sealing of the log."""

from hunmin import logs
from hunmin.audit.actions import seal
from hunmin.audit.queries import read_head
from hunmin.worker import Handlers, Job

SEAL_EVERY_SECONDS = 60

_log = logs.get(__name__)


def register(handlers: Handlers) -> None:
    """Declare this room's handlers."""
    handlers.add("audit.log.seal", seal_log, every_seconds=SEAL_EVERY_SECONDS)


def seal_log(job: Job) -> None:
    """Seal what was committed, in short transactions, and say the head where it cannot be undone.

    The log line leaves the database's reach: whoever keeps the lines can prove a change later.
    """
    with job.act() as act:
        before = head = read_head(act)
    while True:
        with job.act() as act:
            reached = seal(act)
        if reached == head:
            break
        head = reached
    if head != before:
        _log.info("the audit log is sealed", number=head.number, sha256=head.sha256)
