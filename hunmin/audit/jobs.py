"""The periodic sealing of the log."""

import time
from datetime import timedelta

from hunmin import logs
from hunmin.audit.actions import STRAGGLER_SECONDS, find_unsealed, seal_from
from hunmin.db import id_at
from hunmin.worker import Handlers, Job

SEAL_EVERY_SECONDS = 60
LATE_SECONDS = 600
"""How late an event may come and still be sealed with the next; later ones are once an hour."""

STRAGGLERS_EVERY_SECONDS = 3600

RESTS = 3.0
"""How much longer than a portion took the job rests before the next: answers go first. A busy
minute has tens of thousands of events, and at once they would hold everybody up for seconds."""
BEHIND_SECONDS = 3 * SEAL_EVERY_SECONDS
"""It does not rest while events of so long ago have no seal."""

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
    with job.act(read_only=True) as act:
        next_id = find_unsealed(act, late_seconds=late_seconds)
        long_ago = id_at(act.now - timedelta(seconds=BEHIND_SECONDS))
    rests = RESTS if next_id is None or next_id > long_ago else 0.0
    head = None
    while next_id is not None:
        began = time.monotonic()
        with job.act() as act:
            sealed = seal_from(act, next_id)
        head, next_id = sealed.head, sealed.next_id
        if next_id is not None:
            time.sleep(rests * (time.monotonic() - began))
    if head is not None:
        _log.info("the audit log is sealed", number=head.number, sha256=head.sha256)
